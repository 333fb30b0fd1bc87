"""Random inputs for a model that was read, in the range that its first operations show."""

from typing import TYPE_CHECKING

import numpy as np

from netgen.importer.onnx_moves import MOVES
from netgen.ir.fixed import Reals
from netgen.ir.functions import MultiThreshold, Quantize

if TYPE_CHECKING:
    from netgen.importer.onnx_graph import GraphReading, Step

__all__ = ["random_inputs"]

SCALES = (0.25, 1.0, 4.0, 16.0)
"""Standard deviations of inputs of which the range is unknown, one after the other."""


def random_inputs(reading: "GraphReading", samples: int, seed: int) -> list[Reals]:
    """(samples, *shape) for each input, as float32, or a smaller type of the model, holds them.

    An input that is scaled or quantized first is uniform over the range that this shows; any other is normal.
    """
    rng = np.random.default_rng(seed)
    found = []
    for port, kind in zip(reading.builder.inputs, reading.inputs.values(), strict=True):
        shape = (samples, *port.shape)
        if kind.kind in "iu":
            whole = np.iinfo(kind.name)
            lo, hi = max(whole.min, -1000), min(whole.max, 1000)
            found.append(rng.integers(lo, hi, shape, endpoint=True).astype(np.float64))
            continue
        limits = _limits(reading, port.name)
        if limits is None:
            scale = np.resize(SCALES, samples).reshape(-1, *[1] * len(port.shape))
            values = rng.normal(size=shape) * scale
        else:
            values = rng.uniform(*limits, size=shape)
        held = np.float32 if kind == np.float64 else kind
        found.append(values.astype(held).astype(np.float64))
    return found


def _limits(reading: "GraphReading", name: str) -> tuple[float, float] | None:
    """The range of an input, through scales, offsets and moves up to the first quantizer or layer."""
    scale, offset = 1.0, 0.0  # of what is read, from the input
    while True:
        readers = [step for step in reading.steps if name in step.node.input and step.node.op_type != "Shape"]
        if len(readers) != 1:
            break
        step = readers[0]
        op = step.node.op_type
        if op in MOVES or op == "Cast":
            name = step.node.output[0]
            continue
        quantized = _quantized(reading, step)
        if quantized is not None:
            return _interval(quantized[0], quantized[1], scale, offset)
        number = _other(reading, step, name)
        if number is None or op not in {"Add", "Div", "Mul", "Sub"} or step.node.input[0] != name:
            break
        if op in {"Mul", "Div"}:
            factor = number if op == "Mul" else 1 / number
            scale, offset = scale * factor, offset * factor
        else:
            offset += number if op == "Add" else -number
        name = step.node.output[0]
    return None if (scale, offset) == (1.0, 0.0) else _interval(-1.0, 1.0, scale, offset)


def _interval(lo: float, hi: float, scale: float, offset: float) -> tuple[float, float]:
    ends = sorted(((lo - offset) / scale, (hi - offset) / scale))
    return ends[0], ends[1]


def _other(reading: "GraphReading", step: "Step", name: str) -> float | None:
    """The one number that a node combines a tensor with; None for several, unknown ones, or 0."""
    other = next((one for one in step.node.input if one != name), None)
    array = None if other is None else reading.constants.get(other)
    if array is None or array.size != 1 or not array.reshape(-1)[0]:
        return None
    return float(array.reshape(-1)[0])


def _quantized(reading: "GraphReading", step: "Step") -> tuple[float, float] | None:
    """The range of a quantizer, a quarter wider, so that its limits are met too."""
    before, after = step.layers
    if after != before + 1 or not reading.builder.layers[before].activation:
        return None
    match reading.builder.layers[before].activation[0]:
        case Quantize(size, zero, lo, hi):
            least, most = np.min(size * (lo - zero)), np.max(size * (hi - zero))
        case MultiThreshold(thresholds):
            least, most = thresholds.min() - 1, thresholds.max() + 1
        case _:
            return None
    if not np.isfinite([least, most]).all():
        return None
    more = (most - least) / 8
    return float(least - more), float(most + more)
