"""The operators of QONNX and FINN as their specifications define them, in the precision of their inputs.

They are the reference that reading is compared with, so they share nothing with `netgen.ir.functions`.

Source: Pappalardo et al. 2022, QONNX: Representing Arbitrary-Precision Quantized Neural Networks; the operators' pages
in the repositories fastmachinelearning/qonnx and Xilinx/finn-base.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netgen.errors import ModelError
from netgen.importer.onnx_node import Array

if TYPE_CHECKING:
    from onnx import NodeProto

__all__ = ["DEFINITIONS", "QONNX_DOMAINS", "channel_axis_of", "integer_range"]

QONNX_DOMAINS = frozenset({"onnx.brevitas", "qonnx.custom_op.general", "finn.custom_op.general"})

ROUNDINGS: dict[str, Callable[[Array], Array]] = {
    "ROUND": np.rint,
    "HALF_EVEN": np.rint,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "UP": lambda x: np.sign(x) * np.ceil(np.abs(x)),
    "DOWN": np.fix,
    "HALF_UP": lambda x: np.sign(x) * np.floor(np.abs(x) + x.dtype.type(0.5)),
    "HALF_DOWN": lambda x: np.sign(x) * np.ceil(np.abs(x) - x.dtype.type(0.5)),
}


def integer_range(bits: float, *, signed: bool, narrow: bool) -> tuple[float, float]:
    """The least and the greatest integer of a width; a narrow range leaves out one of them."""
    if signed:
        return -(2.0 ** (bits - 1)) + narrow, 2.0 ** (bits - 1) - 1
    return 0.0, 2.0**bits - 1 - narrow


def channel_axis_of(layout: str, axes: int) -> int:
    """The axis of the channels of a MultiThreshold; without a layout, that which the number of axes suggests."""
    layout = layout or {2: "NC", 3: "NWC", 4: "NCHW"}.get(axes, "")
    return layout.index("C") if "C" in layout else 1


def _attributes(node: "NodeProto", **defaults: Any) -> dict[str, Any]:
    from onnx import helper

    found = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    found = {name: value.decode() if isinstance(value, bytes) else value for name, value in found.items()}
    return {**defaults, **found}


def _rounding(node: "NodeProto", mode: str) -> Callable[[Array], Array]:
    if mode.upper() not in ROUNDINGS:
        modes = ", ".join(ROUNDINGS)
        raise ModelError(f"{node.op_type} {node.name or node.output[0]}: rounding mode {mode}; use one of {modes}")
    return ROUNDINGS[mode.upper()]


def quant(node: "NodeProto", inputs: Sequence[Array | None]) -> Array:
    """`scale * (round(clip(x / scale + zero point)) - zero point)`; one signed bit is -1 or 1."""
    x, scale, zero, bits = (np.asarray(one) for one in inputs)
    attributes = _attributes(node, rounding_mode="ROUND")
    y = x / scale + zero
    if bits == 1 and attributes["signed"]:
        y = np.where(y >= 0, 1, -1).astype(x.dtype)
    else:
        lo, hi = integer_range(float(bits), signed=attributes["signed"], narrow=attributes["narrow"])
        y = _rounding(node, attributes["rounding_mode"])(np.clip(y, lo, hi).astype(x.dtype))
    return np.asarray((y - zero) * scale, dtype=x.dtype)


def bipolar_quant(_node: "NodeProto", inputs: Sequence[Array | None]) -> Array:
    """`scale` where x is at least 0, else `-scale`."""
    x, scale = (np.asarray(one) for one in inputs)
    return np.asarray(np.where(x >= 0, 1, -1).astype(x.dtype) * scale, dtype=x.dtype)


def trunc(node: "NodeProto", inputs: Sequence[Array | None]) -> Array:
    """Drop low bits of integers: version 1 keeps the scale (5 inputs), version 2 gives another one and limits (6)."""
    x, scale, zero, bits, *rest = (np.asarray(one) for one in inputs)
    attributes = _attributes(node, rounding_mode="FLOOR", signed=1, narrow=0)
    rounded = _rounding(node, attributes["rounding_mode"])
    y = np.rint(x / scale + zero)
    if len(rest) == 1:
        y = rounded(y / x.dtype.type(2.0 ** float(bits - rest[0])))
        return np.asarray((y - zero) * scale, dtype=x.dtype)
    out_scale, out_bits = rest
    factor = (2 ** np.round(np.log2(out_scale / scale))).astype(x.dtype)
    lo, hi = integer_range(float(out_bits), signed=attributes["signed"], narrow=attributes["narrow"])
    y = rounded(np.clip(y / factor, lo, hi).astype(x.dtype))
    return np.asarray((y - zero / factor) * out_scale, dtype=x.dtype)


def multi_threshold(node: "NodeProto", inputs: Sequence[Array | None]) -> Array:
    """`out_scale * (how many thresholds of the channel are at most x) + out_bias`."""
    x, thresholds = (np.asarray(one) for one in inputs)
    attributes = _attributes(node, out_scale=1.0, out_bias=0.0, data_layout="")
    axis = channel_axis_of(attributes["data_layout"], x.ndim)
    count = (np.moveaxis(x, axis, -1)[..., None] >= thresholds).sum(axis=-1)
    count = np.moveaxis(count, -1, axis).astype(x.dtype)
    return np.asarray(attributes["out_scale"] * count + attributes["out_bias"], dtype=x.dtype)


DEFINITIONS: dict[str, Callable[["NodeProto", Sequence[Array | None]], Array]] = {
    "BipolarQuant": bipolar_quant,
    "IntQuant": quant,
    "MultiThreshold": multi_threshold,
    "Quant": quant,
    "Trunc": trunc,
}
"""By the name of the operator."""
