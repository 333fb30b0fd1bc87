"""ONNX's functions of single values, as activation functions of netgen."""

from collections.abc import Callable

import numpy as np

from netgen.importer.builder import Builder
from netgen.importer.onnx_node import Converter, Node, Value
from netgen.importer.operations import apply_functions
from netgen.ir.fixed import Reals
from netgen.ir.functions import (
    RELU,
    Affine,
    Clip,
    Composition,
    Elu,
    Gelu,
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    Product,
    Sigmoid,
    Sign,
    Softplus,
    Tanh,
)

__all__ = ["FUNCTIONS"]


def _function(pipeline_of: Callable[[Node], Composition]) -> Converter:
    """An operator that applies functions to its first input."""

    def operation(builder: Builder, node: Node) -> list[Value | None]:
        return [apply_functions(builder, node.name, node.tensor(0), pipeline_of(node))]

    return operation


def _clip(node: Node) -> Composition:
    """Limits are attributes before opset 11, and inputs from there on."""
    if node.opset < 11:
        return (Clip(node.real("min", -np.inf), node.real("max", np.inf)),)
    lo = node.number(1, "least value") if node.given(1) else -np.inf
    hi = node.number(2, "greatest value") if node.given(2) else np.inf
    return (Clip(lo, hi),)


def _prelu(node: Node) -> Composition:
    """A slope for all, or one that broadcasts to the input."""
    slope, shape = node.reals(1, "slope"), node.value(0).shape
    if slope.size == 1:
        return (LeakyRelu(float(slope.reshape(-1)[0])),)
    try:
        each: Reals = np.broadcast_to(slope, shape).reshape(-1)
    except ValueError:
        raise node.error(f"slopes of shape {slope.shape} for an input of shape {shape}") from None
    return (LeakyRelu(each),)


def _gelu(node: Node) -> Composition:
    how = node.text("approximate", "none")
    if how not in {"none", "tanh"}:
        raise node.error(f"approximate {how!r}; use 'none' or 'tanh'")
    return (Gelu(how == "tanh"),)


def _celu(node: Node) -> Composition:
    """`alpha * Elu(x / alpha)`."""
    alpha = node.real("alpha")
    if not alpha > 0:
        raise node.error(f"alpha {alpha:g}; it must be positive")
    return (Affine(1 / alpha), Elu(1.0, alpha))


def _swish(node: Node) -> Composition:
    """`x * sigmoid(alpha * x)`."""
    return (Product((), (Affine(node.real("alpha", 1.0)), Sigmoid())),)


FUNCTIONS: dict[str, Converter] = {
    "Abs": _function(lambda _: (LeakyRelu(-1.0),)),
    "Celu": _function(_celu),
    "Clip": _function(_clip),
    "Elu": _function(lambda node: (Elu(node.real("alpha")),)),
    "Gelu": _function(_gelu),
    "HardSigmoid": _function(lambda node: (HardSigmoid(node.real("alpha"), node.real("beta")),)),
    "HardSwish": _function(lambda _: (HardSwish(),)),
    "LeakyRelu": _function(lambda node: (LeakyRelu(node.real("alpha")),)),
    "Mish": _function(lambda _: (Product((), (Softplus(), Tanh())),)),
    "Neg": _function(lambda _: (Affine(-1.0),)),
    "PRelu": _function(_prelu),
    "Relu": _function(lambda _: (RELU,)),
    "Selu": _function(lambda node: (Elu(node.real("alpha"), node.real("gamma")),)),
    "Sigmoid": _function(lambda _: (Sigmoid(),)),
    "Sign": _function(lambda _: (Sign(),)),
    "Softplus": _function(lambda _: (Softplus(),)),
    "Swish": _function(_swish),
    "Tanh": _function(lambda _: (Tanh(),)),
}
"""By the name of the operator."""
