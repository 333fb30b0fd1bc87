"""Quantizers of ONNX files: QDQ, QONNX's Quant, BipolarQuant and Trunc, and FINN's MultiThreshold.

Known numbers become integers times a step, and keep them; signals become rounding and threshold functions.
"""

import numpy as np

from netgen.importer.builder import Builder
from netgen.importer.onnx_definitions import DEFINITIONS, QONNX_DOMAINS, channel_axis_of, integer_range
from netgen.importer.onnx_node import Array, Converter, Integers, Node, Value
from netgen.importer.onnx_run import single
from netgen.importer.operations import apply_functions
from netgen.importer.signals import ConstantTensor, Signals
from netgen.ir.fixed import Reals
from netgen.ir.functions import Affine, Function, MultiThreshold, Quantize, Rounding

__all__ = ["QUANTIZED", "integers_as_signals"]

ROUNDINGS: dict[str, Rounding] = {
    "ROUND": "half_even",
    "HALF_EVEN": "half_even",
    "CEIL": "up",
    "FLOOR": "down",
    "DOWN": "zero",
    "HALF_UP": "half_away",
}
INTEGERS = {"uint8": (0, 255), "int8": (-128, 127), "uint16": (0, 65535), "int16": (-32768, 32767)}
"""The ranges of the types that QuantizeLinear gives, by name; those of fewer bits too."""
INTEGERS |= {"uint4": (0, 15), "int4": (-8, 7), "uint2": (0, 3), "int2": (-2, 1)}


def _positive(node: Node, index: int) -> Reals:
    """The scale, which must be positive."""
    scale = node.reals(index, "scale")
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise node.error(f"a scale of {scale.reshape(-1)[np.argmin(scale)]}; scales must be positive numbers")
    return scale


def _each(node: Node, parameter: Reals, shape: tuple[int, ...]) -> Reals | float:
    """A parameter as a scalar, or one for each element in flat order."""
    if parameter.size == 1:
        return float(parameter.reshape(-1)[0])
    try:
        return np.broadcast_to(parameter, shape).reshape(-1)
    except ValueError:
        raise node.error(f"a parameter of shape {parameter.shape} for an input of shape {shape}") from None


def _by_definition(node: Node, step: Reals, zero: Reals) -> list[Value | None]:
    """Known numbers, quantized in the file's precision, `step * (integer - zero)`.

    They are whole multiples of the step, or of its half, or have none, as `zero` is whole, half, or neither.
    """
    inputs = [single(np.asarray(node.constant(index, "input").value)) for index in range(len(node.inputs))]
    found = DEFINITIONS[node.proto.op_type](node.proto, list(inputs)).astype(np.float64)
    value = (np.rint(found / step + zero) - zero) * step
    for unit in (step, step / 2):
        if (zero * (step / unit) == np.rint(zero * (step / unit))).all():
            return [ConstantTensor(value, np.broadcast_to(unit, found.shape))]
    return [ConstantTensor(value)]


def _rounding(node: Node, default: str) -> Rounding:
    mode = node.text("rounding_mode", default).upper()
    if mode not in ROUNDINGS:
        raise node.error(f"rounding mode {mode}; use one of {', '.join(ROUNDINGS)}")
    return ROUNDINGS[mode]


def _quant(builder: Builder, node: Node) -> list[Value | None]:
    """QONNX: Quant, IntQuant."""
    scale, zero, bits = _positive(node, 1), node.reals(2, "zero point"), node.number(3, "bit width")
    if node.attribute("signed") is None or node.attribute("narrow") is None:
        raise node.error("attributes signed and narrow must both be given; export the model again")
    signed, narrow = bool(node.integer("signed")), bool(node.integer("narrow"))
    rounding = _rounding(node, "ROUND")
    if bits != int(bits) or not 1 <= bits <= 32:
        raise node.error(f"a bit width of {bits:g}; use 1 to 32")
    value = node.tensor(0)
    if isinstance(value, ConstantTensor):
        return _by_definition(node, scale, zero)
    step, offset = _each(node, scale, value.shape), _each(node, zero, value.shape)
    if bits == 1 and signed:
        thresholds = np.reshape(-offset * step, (-1, 1))
        function: Function = MultiThreshold(thresholds, 2 * step, -(1 + offset) * step)
    else:
        lo, hi = integer_range(bits, signed=signed, narrow=narrow)
        function = Quantize(step, offset, lo, hi, rounding)
    return [apply_functions(builder, node.name, value, (function,))]


def _bipolar(builder: Builder, node: Node) -> list[Value | None]:
    """QONNX: BipolarQuant."""
    scale, value = _positive(node, 1), node.tensor(0)
    if isinstance(value, ConstantTensor):
        return _by_definition(node, scale, np.zeros(()))
    step = _each(node, scale, value.shape)
    return [apply_functions(builder, node.name, value, (MultiThreshold(np.zeros((1, 1)), 2 * step, -step),))]


def _trunc(builder: Builder, node: Node) -> list[Value | None]:
    """QONNX: Trunc, of version 1 (5 inputs) and 2 (6 inputs)."""
    scale, zero, bits = _positive(node, 1), node.reals(2, "zero point"), node.number(3, "bit width")
    rounding = _rounding(node, "FLOOR")
    signed, narrow = bool(node.integer("signed", 1)), bool(node.integer("narrow", 0))
    second = len(node.inputs) == 6
    out_scale = _positive(node, 4) if second else scale
    out_bits = node.number(5 if second else 4, "output bit width")
    lo, hi = integer_range(out_bits, signed=signed, narrow=narrow) if second else (-np.inf, np.inf)
    factor = 2.0 ** np.round(np.log2(out_scale / scale)) if second else np.asarray(2.0 ** (bits - out_bits))
    value = node.tensor(0)
    if isinstance(value, ConstantTensor):
        return _by_definition(node, out_scale, zero / factor if second else zero)
    shape = value.shape
    given = Quantize(_each(node, scale, shape), _each(node, zero, shape), -np.inf, np.inf)
    kept = Quantize(_each(node, scale * factor, shape), _each(node, zero / factor, shape), lo, hi, rounding)
    # kept gives scale * factor * (integer - zero / factor)
    ratio = out_scale / (scale * factor)
    offset = np.zeros(()) if second else scale * zero * (1 / factor - 1)
    scaled = Affine(_each(node, ratio, shape), _each(node, offset, shape))
    return [apply_functions(builder, node.name, value, (given, kept, scaled))]


def _multi_threshold(builder: Builder, node: Node) -> list[Value | None]:
    """FINN: MultiThreshold."""
    thresholds = node.reals(1, "thresholds")
    scale, bias = node.real("out_scale", 1.0), node.real("out_bias", 0.0)
    axis = channel_axis_of(node.text("data_layout"), len(node.value(0).shape))
    node.text("out_dtype")
    value = node.tensor(0)
    if thresholds.ndim != 2 or thresholds.shape[0] not in {1, value.shape[axis]}:
        raise node.error(f"thresholds of shape {thresholds.shape} for an input of shape {value.shape}")
    if isinstance(value, ConstantTensor):
        return _by_definition(node, np.asarray(abs(scale)), np.asarray(-bias / abs(scale)))
    function = MultiThreshold(np.sort(thresholds, axis=1), scale, bias)
    return [apply_functions(builder, node.name, value, (function,), axis if len(thresholds) > 1 else None)]


def _along_axis(node: Node, parameter: Array, shape: tuple[int, ...]) -> Reals:
    """A scale or zero point of QDQ, for each element: per tensor, per channel, or per block."""
    axis = node.integer("axis", 1)
    block = node.integer("block_size") if node.opset >= 21 else 0
    parameter = np.asarray(parameter, dtype=np.float64)
    if parameter.size == 1:
        return np.broadcast_to(parameter.reshape(()), shape)
    axis = axis % len(shape)
    if parameter.ndim == 1:
        parameter = parameter.reshape([-1 if one == axis else 1 for one in range(len(shape))])
    if block:
        parameter = np.repeat(parameter, block, axis).take(np.arange(shape[axis]), axis)
    if parameter.ndim != len(shape) or parameter.shape[axis] != shape[axis]:
        raise node.error(f"{parameter.size} scales along axis {axis} for an input of shape {shape}")
    return np.broadcast_to(parameter, shape)


def _zero(node: Node, shape: tuple[int, ...]) -> Reals:
    return _along_axis(node, node.reals(2, "zero point") if node.given(2) else np.zeros(()), shape)


def _quantize_linear(builder: Builder, node: Node) -> list[Value | None]:
    """QuantizeLinear: halves go to even before the zero point is added, so they do where it is odd."""
    x = node.signals(0)
    scale, zero = _along_axis(node, _positive(node, 1), x.shape), _zero(node, x.shape)
    kind = node.constant(2, "zero point").value.dtype.name if node.given(2) else "uint8"
    if node.opset >= 21:
        kind = _type_name(node.integer("output_dtype")) or kind
    if node.opset >= 19:
        node.integer("saturate", 1)
    if node.opset >= 23:
        node.integer("precision")
    if kind not in INTEGERS:
        raise node.error(f"gives {kind}; use one of {', '.join(INTEGERS)}")
    lo, hi = INTEGERS[kind]
    step, offset = _scalar(scale), _scalar(zero)
    signals = apply_functions(builder, node.name, x, (Quantize(step, 0.0, lo - offset, hi - offset),))
    assert isinstance(signals, Signals)
    return [Integers(signals, scale, zero)]


def _dequantize_linear(builder: Builder, node: Node) -> list[Value | None]:
    """DequantizeLinear: stored integers keep their step, and those of QuantizeLinear are what they were."""
    x = node.value(0)
    scale, zero = _along_axis(node, _positive(node, 1), x.shape), _zero(node, x.shape)
    if node.opset >= 23:
        node.integer("output_dtype")
    if isinstance(x, Integers):
        if np.array_equal(scale, x.scale) and np.array_equal(zero, x.zero):
            return [x.signals]
        x = integers_as_signals(builder, f"{node.name}.integers", x)
    tensor = node.tensor(0) if not isinstance(x, Signals) else x
    if isinstance(tensor, ConstantTensor):
        if tensor.value.dtype.kind not in "iu" and tensor.value.dtype.name not in INTEGERS:
            raise node.error(f"reads {tensor.value.dtype}; use one of {', '.join(INTEGERS)}, int32")
        return [ConstantTensor((tensor.value.astype(np.float64) - zero) * scale, scale)]
    return [apply_functions(builder, node.name, tensor, (Affine(_scalar(scale), _scalar(-zero * scale)),))]


def _type_name(number: int) -> str:
    """The name of one of ONNX's types."""
    from onnx import TensorProto

    return TensorProto.DataType.Name(number).lower() if number else ""


def _scalar(parameter: Reals) -> Reals | float:
    """A scalar for equal numbers, else one for each element in flat order."""
    flat = parameter.reshape(-1)
    return float(flat[0]) if (flat == flat[0]).all() else flat


def integers_as_signals(builder: Builder, name: str, value: Integers) -> Signals:
    """The integers themselves as a layer's outputs."""
    pipeline = (Affine(_scalar(1 / value.scale), _scalar(value.zero)),)
    found = apply_functions(builder, name, value.signals, pipeline)
    assert isinstance(found, Signals)
    return found


QUANTIZED: dict[tuple[str, str], Converter] = {
    ("", "QuantizeLinear"): _quantize_linear,
    ("", "DequantizeLinear"): _dequantize_linear,
}
"""By domain and operator."""
for _domain in QONNX_DOMAINS:
    QUANTIZED |= {
        (_domain, "BipolarQuant"): _bipolar,
        (_domain, "IntQuant"): _quant,
        (_domain, "MultiThreshold"): _multi_threshold,
        (_domain, "Quant"): _quant,
        (_domain, "Trunc"): _trunc,
    }
