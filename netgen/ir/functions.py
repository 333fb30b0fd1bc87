"""Activation functions of single values: one class for each kind, and its meaning in double precision.

A neuron applies a pipeline of them to its sum or maximum, one after the other. Parameters are scalars, or one number
for each neuron of the layer, (n,). To add a kind, write its class here, name it in `Function`, and give it its case in
`apply`; `mypy` reports every function that has no case for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, assert_never, get_args

import numpy as np
import numpy.typing as npt

from netgen.errors import WeightsError
from netgen.ir.arrays import frozen
from netgen.ir.fixed import Reals

__all__ = [
    "RELU",
    "Affine",
    "Clip",
    "Composition",
    "Elu",
    "Function",
    "Gelu",
    "HardSigmoid",
    "HardSwish",
    "LeakyRelu",
    "MultiThreshold",
    "PiecewiseLinear",
    "Product",
    "Quantize",
    "Rounding",
    "Sigmoid",
    "Sign",
    "Silu",
    "Softplus",
    "Tanh",
    "apply",
    "apply_all",
    "is_relu",
    "of_neurons",
    "uniform",
]

Parameter = Reals | float
"""A scalar, or one number for each neuron, (n,)."""

Rounding = Literal["half_even", "half_up", "half_away", "down", "up", "zero"]
"""How a number between two steps is rounded: to the nearest with ties to even, up, or away from zero; or down (floor),
up (ceil) or toward zero always."""


class _Parametric:
    """Keeps array parameters read-only and refuses those that are not numbers."""

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]  # subclasses are dataclasses
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                object.__setattr__(self, field.name, frozen(value, np.float64))
            if isinstance(value, np.ndarray | float | int) and np.isnan(value).any():
                raise WeightsError(f"{type(self).__name__}: {field.name} is NaN; every parameter must be a number")


@dataclass(frozen=True, eq=False)
class Affine(_Parametric):
    """`scale * x + offset`; batch normalization after training."""

    scale: Parameter
    offset: Parameter = 0.0


@dataclass(frozen=True, eq=False)
class Clip(_Parametric):
    """The nearest number to x between `lo` and `hi`, which may be infinite: ReLU, ReLU6, hardtanh, clamp."""

    lo: Parameter
    hi: Parameter = float("inf")


@dataclass(frozen=True, eq=False)
class LeakyRelu(_Parametric):
    """x, times `slope` where x is negative: LeakyReLU, and PReLU with a slope for each channel."""

    slope: Parameter


@dataclass(frozen=True, eq=False)
class Elu(_Parametric):
    """`gain * x` where x is positive, `gain * alpha * (exp(x) - 1)` elsewhere: ELU and SELU."""

    alpha: Parameter = 1.0
    gain: Parameter = 1.0


@dataclass(frozen=True, eq=False)
class Gelu(_Parametric):
    """x times the normal distribution at x; `tanh` uses the approximation of Hendrycks and Gimpel 2016."""

    tanh: bool = False


@dataclass(frozen=True, eq=False)
class Silu(_Parametric):
    """`x * sigmoid(x)`."""


@dataclass(frozen=True, eq=False)
class HardSigmoid(_Parametric):
    """`alpha * x + beta`, limited to 0 and 1."""

    alpha: Parameter = 1 / 6
    beta: Parameter = 0.5


@dataclass(frozen=True, eq=False)
class HardSwish(_Parametric):
    """`x * HardSigmoid(x)`."""


@dataclass(frozen=True, eq=False)
class Sigmoid(_Parametric):
    """`1 / (1 + exp(-x))`."""


@dataclass(frozen=True, eq=False)
class Tanh(_Parametric):
    """The hyperbolic tangent."""


@dataclass(frozen=True, eq=False)
class Softplus(_Parametric):
    """`log(1 + exp(beta * x)) / beta`; x itself where `beta * x` exceeds `threshold`, as in PyTorch."""

    beta: Parameter = 1.0
    threshold: Parameter = float("inf")


@dataclass(frozen=True, eq=False)
class Sign(_Parametric):
    """-1, 0 or 1."""


@dataclass(frozen=True, eq=False)
class Quantize(_Parametric):
    """Round to a multiple of `step`: `step * (clip(round(x / step + zero), lo, hi) - zero)`.

    Attributes:
        step: positive.
        zero: the integer that means 0.
        lo, hi: least and greatest integer.
    """

    step: Parameter
    zero: Parameter
    lo: Parameter
    hi: Parameter
    rounding: Rounding = "half_even"


@dataclass(frozen=True, eq=False)
class MultiThreshold(_Parametric):
    """`scale * (how many thresholds are at most x) + offset`: FINN's MultiThreshold, and BipolarQuant with one at 0.

    Attributes:
        thresholds: (n, k) for each neuron, or (1, k) for all; ascending in every row.
    """

    thresholds: Reals
    scale: Parameter = 1.0
    offset: Parameter = 0.0


@dataclass(frozen=True, eq=False)
class PiecewiseLinear(_Parametric):
    """`slope * x`, and `bends * max(x - knots, 0)` summed over the knots: a function whose shape is trained.

    Attributes:
        knots: (n, k) for each neuron, or (1, k) for all, in any order.
        bends: of the same shape, by how much the slope changes at each knot.
        slope: at the left of all knots.
    Source: Agostinelli, Hoffman, Sadowski and Baldi 2015 (adaptive piecewise linear units).
    """

    knots: Reals
    bends: Reals
    slope: Parameter = 0.0


@dataclass(frozen=True, eq=False)
class Product:
    """The product of two pipelines of the same x, such as `x * sigmoid(x)` written as two operations."""

    left: "Composition"
    right: "Composition"


Function = (
    Affine
    | Clip
    | LeakyRelu
    | Elu
    | Gelu
    | Silu
    | HardSigmoid
    | HardSwish
    | Sigmoid
    | Tanh
    | Softplus
    | Sign
    | Quantize
    | MultiThreshold
    | PiecewiseLinear
    | Product
)
Composition = tuple[Function, ...]
"""Functions applied one after the other; none is the identity."""

RELU = Clip(0.0)
"""The rectifier."""


def is_relu(function: Function) -> bool:
    """Whether a function is the rectifier for every neuron."""
    return isinstance(function, Clip) and not np.any(function.lo) and bool(np.all(np.isposinf(function.hi)))


def apply(function: Function, x: Reals) -> Reals:  # noqa: PLR0912  # one case for each kind
    """Compute a function of values (samples, n), in double precision; the same shape."""
    from scipy.special import erf, expit

    result: Reals
    match function:
        case Affine(scale, offset):
            return x * scale + offset
        case Clip(lo, hi):
            return np.clip(x, lo, hi)
        case LeakyRelu(slope):
            return np.where(x >= 0, x, x * slope)
        case Elu(alpha, gain):
            return gain * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0)))
        case Gelu(tanh):
            if tanh:
                result = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
                return result
            result = 0.5 * x * (1 + erf(x / np.sqrt(2)))
            return result
        case Silu():
            result = x * expit(x)
            return result
        case HardSigmoid(alpha, beta):
            return np.clip(alpha * x + beta, 0.0, 1.0)
        case HardSwish():
            return x * np.clip(x / 6 + 0.5, 0.0, 1.0)
        case Sigmoid():
            result = expit(x)
            return result
        case Tanh():
            return np.tanh(x)
        case Softplus(beta, threshold):
            return np.where(beta * x > threshold, x, np.logaddexp(0.0, beta * x) / beta)
        case Sign():
            return np.sign(x)
        case Quantize(step, zero, lo, hi, rounding):
            return step * (np.clip(round_to_integers(x / step + zero, rounding), lo, hi) - zero)
        case MultiThreshold(thresholds, scale, offset):
            return scale * _reached(x, thresholds) + offset
        case PiecewiseLinear(knots, bends, slope):
            result = x * slope
            for knot, bend in zip(knots.T, bends.T, strict=True):
                result = result + bend * np.maximum(x - knot, 0.0)
            return result
        case Product(left, right):
            return apply_all(left, x) * apply_all(right, x)
        case _:
            assert_never(function)


def apply_all(pipeline: Composition, x: Reals) -> Reals:
    """Apply the functions of a pipeline, one after the other, to values (samples, n)."""
    for function in pipeline:
        x = apply(function, x)
    return x


def round_to_integers(x: Reals, rounding: Rounding) -> Reals:
    """Round numbers of any shape to whole numbers."""
    match rounding:
        case "half_even":
            return np.rint(x)
        case "half_up":
            return np.floor(x + 0.5)
        case "half_away":
            return np.copysign(np.floor(np.abs(x) + 0.5), x)
        case "down":
            return np.floor(x)
        case "up":
            return np.ceil(x)
        case "zero":
            return np.trunc(x)
        case _:
            assert_never(rounding)


def _reached(x: Reals, thresholds: Reals) -> Reals:
    """How many thresholds each value of (samples, n) has reached."""
    if len(thresholds) == 1:
        return np.searchsorted(thresholds[0], x, side="right").astype(np.float64)
    columns = [np.searchsorted(row, x[:, k], side="right") for k, row in enumerate(thresholds)]
    return np.stack(columns, axis=1).astype(np.float64)


def of_neurons(pipeline: Composition, chosen: npt.NDArray[np.int64]) -> Composition:
    """The pipeline of some neurons of a layer, in the order of `chosen`, (k,)."""

    def one(function: Function) -> Function:
        if isinstance(function, Product):
            return Product(of_neurons(function.left, chosen), of_neurons(function.right, chosen))
        arrays = {f.name: getattr(function, f.name) for f in fields(function)}
        rows = {k: a[chosen] for k, a in arrays.items() if isinstance(a, np.ndarray) and len(a) != 1}
        return replace(function, **rows)  # type: ignore[arg-type]  # fields of the function's own class

    return tuple(one(function) for function in pipeline)


def uniform(pipeline: Composition) -> bool:
    """Whether the functions are the same for every neuron."""
    for function in pipeline:
        if isinstance(function, Product):
            if not (uniform(function.left) and uniform(function.right)):
                return False
            continue
        arrays = [getattr(function, f.name) for f in fields(function)]
        if any(isinstance(a, np.ndarray) and len(a) != 1 for a in arrays):
            return False
    return True


def check_pipeline(pipeline: Sequence[Any], neurons: int, place: str) -> None:
    """Refuse what is no function, and parameters that are not one number for each neuron.

    Raises: WeightsError, with the place.
    """
    for function in pipeline:
        if not isinstance(function, get_args(Function)):
            raise WeightsError(f"{place}: {function!r} is no activation function of netgen")
        if isinstance(function, Product):
            check_pipeline(function.left, neurons, place)
            check_pipeline(function.right, neurons, place)
            continue
        for field in fields(function):
            value = getattr(function, field.name)
            if isinstance(value, np.ndarray) and value.ndim and len(value) not in {1, neurons}:
                kind = type(function).__name__
                raise WeightsError(f"{place}: {kind} has {len(value)} values of {field.name} for {neurons} neurons")
