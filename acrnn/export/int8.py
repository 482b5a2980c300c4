"""Weights of an ONNX model stored in 8 bits.

The weights alone are quantised, with one scale for each output, and onnxruntime turns them back into float32 while it
loads the file. So the file is smaller, and speed and memory are those of the model in float32. Onnxruntime's own
quantiser also computes in 8 bits, but has no GRU: docs/export.md compares both.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

FRONT_END = "spectrogram."
"""Begins the names of the window's, the transform's and the filters' values, which are left as they are."""
LARGEST = 127
MIN_VALUES = 8
"""Fewer values under one scale are not worth it."""


def store_in_int8(model: "ModelProto") -> None:
    """Replace each weight of the network by int8 values, their scales, and the product of both."""
    from onnx import TensorProto, numpy_helper

    graph = model.graph
    products: list[NodeProto] = []
    for weight in list(graph.initializer):
        if weight.data_type != TensorProto.FLOAT or weight.name.startswith(FRONT_END) or len(weight.dims) < 2:
            continue
        values = numpy_helper.to_array(weight)
        scale = _scale(values)
        if values.size >= MIN_VALUES * scale.size:
            whole = np.round(values / scale).astype(np.int8)
            graph.initializer.remove(weight)
            graph.initializer.append(numpy_helper.from_array(whole, f"{weight.name}.int8"))
            graph.initializer.append(numpy_helper.from_array(scale, f"{weight.name}.scale"))
            products += _product(weight.name)
    for node in reversed(products):
        graph.node.insert(0, node)


def _scale(values: np.ndarray) -> np.ndarray:
    """Give one scale for each output: a row of (direction, row, input) of a GRU, else the first axis."""
    inputs = (2,) if values.ndim == 3 else tuple(range(1, values.ndim))
    largest = np.abs(values).max(axis=inputs, keepdims=True)
    return np.where(largest > 0, largest / LARGEST, 1).astype(np.float32)


def _product(name: str) -> list["NodeProto"]:
    """Give a cast and a product: computed once, while a file is loaded, where DequantizeLinear is in every run."""
    from onnx import TensorProto, helper

    return [
        helper.make_node("Cast", [f"{name}.int8"], [f"{name}.cast"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{name}.cast", f"{name}.scale"], [name]),
    ]
