"""ONNX's comparisons with a number, and `Where`, which chooses by them: a selection by gates."""

import numpy as np

from netgen.importer.builder import Builder
from netgen.importer.onnx_node import Condition, Converter, Node, Value
from netgen.importer.operations import Comparison, apply_functions, comparison, select
from netgen.importer.signals import ConstantTensor, Signals, signals_of

__all__ = ["CHOICES"]

MIRRORED: dict[Comparison, Comparison] = {">": "<", ">=": "<=", "<": ">", "<=": ">="}


def _compared(kind: Comparison) -> Converter:
    """A comparison of signals with a stored number, on either side."""

    def operation(builder: Builder, node: Node) -> list[Value | None]:
        a, b = node.tensor(0), node.tensor(1)
        signals, limit, how = (b, a, MIRRORED[kind]) if isinstance(a, ConstantTensor) else (a, b, kind)
        if not isinstance(signals, Signals) or not isinstance(limit, ConstantTensor):
            raise node.error("compares two signals; subtract one from the other, and compare with 0")
        if limit.value.size != 1:
            raise node.error("compares with more than one number; use one, or Max and Min")
        shape = np.broadcast_shapes(signals.shape, limit.shape)
        functions = comparison(how, float(limit.value.reshape(-1)[0]))
        found = apply_functions(builder, node.name, signals, functions)
        assert isinstance(found, Signals)
        return [Condition(found.moved(lambda array: array.reshape(shape)))]

    return operation


def _where(builder: Builder, node: Node) -> list[Value | None]:
    """Elements of two tensors: a known condition moves them, one that compares signals selects by gates."""
    condition, word, bypass = node.value(0), node.tensor(1), node.tensor(2)
    if isinstance(condition, Condition):
        return [select(builder, node.name, condition.signals, word, bypass)]
    assert isinstance(condition, ConstantTensor), "ONNX's types allow no other truth values"
    shape = np.broadcast_shapes(condition.shape, word.shape, bypass.shape)
    one, other = (signals_of(x).moved(lambda array: np.broadcast_to(array, shape)) for x in (word, bypass))
    return [
        Signals(np.where(condition.value, one.neuron, other.neuron), np.where(condition.value, one.value, other.value))
    ]


CHOICES: dict[str, Converter] = {
    "Greater": _compared(">"),
    "GreaterOrEqual": _compared(">="),
    "Less": _compared("<"),
    "LessOrEqual": _compared("<="),
    "Where": _where,
}
"""By the name of the operator."""
