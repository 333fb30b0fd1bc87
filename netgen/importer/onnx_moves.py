"""ONNX operators that only move elements: reshape, transpose, slice, pad, gather and their like.

ONNX Runtime moves the numbers of the elements in place of their values, so every version and attribute of these
operators means what it means there.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from netgen.importer.onnx_node import Array, Condition, ErrorFunction, Integers, Node, Scores, Value
from netgen.importer.onnx_run import NodeRunner, UnsupportedError
from netgen.importer.signals import NO_NEURON, ConstantTensor, Signals, signals_of
from netgen.ir.fixed import Words

__all__ = ["MOVES", "move"]

MOVES = frozenset(
    {
        "Concat",
        "DepthToSpace",
        "Expand",
        "Flatten",
        "Gather",
        "GatherElements",
        "GatherND",
        "Identity",
        "Pad",
        "Reshape",
        "Resize",
        "Slice",
        "SpaceToDepth",
        "Split",
        "Squeeze",
        "Tile",
        "Transpose",
        "Unsqueeze",
        "Upsample",
    }
)
MOST_SIGNALS = 1 << 21
"""Elements of a tensor that depends on the inputs: each takes about 200 bytes."""
MOST_CONSTANTS = 1 << 25
PADDED = -1
"""What padding puts in place of an element's number."""


def move(node: Node, runner: NodeRunner) -> list[Value | None]:
    """The outputs of an operator that moves elements, as numbers, neurons, integers or scores.

    Raises: ModelError, for scores that it would tear apart, and modes that compute.
    """
    count = len(node.inputs) if node.proto.op_type == "Concat" else 1
    parts = [node.value(index) for index in range(count)]
    most = MOST_CONSTANTS if all(isinstance(part, ConstantTensor) for part in parts) else MOST_SIGNALS
    _limit(node, sum(int(np.prod(part.shape, dtype=np.int64)) for part in parts), most)
    numbers, total = [], 0
    for part in parts:
        size = int(np.prod(part.shape, dtype=np.int64))
        numbers.append(np.arange(total, total + size).reshape(part.shape))
        total += size
    padding = _padding(node)
    moved = _moved_numbers(node, runner, numbers, total)
    for one in moved:
        _limit(node, 0 if one is None else one.size, most)
    together = _together(node, parts)
    return [None if one is None else _chosen(node, together, one, padding) for one in moved]


def _limit(node: Node, size: int, most: int) -> None:
    """Refuse more elements than memory holds."""
    if size > most:
        raise node.error(f"moves {size:,} numbers; netgen reads at most {most:,}")


def _padding(node: Node) -> float:
    """The number that fills a padding, and refusals of modes that compute new values."""
    op = node.proto.op_type
    if op in {"Resize", "Upsample"} and node.text("mode", "nearest") != "nearest":
        raise node.error(f"mode {node.text('mode')}; use nearest, or a transposed convolution")
    if op != "Pad":
        return 0.0
    if node.opset < 11:
        return node.real("value")
    return node.number(2, "constant value") if node.given(2) else 0.0


def _moved_numbers(node: Node, runner: NodeRunner, numbers: list[Words], total: int) -> list[Words | None]:
    """Which element stands in each place of each output."""
    import onnx

    proto = node.proto
    rest = [
        None if one is None else node.constant(index, "shape or index").value
        for index, one in enumerate(node.inputs)
        if index >= len(numbers)
    ]
    if proto.op_type == "Pad":
        proto = onnx.NodeProto()
        proto.CopyFrom(node.proto)
        for one in proto.attribute:
            if one.name == "value":
                one.f = PADDED
        if node.given(2):
            rest[1] = np.asarray(PADDED)
        elif node.opset >= 11:
            name = "netgen.padded"
            proto.input[:] = [*proto.input[:2], name, *proto.input[3:]]
            rest = [*rest[:1], np.asarray(PADDED), *rest[2:]]
    for kind in (np.float64, np.float32):
        given: list[Array | None] = [one.astype(kind) for one in numbers]
        if proto.op_type == "Pad" and node.opset >= 11:
            rest[1] = np.asarray(PADDED, dtype=kind)
        if kind is np.float32 and total >= 1 << 24:
            break
        try:
            found = runner(proto, [*given, *rest])
        except UnsupportedError:
            continue
        return [None if one is None else one.astype(np.int64) for one in found]
    raise node.error("moves elements of a type that ONNX Runtime has not implemented; use another operator")


def _together(node: Node, parts: list[Value]) -> Value:
    """All parts behind one another, flat."""
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(part, ConstantTensor) for part in parts):
        constants = [part for part in parts if isinstance(part, ConstantTensor)]
        steps = [_steps(part) for part in constants]
        step = None if any(one is None for one in steps) else np.concatenate([s for s in steps if s is not None])
        return ConstantTensor(np.concatenate([part.value.reshape(-1) for part in constants]), step)
    if all(isinstance(part, Integers) for part in parts):
        integers = [part for part in parts if isinstance(part, Integers)]
        return Integers(
            Signals.joined([part.signals.moved(_flat) for part in integers], 0),
            np.concatenate([part.scale.reshape(-1) for part in integers]),
            np.concatenate([part.zero.reshape(-1) for part in integers]),
        )
    tensors = [node.tensor(index) for index in range(len(parts))]
    return Signals.joined([signals_of(tensor).moved(_flat) for tensor in tensors], 0)


def _flat(array: Array) -> Array:
    return array.reshape(-1)


def _steps(constant: ConstantTensor) -> Array | None:
    """The step of each number, flat."""
    return None if constant.step is None else np.broadcast_to(constant.step, constant.shape).reshape(-1)


def _chosen(node: Node, value: Value, number: Words, padding: float) -> Value:
    """The elements of a value at `number`, where `PADDED` stands for a padding."""
    padded = number == PADDED

    def pick(array: Array, fill: Any) -> Array:
        found: Array = np.asarray(array.reshape(-1)[np.where(padded, 0, number)])  # of 0 axes, too
        return np.where(padded, fill, found).astype(array.dtype) if padded.any() else found

    match value:
        case ConstantTensor():
            step = _steps(value)
            kept = None if step is None or (padded.any() and padding) else step[np.where(padded, 0, number)]
            return ConstantTensor(pick(value.value, padding), kept)
        case Signals():
            return Signals(pick(value.neuron, NO_NEURON), pick(value.value, padding))
        case Condition(signals):
            return Condition(Signals(pick(signals.neuron, NO_NEURON), pick(signals.value, padding)))
        case Integers(signals, scale, zero):
            if padded.any() and (np.ptp(scale) or np.ptp(zero)):
                raise node.error("pads integers of several scales; dequantize before the padding")
            number_of = scale.reshape(-1)[0] * (padding - zero.reshape(-1)[0])
            return Integers(
                Signals(pick(signals.neuron, NO_NEURON), pick(signals.value, number_of)),
                pick(scale, scale.reshape(-1)[0]),
                pick(zero, zero.reshape(-1)[0]),
            )
        case ErrorFunction():
            raise node.error("reshapes or slices an error function; use Gelu (opset 20)")
        case Scores():
            if padded.any():
                raise node.error(f"pads a {value.function}, which netgen computes at outputs only; remove it")
            return _scores(node, value, pick)


def _scores(node: Node, value: Scores, pick: Callable[[Array, Any], Array]) -> Scores:
    """Scores that are moved as a whole: every group along the axis stays one, in its order."""
    shape, axis = value.signals.shape, value.axis % len(value.signals.shape)
    if value.function == "argmax":
        groups = np.arange(int(np.prod(shape[:-1], dtype=np.int64))).reshape(shape[:-1])
        chosen = pick(groups, 0)
        return Scores(value.signals.moved(lambda array: array.reshape(-1, shape[-1])[chosen]), value.function, -1)
    numbers = np.arange(int(np.prod(shape, dtype=np.int64))).reshape(shape)
    rows = _rows(numbers, axis)
    moved = pick(numbers, 0)
    for other in range(moved.ndim):
        found = _rows(moved, other)
        if found.shape == rows.shape and np.array_equal(found[np.argsort(found[:, 0])], rows[np.argsort(rows[:, 0])]):
            flat = value.signals.moved(_flat)
            return Scores(flat.moved(lambda array: array[moved]), value.function, other)
    raise node.error(f"slices a {value.function}, which netgen computes at outputs only; remove it")


def _rows(numbers: Words, axis: int) -> Words:
    """(groups, n) the elements of each group along an axis."""
    return np.moveaxis(numbers, axis, -1).reshape(-1, numbers.shape[axis])
