"""Operators on single elements."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from netgen.importer.aten.call import Call, Handler
from netgen.importer.operations import (
    Comparison,
    add,
    apply_functions,
    comparison,
    divide,
    maximum,
    minimum,
    multiply,
)
from netgen.importer.signals import ConstantTensor
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
    Quantize,
    Rounding,
    Sigmoid,
    Sign,
    Silu,
    Softplus,
    Tanh,
)

__all__ = ["FUNCTIONS"]

INFINITY = float("inf")
SELU_ALPHA, SELU_GAIN = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
"""As PyTorch has them."""


def _elu(call: Call) -> Composition:
    if call["input_scale"] not in {None, 1}:
        raise call.refusal("an input scale other than 1; use elu without it")
    return (Elu(float(call["alpha"]), float(call["scale"])),)


def _celu(call: Call) -> Composition:
    alpha = float(call["alpha"])
    return (Affine(1 / alpha), Elu(), Affine(alpha))


def _clamp(call: Call) -> Composition:
    low, high = call["min"], call["max"]
    return (Clip(-INFINITY if low is None else float(low), INFINITY if high is None else float(high)),)


def _hardtanh(call: Call) -> Composition:
    return (Clip(float(call["min_val"]), float(call["max_val"])),)


def _threshold(call: Call) -> Composition:
    if call["threshold"] != call["value"]:
        raise call.refusal(f"jumps from {call['value']} to {call['threshold']}; use equal numbers, or clamp")
    return (Clip(float(call["threshold"])),)


def _power(call: Call) -> Composition:
    """A power by repeated products."""
    exponent = call["exponent"]
    if isinstance(exponent, ConstantTensor) and exponent.value.size == 1:
        exponent = float(exponent.value.reshape(-1)[0])
    if exponent not in {1, 2, 3, 4}:
        raise call.refusal("only powers of 1 to 4 are supported; use relu, sigmoid or tanh")
    power: Composition = ()
    for _ in range(int(exponent) - 1):
        power = (Product(power, ()),)
    return power


def _rounded(rounding: Rounding) -> Callable[[Call], Composition]:
    def pipeline(call: Call) -> Composition:
        if call["decimals"]:
            raise call.refusal("rounds to decimals; use a quantizer with a step")
        return (Quantize(1.0, 0.0, -INFINITY, INFINITY, rounding),)

    return pipeline


def _fake_quantize(call: Call) -> Composition:
    scale, zero = (float(np.asarray(call.constant(name).value)) for name in ("scale", "zero_point"))  # type: ignore[union-attr]  # the schema requires both
    scale = float(np.float32(scale))  # PyTorch keeps it in single precision, whatever the signals have
    return (Quantize(scale, 0.0, float(call["quant_min"]) - zero, float(call["quant_max"]) - zero),)


def _compared(kind: Comparison) -> Callable[[Call], Composition]:
    """1 where a comparison with a number is true, else 0."""

    def pipeline(call: Call) -> Composition:
        other = call.constant("other")
        if other is None or other.value.size != 1:
            raise call.refusal("compares with more than one number; use one, or maximum and minimum")
        return comparison(kind, float(other.value.reshape(-1)[0]))

    return pipeline


_PIPELINES: dict[str, Callable[[Call], Composition]] = {
    "abs": lambda _: (LeakyRelu(-1.0),),
    "ceil": _rounded("up"),
    "celu": _celu,
    "elu": _elu,
    "fake_quantize_per_tensor_affine": _fake_quantize,
    "floor": _rounded("down"),
    "ge": _compared(">="),
    "gelu": lambda call: (Gelu(tanh=call["approximate"] == "tanh"),),
    "gt": _compared(">"),
    "hardsigmoid": lambda _: (HardSigmoid(),),
    "hardswish": lambda _: (HardSwish(),),
    "hardtanh": _hardtanh,
    "le": _compared("<="),
    "leaky_relu": lambda call: (LeakyRelu(float(call["negative_slope"])),),
    "log_sigmoid": lambda _: (Affine(-1.0), Softplus(), Affine(-1.0)),
    "lt": _compared("<"),
    "mish": lambda _: (Product((), (Softplus(), Tanh())),),
    "neg": lambda _: (Affine(-1.0),),
    "relu": lambda _: (RELU,),
    "relu6": lambda _: (Clip(0.0, 6.0),),
    "round": _rounded("half_even"),
    "selu": lambda _: (Elu(SELU_ALPHA, SELU_GAIN),),
    "sigmoid": lambda _: (Sigmoid(),),
    "sign": lambda _: (Sign(),),
    "silu": lambda _: (Silu(),),
    "softplus": lambda call: (Softplus(float(call["beta"]), float(call["threshold"])),),
    "square": lambda _: (Product((), ()),),
    "tanh": lambda _: (Tanh(),),
    "threshold": _threshold,
    "trunc": _rounded("zero"),
}
"""The functions of operators that read one tensor."""


def _applied(pipeline: Callable[[Call], Composition], call: Call) -> Any:
    return apply_functions(call.builder, call.name, call.tensor("self"), pipeline(call))


def _pow(call: Call) -> Any:
    if not hasattr(call["self"], "shape") or isinstance(call["self"], ConstantTensor):
        raise call.refusal("the exponent is a signal; use sigmoid or tanh")
    return _applied(_power, call)


def _clamped(call: Call) -> Any:
    """Clamp by numbers, or by tensors."""
    x = call.tensor("self")
    if not any(hasattr(call[name], "shape") for name in ("min", "max")):
        return apply_functions(call.builder, call.name, x, _clamp(call))
    if call["min"] is not None:
        x = maximum(call.builder, call.name, x, call.tensor("min"))
    return x if call["max"] is None else minimum(call.builder, call.name, x, call.tensor("max"))


def _prelu(call: Call) -> Any:
    """A slope for all, or one for each channel."""
    x, weight = call.tensor("self"), call.constant("weight")
    assert weight is not None
    slope = weight.value.astype(np.float64).reshape(-1)
    if len(slope) == 1:
        return apply_functions(call.builder, call.name, x, (LeakyRelu(float(slope[0])),))
    return apply_functions(call.builder, call.name, x, (LeakyRelu(slope),), channel_axis=1)


def _added(sign: float, call: Call) -> Any:
    """`self + alpha * other`."""
    alpha = 1 if call["alpha"] is None else call["alpha"]
    return add(call.builder, call.name, call.tensor("self"), call.tensor("other"), sign * float(alpha))


def _subtracted_from(call: Call) -> Any:
    """`other - alpha * self`."""
    alpha = 1 if call["alpha"] is None else call["alpha"]
    return add(call.builder, call.name, call.tensor("other"), call.tensor("self"), -float(alpha))


def _pair(operation: Callable[..., Any], call: Call) -> Any:
    return operation(call.builder, call.name, call.tensor("self"), call.tensor("other"))


def _divided(call: Call) -> Any:
    if call["rounding_mode"] is not None:
        raise call.refusal("rounding inside of a division is not supported; divide, then use floor or round")
    return _pair(divide, call)


FUNCTIONS: dict[str, Handler] = {
    **{name: partial(_applied, pipeline) for name, pipeline in _PIPELINES.items()},
    **dict.fromkeys(["clamp", "clamp_min", "clamp_max", "clip"], _clamped),
    "add": partial(_added, 1.0),
    "div": _divided,
    "true_divide": _divided,
    "maximum": partial(_pair, maximum),
    "minimum": partial(_pair, minimum),
    "mul": partial(_pair, multiply),
    "pow": _pow,
    "prelu": _prelu,
    "_prelu_kernel": _prelu,
    "rsub": _subtracted_from,
    "sub": partial(_added, -1.0),
}
