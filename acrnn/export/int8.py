"""Weights of an ONNX model stored in 8 bits.

The weights alone are quantised, one scale an output channel, and onnxruntime turns them back into float32 while it
loads the file. So the file is smaller, and speed and memory are those of the model in float32. Onnxruntime's own
quantiser also computes in 8 bits, but has no GRU: docs/export.md compares both.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

PREFIX = "network."
"""Of the weights that are quantised; those of the front end are none of them."""
LARGEST = 127


def store_in_int8(model: "ModelProto") -> None:
    """Replace each of the network's weights of two or more axes by int8 values, a scale, and their product."""
    graph = model.graph
    products: list[NodeProto] = []
    for weight in list(graph.initializer):
        if weight.name.startswith(PREFIX) and len(weight.dims) > 1:
            stored, nodes = _quantised(weight)
            graph.initializer.remove(weight)
            graph.initializer.extend(stored)
            products += nodes
    for node in reversed(products):
        graph.node.insert(0, node)


def _quantised(weight: "TensorProto") -> tuple[list["TensorProto"], list["NodeProto"]]:
    """Give the int8 values and the scale of each first index, and the two nodes that multiply them.

    A cast and a product, which are computed once while a file is loaded; DequantizeLinear is computed in every run.
    """
    from onnx import TensorProto, helper, numpy_helper

    name, values = weight.name, numpy_helper.to_array(weight)
    largest = np.abs(values).max(axis=tuple(range(1, values.ndim)), keepdims=True)
    scale = np.where(largest > 0, largest / LARGEST, 1).astype(np.float32)
    whole = np.round(values / scale).astype(np.int8)
    stored = [numpy_helper.from_array(whole, f"{name}.int8"), numpy_helper.from_array(scale, f"{name}.scale")]
    nodes = [
        helper.make_node("Cast", [f"{name}.int8"], [f"{name}.cast"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{name}.cast", f"{name}.scale"], [name]),
    ]
    return stored, nodes
