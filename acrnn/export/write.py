"""A checkpoint as a file that runs without this package: ONNX for onnxruntime, or PT2 for torch alone."""

import io
import json
import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.export import Dim, ExportedProgram

from acrnn.checkpoints import Checkpoint, CheckpointConfig
from acrnn.data import atomic_write_bytes
from acrnn.errors import OptionError
from acrnn.export.graph import ClipGraph
from acrnn.export.int8 import store_in_int8
from acrnn.export.interface import Port, input_of, metadata_of, outputs_of

if TYPE_CHECKING:
    from onnx import ModelProto

FORMATS = ("onnx", "pt2")
NEEDED = ("onnx", "onnxscript")
"""Packages by which torch writes ONNX."""
OPSET = 20
METADATA_FILE = "acrnn.json"
"""Name of the metadata inside a PT2 file."""


def require_format(form: str, *, int8: bool) -> None:
    """Make sure, before any work, that a file of this format can be written.

    Raises
    ------
    OptionError
        If there is no such format, it has no int8, or a package is missing.
    """
    if form not in FORMATS:
        raise OptionError(f"There is no format {form!r}; {', '.join(FORMATS)} are accepted.")
    if int8 and form != "onnx":
        raise OptionError(f"int8 is for format onnx; {form} has float32 alone.")
    missing = [name for name in NEEDED if find_spec(name) is None]
    if form == "onnx" and missing:
        raise OptionError(
            f"Format onnx needs {' and '.join(missing)}: pip install onnx onnxscript onnxruntime brings all of it."
        )


def write_model(checkpoint: Checkpoint, path: Path, form: str = "onnx", *, int8: bool = False) -> None:
    """Write a checkpoint, front end included, as one file; it takes about half a minute.

    Parameters
    ----------
    checkpoint : Checkpoint
    path : Path
        The file, created or replaced as a whole.
    form : str
        One of `FORMATS`.
    int8 : bool
        Store the network's weights in 8 bits.

    Raises
    ------
    CheckpointError, OptionError, OSError
    """
    require_format(form, int8=int8)
    with _quietly():
        program = traced(checkpoint)
        data = _pt2(program, checkpoint.config) if form == "pt2" else _onnx(program, checkpoint.config, int8=int8)
    atomic_write_bytes(path, data)


def traced(checkpoint: Checkpoint) -> ExportedProgram:
    """Trace `ClipGraph` for any batch and any number of samples."""
    graph = ClipGraph(checkpoint).eval()
    front_end = checkpoint.config.front_end
    n_samples = (
        3 * front_end.segment_frames * front_end.hop_samples + 1
    )  # sizes that are 0 or 1 would be taken as fixed
    program = torch.export.export(
        graph,
        (torch.zeros(2, n_samples),),
        dynamic_shapes={"waveform": {0: Dim("batch"), 1: Dim("sample", min=1)}},
        prefer_deferred_runtime_asserts_over_guards=True,  # else clips of one segment are refused
    )
    for node in reversed(program.graph.nodes):
        node.meta.pop("stack_trace", None)  # paths of this machine
        if node.target is torch.ops.aten._assert_scalar.default:
            program.graph.erase_node(node)  # they demand two segments or more, and tests show that one is enough
    program.graph.eliminate_dead_code()
    program.graph_module.recompile()
    return program


def _pt2(program: ExportedProgram, config: CheckpointConfig) -> bytes:
    file = io.BytesIO()
    torch.export.save(program, file, extra_files={METADATA_FILE: json.dumps(metadata_of(config))})
    return file.getvalue()


def _onnx(program: ExportedProgram, config: CheckpointConfig, *, int8: bool) -> bytes:
    model = _as_onnx(program, config)
    if int8:
        store_in_int8(model)
    return model.SerializeToString()


def _as_onnx(program: ExportedProgram, config: CheckpointConfig) -> "ModelProto":
    from onnx import helper

    inputs, outputs = [input_of(config)], outputs_of(config)
    names = [port.name for port in outputs]
    exported = torch.onnx.export(
        program, input_names=[inputs[0].name], output_names=names, opset_version=OPSET, dynamo=True, verbose=False
    )
    model = exported.model_proto
    for node in model.graph.node:
        del node.metadata_props[:]
    del model.graph.value_info[:]
    for ports, values in ((inputs, model.graph.input), (outputs, model.graph.output)):
        for port, value in zip(ports, values, strict=True):
            _name_axes(port, value.type.tensor_type.shape.dim)
            value.doc_string = port.sentence()
    helper.set_model_props(model, metadata_of(config))
    return model


def _name_axes(port: Port, sizes: Iterable[Any]) -> None:
    """Name the axes of any size, which torch names by how they are computed."""
    for axis, size in zip(port.axes, sizes, strict=True):
        if not size.HasField("dim_value"):
            size.dim_param = axis


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep torch from telling of packages that are not needed here."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
