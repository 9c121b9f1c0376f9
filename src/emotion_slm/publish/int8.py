"""An ONNX graph with its matrix products in int8: weights rounded by column, inputs by token."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx

LEAST = np.float32(1e-9)  # in place of a scale of nought
STEPS = np.float32(127)  # to either side of nought
CONSTANTS = {
    "int8.zero": np.uint8(128),
    "int8.half": np.float32(128.5),
    "int8.steps": STEPS,
    "int8.least": LEAST,
    "int8.last": np.array([-1]),  # axis
}


def quantise(graph: Path, path: Path) -> Path:
    """Write `graph` to `path` with int8 matrix products; returns `path`.

    Weights are rounded by output column, their inputs by token: x ≈ scale · (q - 128). One scale
    for all tokens of a batch, as ONNX Runtime's own quantiser takes, leaves most tokens few of the
    255 steps, and lets a text's scores depend on the others of its batch.
    """
    import onnx
    from onnx.helper import make_node
    from onnx.numpy_helper import from_array, to_array

    model = onnx.load(graph)
    weights = {part.name: part for part in model.graph.initializer}
    constants = [from_array(np.array(value), name) for name, value in CONSTANTS.items()]
    nodes, read = [], set()
    for node in model.graph.node:
        if node.op_type != "MatMul" or not _is_matrix(weights.get(node.input[1])):
            nodes.append(node)
            continue
        x, name, y = *node.input, node.output[0]
        if x not in read:  # once for all products that read it
            read.add(x)
            nodes += _rounded_by_token(x)
        matrix = to_array(weights[name])  # (in, out)
        scale = np.maximum(np.abs(matrix).max(axis=0), LEAST) / STEPS
        nodes += [
            make_node("MatMulInteger", [f"{x}.q", f"{y}.weight", "int8.zero"], [f"{y}.int32"]),
            make_node("Cast", [f"{y}.int32"], [f"{y}.sums"], to=onnx.TensorProto.FLOAT),
            make_node("Mul", [f"{y}.sums", f"{x}.scale"], [f"{y}.by_token"]),
            make_node("Mul", [f"{y}.by_token", f"{y}.scale"], [y]),
        ]
        constants += [
            from_array(np.round(matrix / scale).astype(np.int8), f"{y}.weight"),
            from_array(scale, f"{y}.scale"),
        ]
    used = {name for node in nodes for name in node.input}
    constants += [part for part in weights.values() if part.name in used]
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(constants)
    onnx.save(model, path)
    return path


def _is_matrix(weight: "onnx.TensorProto | None") -> bool:
    """Whether it is one that `quantise` can round: float32, not one matrix per head or batch."""
    return weight is not None and len(weight.dims) == 2 and weight.data_type == 1


def _rounded_by_token(x: str) -> "list[onnx.NodeProto]":
    """`x` (…, width) float32 → `x.q` uint8 with 128 for nought, and `x.scale` (…, 1)."""
    import onnx
    from onnx.helper import make_node

    return [
        make_node("Abs", [x], [f"{x}.abs"]),
        make_node("ReduceMax", [f"{x}.abs", "int8.last"], [f"{x}.peak"], keepdims=1),
        make_node("Max", [f"{x}.peak", "int8.least"], [f"{x}.most"]),
        make_node("Div", [f"{x}.most", "int8.steps"], [f"{x}.scale"]),
        make_node("Div", [x, f"{x}.scale"], [f"{x}.steps"]),
        make_node("Add", [f"{x}.steps", "int8.half"], [f"{x}.above"]),
        make_node("Cast", [f"{x}.above"], [f"{x}.q"], to=onnx.TensorProto.UINT8),  # cuts off
    ]
