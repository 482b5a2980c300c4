"""A checkpoint → a file that classifies waveforms without this package, its front end included: ONNX or PT2.

It may import checkpoints, features and data, and alone uses the packages onnx and onnxscript, which are optional.
"""

from acrnn.export.graph import ClipGraph
from acrnn.export.hub import write_hub_folder
from acrnn.export.interface import Port, input_of, metadata_of, outputs_of
from acrnn.export.write import FORMATS, require_format, write_model

__all__ = [
    "FORMATS",
    "ClipGraph",
    "Port",
    "input_of",
    "metadata_of",
    "outputs_of",
    "require_format",
    "write_hub_folder",
    "write_model",
]
