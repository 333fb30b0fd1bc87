"""GELU as exporters write it before opset 20: a half of x times one more than the error function of x / sqrt(2)."""

from itertools import product

import numpy as np

from netgen.importer.builder import Builder
from netgen.importer.onnx_node import ErrorFunction, Node, Value
from netgen.importer.operations.elementwise import origins
from netgen.importer.signals import ConstantTensor, Signals
from netgen.ir.functions import Affine, Composition, Gelu

__all__ = ["erf", "plus_erf", "times_erf"]

CLOSE = 1e-6
"""Relative error of a square root of 2 in float32, with room."""


def erf(_builder: Builder, node: Node) -> list[Value | None]:
    """The error function, which only a GELU may read."""
    return [ErrorFunction(node.signals(0))]


def plus_erf(node: Node) -> list[Value | None] | None:
    """An error function plus a number; None for other sums."""
    found = _operands(node)
    if found is None or not isinstance(found[1], ConstantTensor) or found[1].value.size != 1:
        return None
    function, number = found[0], float(found[1].value.reshape(-1)[0])
    return [ErrorFunction(function.signals, function.gain, function.offset + number)]


def times_erf(builder: Builder, node: Node) -> list[Value | None] | None:
    """An error function times a number, or the last product of a GELU; None for other products."""
    found = _operands(node)
    if found is None:
        return None
    function, other = found
    if isinstance(other, ConstantTensor) and other.value.size == 1:
        factor = float(other.value.reshape(-1)[0])
        return [ErrorFunction(function.signals, function.gain * factor, function.offset * factor)]
    if not isinstance(other, Signals) or other.shape != function.shape or function.gain != function.offset:
        return None
    for (x, before), (same, inner) in product(origins(builder, other), origins(builder, function.signals)):
        scale, root = _factor(before), _factor(inner)
        if np.array_equal(x.neuron, same.neuron) and scale and root and abs(root * np.sqrt(2) - 1) < CLOSE:
            return [builder.apply(node.name, x, (Gelu(), Affine(2 * scale * function.gain)))]
    return None


def _operands(node: Node) -> tuple[ErrorFunction, Value] | None:
    a, b = node.value(0), node.value(1)
    if isinstance(b, ErrorFunction):
        a, b = b, a
    return (a, b) if isinstance(a, ErrorFunction) else None


def _factor(pipeline: Composition) -> float | None:
    """What a pipeline multiplies by, when it does nothing else."""
    factor = 1.0
    for function in pipeline:
        if not isinstance(function, Affine) or np.size(function.scale) != 1 or np.any(function.offset):
            return None
        factor *= float(np.reshape(function.scale, -1)[0])
    return factor
