"""A table from ONNX's operators to the operations of `netgen.importer.operations`, and hints for what is not read."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from netgen.importer.builder import Builder
from netgen.importer.onnx_choices import CHOICES
from netgen.importer.onnx_functions import FUNCTIONS
from netgen.importer.onnx_gelu import erf, plus_erf, times_erf
from netgen.importer.onnx_node import Condition, Converter, Node, Scores, Value
from netgen.importer.onnx_windows import (
    MAX_WIRES,
    average_pool,
    conv,
    conv_transpose,
    global_average,
    global_max,
    max_pool,
)
from netgen.importer.operations import (
    add,
    batch_norm,
    contract,
    divide,
    einsum,
    greatest,
    maximum,
    mean,
    minimum,
    multiply,
    total,
)
from netgen.importer.signals import ConstantTensor, Signals, Tensor

__all__ = ["HINTS", "OPERATIONS"]

LETTERS = "abcdefghijklmnopqrstuvwxy"


def _add(builder: Builder, node: Node) -> list[Value | None]:
    return plus_erf(node) or [add(builder, node.name, node.tensor(0), node.tensor(1))]


def _subtract(builder: Builder, node: Node) -> list[Value | None]:
    return [add(builder, node.name, node.tensor(0), node.tensor(1), -1.0)]


def _multiply(builder: Builder, node: Node) -> list[Value | None]:
    return times_erf(builder, node) or [multiply(builder, node.name, node.tensor(0), node.tensor(1))]


def _divide(builder: Builder, node: Node) -> list[Value | None]:
    return [divide(builder, node.name, node.tensor(0), node.tensor(1))]


def _power(builder: Builder, node: Node) -> list[Value | None]:
    """Only the square, which is a function of a single value."""
    if node.number(1, "exponent") != 2:
        raise node.error(f"the exponent {node.number(1, 'exponent'):g} of a signal; netgen reads only 2")
    return [multiply(builder, node.name, node.signals(0), node.signals(0))]


def _sum(builder: Builder, node: Node) -> list[Value | None]:
    return [reduce(lambda a, b: add(builder, node.name, a, b), _all(node))]


def _mean(builder: Builder, node: Node) -> list[Value | None]:
    summed = reduce(lambda a, b: add(builder, node.name, a, b), _all(node))
    return [divide(builder, node.name, summed, ConstantTensor(np.asarray(len(node.inputs), dtype=np.float64)))]


def _max(builder: Builder, node: Node) -> list[Value | None]:
    return [reduce(lambda a, b: maximum(builder, node.name, a, b), _all(node))]


def _min(builder: Builder, node: Node) -> list[Value | None]:
    return [reduce(lambda a, b: minimum(builder, node.name, a, b), _all(node))]


def _all(node: Node) -> list[Tensor]:
    return [node.tensor(index) for index in range(len(node.inputs))]


def _swapped(tensor: ConstantTensor, *axes: int) -> ConstantTensor:
    """A known matrix with its axes in another order, its steps too."""
    step = None if tensor.step is None else np.broadcast_to(tensor.step, tensor.shape).transpose(axes)
    return ConstantTensor(tensor.value.transpose(axes), step)


def _product(builder: Builder, node: Node, a: Tensor, b: Tensor, bias: ConstantTensor | None = None) -> Signals:
    """The product of two matrices, one of which is known."""
    if isinstance(a, Signals) and isinstance(b, Signals):
        raise node.error("a product of two signals (attention); multiply by a stored matrix")
    if isinstance(a, ConstantTensor):
        assert isinstance(b, Signals)
        if len(b.shape) < 2 or a.value.ndim != 2:
            raise node.error(f"a stored tensor of shape {a.shape} times a signal of shape {b.shape}; use matrices")
        swap = b.moved(lambda array: np.swapaxes(array, -1, -2))
        found = _product(builder, node, swap, _swapped(a, 1, 0))
        return found.moved(lambda array: np.swapaxes(array, -1, -2))
    assert isinstance(b, ConstantTensor)
    while b.value.ndim > 2 and b.shape[0] == 1 and b.value.ndim >= len(a.shape):
        b = ConstantTensor(b.value[0], None if b.step is None else np.broadcast_to(b.step, b.shape)[0])
    lead = len(b.shape) - 2
    if lead < 0 or len(b.shape) > len(a.shape) or a.shape[-1] != b.shape[-2] or a.shape[-2 - lead : -2] != b.shape[:-2]:
        raise node.error(f"a signal of shape {a.shape} times a stored tensor of shape {b.shape}; use one matrix")
    wires = int(np.prod(a.shape, dtype=object)) * b.shape[-1]
    if wires > MAX_WIRES:
        raise node.error(f"{wires:,} wires; netgen reads layers of at most {MAX_WIRES:,}")
    left = LETTERS[: len(a.shape)]
    return contract(builder, node.name, f"{left},{left[-2 - lead : -2]}{left[-1]}z->{left[:-1]}z", a, b, bias)


def _matmul(builder: Builder, node: Node) -> list[Value | None]:
    return [_product(builder, node, node.tensor(0), node.tensor(1))]


def _einsum(builder: Builder, node: Node) -> list[Value | None]:
    return [einsum(builder, node.name, node.text("equation"), _all(node))]


def _gemm(builder: Builder, node: Node) -> list[Value | None]:
    """`alpha * A' @ B' + beta * C`."""
    alpha, beta = node.real("alpha", 1.0), node.real("beta", 1.0)
    a, b = (
        _transposed(node, node.tensor(index)) if node.integer(name) else node.tensor(index)
        for index, name in enumerate(("transA", "transB"))
    )
    if alpha != 1:
        a, b = (_scaled(one, alpha) if isinstance(one, ConstantTensor) else one for one in (a, b))
    c = node.tensor(2) if node.given(2) else None
    if isinstance(c, ConstantTensor) and isinstance(a, Signals):
        return [_product(builder, node, a, b, _scaled(c, beta))]
    found = _product(builder, node, a, b)
    return [found if c is None else add(builder, node.name, found, c, beta)]


def _transposed(node: Node, tensor: Tensor) -> Tensor:
    if len(tensor.shape) != 2:
        raise node.error(f"an input of shape {tensor.shape}; Gemm reads matrices")
    return tensor.moved(np.transpose) if isinstance(tensor, Signals) else _swapped(tensor, 1, 0)


def _scaled(tensor: ConstantTensor, factor: float) -> ConstantTensor:
    step = None if tensor.step is None or not factor else tensor.step * abs(factor)
    return ConstantTensor(tensor.value.astype(np.float64) * factor, step)


def _batch_norm(builder: Builder, node: Node) -> list[Value | None]:
    """With stored statistics, over the second axis."""
    node.real("momentum")
    if node.opset < 9 and node.integer("spatial", 1) != 1:
        raise node.error("statistics for each element (spatial = 0); use a Mul and an Add")
    if node.opset >= 14 and node.integer("training_mode"):
        raise node.error("normalizes by the batch (training_mode = 1); export the model in evaluation mode")
    scale, offset, average, variance = (
        node.reals(index, what).reshape(-1) for index, what in enumerate(("scale", "bias", "mean", "variance"), 1)
    )
    x = node.tensor(0)
    if len(x.shape) < 2 or {len(one) for one in (scale, offset, average, variance)} != {x.shape[1]}:
        raise node.error(f"{len(scale)} scales for an input of shape {x.shape}; its second axis holds the channels")
    epsilon = node.real("epsilon")
    if not (variance + epsilon > 0).all():
        raise node.error(f"a variance of {variance.min()}; variances must be positive")
    return [
        batch_norm(builder, node.name, x, scale=scale, offset=offset, mean=average, variance=variance, epsilon=epsilon)
    ]


def _axes(node: Node, since: int) -> list[int] | None:
    """The axes of a reduction: an attribute, or from a version on an input; None for all."""
    if node.opset < since:
        return node.integers("axes")
    return node.integers_at(1, "axes") if node.given(1) else None


def _reduction(reduced: Callable[..., Tensor], since: int) -> Converter:
    """ReduceMean, ReduceSum: without axes over all, unless told that none means none."""

    def operation(builder: Builder, node: Node) -> list[Value | None]:
        x, axes, keep = node.tensor(0), _axes(node, since), bool(node.integer("keepdims", 1))
        none = bool(node.integer("noop_with_empty_axes")) if node.opset >= since else False
        if not axes and none:
            return [x]
        return [reduced(builder, node.name, x, axes or range(len(x.shape)), keepdims=keep)]

    return operation


def _dropout(_builder: Builder, node: Node) -> list[Value | None]:
    """Nothing, outside of training."""
    node.real("ratio")
    node.integer("seed")
    if node.opset >= 12 and node.given(2) and node.number(2, "training mode"):
        raise node.error("drops values (training_mode is true); export the model in evaluation mode")
    return [node.value(0)]


def _cast(_builder: Builder, node: Node) -> list[Value | None]:
    """Between floating-point types, from integers and comparisons to them, and of classes to any number."""
    import onnx

    kind = onnx.TensorProto.DataType.Name(node.integer("to"))
    if node.opset >= 19:
        node.integer("saturate")
    node.text("round_mode")
    value = node.value(0)
    if isinstance(value, Condition) and kind == "BOOL":
        return [value]
    if isinstance(value, Condition):
        value = value.signals
    classes = isinstance(value, Scores) and value.function == "argmax"
    if kind not in {"FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16"} and not (classes and "INT" in kind):
        raise node.error(f"casts a signal to {kind.lower()}; use floating-point types, or QuantizeLinear")
    return [value if isinstance(value, Scores | Signals) else node.tensor(0)]


def _softmax(kind: Any) -> Converter:
    """Softmax and LogSoftmax; before opset 13 over all axes from one on."""

    def operation(_builder: Builder, node: Node) -> list[Value | None]:
        x = node.signals(0)
        axis = node.integer("axis") % len(x.shape)
        if node.opset < 13:
            long = [one for one in range(axis, len(x.shape)) if x.shape[one] != 1]
            if len(long) > 1:
                raise node.error(f"over the axes {long} together (before opset 13); flatten its input first")
            axis = long[0] if long else axis
        return [Scores(x, kind, axis)]

    return operation


def _classes(node: Node, axis: int, *, keep: bool) -> Scores:
    """The index of the greatest value along an axis, also through a softmax along the same."""
    value = node.value(0)
    if isinstance(value, Scores) and value.function != "argmax" and value.axis % len(value.shape) == axis:
        x = value.signals
    else:
        x = node.signals(0)
    last = x.moved(lambda array: np.moveaxis(array, axis, -1))
    return Scores(last.moved(lambda array: np.expand_dims(array, axis)) if keep else last, "argmax", -1)


def _argmax(_builder: Builder, node: Node) -> list[Value | None]:
    if node.opset >= 12 and node.integer("select_last_index"):
        raise node.error("takes the last of equal values (select_last_index = 1); netgen takes the first")
    axis = node.integer("axis") % len(node.value(0).shape)
    return [_classes(node, axis, keep=bool(node.integer("keepdims", 1)))]


def _top_k(builder: Builder, node: Node) -> list[Value | None]:
    """The greatest value, by a maximum, and its index."""
    count = node.integer("k") if node.opset < 10 else int(node.number(1, "k"))
    axis = node.integer("axis", -1) % len(node.value(0).shape)
    if node.opset >= 11:
        node.integer("sorted")
        if not node.integer("largest", 1):
            raise node.error("takes the least values (largest = 0); negate the signals before it")
    if count != 1:
        raise node.error(f"the {count} greatest values; netgen reads k = 1")
    values, index = None, None
    if node.proto.output[0]:
        x = node.value(0)
        x = node.signals(0) if not isinstance(x, Scores) else x.signals
        values = greatest(builder, node.name, x, [axis], keepdims=True)
    if len(node.proto.output) > 1 and node.proto.output[1]:
        index = _classes(node, axis, keep=True)
    return [values, index]


OPERATIONS: dict[str, Converter] = {
    **CHOICES,
    **FUNCTIONS,
    "Add": _add,
    "ArgMax": _argmax,
    "AveragePool": average_pool,
    "BatchNormalization": _batch_norm,
    "Cast": _cast,
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "Div": _divide,
    "Dropout": _dropout,
    "Einsum": _einsum,
    "Erf": erf,
    "Gemm": _gemm,
    "GlobalAveragePool": global_average,
    "GlobalMaxPool": global_max,
    "LogSoftmax": _softmax("log_softmax"),
    "MatMul": _matmul,
    "Max": _max,
    "MaxPool": max_pool,
    "Mean": _mean,
    "Min": _min,
    "Mul": _multiply,
    "Pow": _power,
    "ReduceMax": _reduction(greatest, 18),
    "ReduceMean": _reduction(mean, 18),
    "ReduceSum": _reduction(total, 13),
    "Softmax": _softmax("softmax"),
    "Sub": _subtract,
    "Sum": _sum,
    "TopK": _top_k,
}
"""By the name of the operator."""

_RECURRENT = "use a 1-D convolution over the steps, or unroll them"
_INTEGER = "export the model in the QDQ format (QuantizeLinear, DequantizeLinear)"
HINTS: dict[str, str] = {
    "Attention": "attention multiplies signals; use convolutions or dense layers",
    "ConvInteger": _INTEGER,
    "DynamicQuantizeLinear": "its scale depends on the input; quantize statically (QuantizeLinear)",
    "GRU": _RECURRENT,
    "GroupNormalization": "use BatchNormalization with stored statistics",
    "If": "export the branch that is taken",
    "InstanceNormalization": "use BatchNormalization with stored statistics",
    "LSTM": _RECURRENT,
    "LayerNormalization": "use BatchNormalization with stored statistics",
    "Loop": "export the model with the loop unrolled",
    "MatMulInteger": _INTEGER,
    "QLinearConv": _INTEGER,
    "QLinearMatMul": _INTEGER,
    "RNN": _RECURRENT,
    "Scan": "export the model with the loop unrolled",
}
"""What could stand in place of an operator that is not read."""
