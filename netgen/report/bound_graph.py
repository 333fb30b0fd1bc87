"""An upper limit on the distance of a circuit's outputs from those of a float network of any graph."""

import numpy as np

from netgen.ir.activation import Rescale, StepFunction, Steps
from netgen.ir.arrays import Bools
from netgen.ir.circuit import Circuit, CircuitLayer
from netgen.ir.fixed import FixedPoint, Reals
from netgen.ir.functions import Affine, Clip, Composition
from netgen.ir.network import Layer, Network
from netgen.ir.rows import selecting_wires
from netgen.ir.slopes import range_after, slope_of

__all__ = ["graph_error_bound"]

_Interval = tuple[Reals, Reals]


def graph_error_bound(network: Network, circuit: Circuit) -> tuple[Reals, ...] | None:
    """Bound |decoded circuit value - float value| of every output, over all raw inputs that do not saturate.

    Two intervals are propagated from layer to layer: of each neuron's float value, and of the error of its word. They
    grow with depth: where a bound exceeds the range of the output, measure the error instead (`fidelity`). Rounding in
    the float computations themselves is not counted.

    Args:
        network: prepared for quantizing, so that the functions of both are the same.
    Returns: for each head an array of its shape, in units of the output, infinite after functions that jump; None where
        the layers of both do not correspond one to one, such as those of a network that arrived quantized, or where
        quantizing moves a scale or an offset of the network into weights.
    Source: Moore, Interval Analysis, 1966.
    """
    if not _corresponds(network, circuit):
        return None
    form = circuit.input
    half = form.step / 2
    scale = circuit.input_scale
    value = np.empty((2, network.neurons))
    error = np.empty((2, network.neurons))
    value[:, : network.features] = np.array([form.lo * form.step - half, form.hi * form.step + half])[:, None] / scale
    error[:, : network.features] = np.array([-half, half])[:, None] / scale
    unit = np.empty(network.neurons)
    unit[: network.features] = form.step / scale
    for layer, made, first in zip(network.layers, circuit.layers, network.first, strict=False):
        own = slice(first, first + len(layer))
        value[:, own], error[:, own] = _after(layer, made, value[:, :first], error[:, :first], unit)
        step = 2.0**-made.frac if made.output is None else made.output.step
        unit[own] = step
    worst = np.maximum(-error[0], error[1])
    return tuple(worst[head.neuron] for head in network.outputs)


def _corresponds(network: Network, circuit: Circuit) -> bool:
    plain = circuit.input_rounding is None and circuit.input_offset is None and not circuit.thresholds
    names = [[(layer.name, len(layer), layer.gather) for layer in one.layers] for one in (network, circuit)]
    folded = any(layer.gather == "sum" and _scales_first(layer.activation) for layer in network.layers)
    kinds = all(isinstance(layer.activation, Rescale | Steps) for layer in circuit.layers)
    return plain and network.features == circuit.features and names[0] == names[1] and not folded and kinds


def _scales_first(pipeline: Composition) -> bool:
    """Whether a scale or an offset follows the sum, or limits of it: quantizing moves it before the limits."""
    others = [function for function in pipeline if not isinstance(function, Clip)]
    return bool(others) and isinstance(others[0], Affine)


def _after(layer: Layer, made: CircuitLayer, value: Reals, error: Reals, unit: Reals) -> tuple[Reals, Reals]:
    """The intervals, (2, n) each, of the values and errors of a layer."""
    if layer.gather == "select":
        sums, apart = _selected(layer, value, error)
    elif layer.gather == "max":
        first = layer.starts[:-1]
        sums = np.maximum.reduceat(value[:, layer.source], first, axis=1)
        apart = np.stack(
            [np.minimum.reduceat(error[0, layer.source], first), np.maximum.reduceat(error[1, layer.source], first)]
        )
    else:
        rounded = _rounded(layer, made, unit)
        bias = np.ldexp(made.bias.astype(np.float64), -made.frac) - layer.bias
        sums = _times(layer, layer.weight, value) + layer.bias
        apart = _times(layer, rounded, error) + _times(layer, rounded - layer.weight, value) + bias
    real = np.stack(range_after(layer.activation, sums[0], sums[1]))
    step = 2.0**-made.frac
    if layer.activation and all(isinstance(function, Clip) for function in layer.activation):
        apart = apart + np.array([[-0.5], [0.5]]) * step  # of limits
    most = np.maximum(np.abs(apart[0]), np.abs(apart[1]))
    if layer.activation:
        reach = np.minimum(sums[0], sums[0] + apart[0]), np.maximum(sums[1], sums[1] + apart[1])
        with np.errstate(invalid="ignore"):
            grown = np.nan_to_num(slope_of(layer.activation, *reach) * most, nan=np.inf, posinf=np.inf)
        apart = np.stack([-grown, grown])
    if made.output is None:
        return real, apart
    form = made.output
    half = form.step / 2 if made.frac > form.frac else 0.0
    if isinstance(made.activation, Steps):
        half = form.step / 2 * max(_grain(one, form) for one in made.activation.functions)
    apart = apart + np.array([[-half], [half]])
    return real, np.stack(_saturated(real, apart, form.lo * form.step, form.hi * form.step))


def _selected(layer: Layer, value: Reals, error: Reals) -> tuple[Reals, Reals]:
    """The intervals, (2, n) each, of selections and of their errors.

    Where the gate's error may move it past 0, the circuit may select what the network does not: the error is then the
    difference of the two.
    """
    bypass, gate, word = (layer.source[wire] for wire in selecting_wires(layer.starts))
    has = np.diff(layer.starts) == 3
    on, on_error = value[:, word], error[:, word]
    off, off_error = (np.where(has, array[:, bypass], 0.0) for array in (value, error))
    g, wrong = value[:, gate], error[:, gate]
    opens, closes = g[1] > 0, g[0] <= 0
    opened = closes & (wrong[1] > 0) & (g[1] + wrong[1] > 0)  # in the circuit alone
    closed = opens & (wrong[0] < 0) & (g[0] + wrong[0] <= 0)
    real = _union((opens, on), (closes, off))
    apart = _union(
        (opens, on_error),
        (closes, off_error),
        (opened, on + on_error - off[::-1]),
        (closed, off + off_error - on[::-1]),
    )
    return real, apart


def _union(*parts: tuple[Bools, Reals]) -> Reals:
    """The least intervals, (2, n), that hold those intervals, (2, n), that are marked, (n,)."""
    lo = np.min([np.where(there, interval[0], np.inf) for there, interval in parts], axis=0)
    hi = np.max([np.where(there, interval[1], -np.inf) for there, interval in parts], axis=0)
    return np.stack([lo, hi])


def _grain(function: StepFunction, form: FixedPoint) -> int:
    """An upper limit on the steps to which words are rounded: more than 1 where a function has too many breaks.

    All words but the greatest are then multiples of it, and none of their jumps is smaller.
    """
    inner = function.value[function.value != form.hi]
    bits = int(np.bitwise_or.reduce(inner, initial=0))
    common = bits & -bits if bits else 1
    return min(common, int(np.abs(np.diff(inner)).max(initial=1)))


def _rounded(layer: Layer, made: CircuitLayer, unit: Reals) -> Reals:
    """The weights of the circuit, (m,), as numbers, for the network's wires; 0 where the circuit has no such wire."""
    width = int(max(layer.source.max(initial=0), made.source.max(initial=0))) + 1
    wanted, there = layer.target * width + layer.source, made.target * width + made.source
    place = np.searchsorted(there, wanted)
    place = np.minimum(place, max(len(there) - 1, 0))
    if not len(there):
        return np.zeros(layer.wires)
    number = np.ldexp(made.weight.astype(np.float64), -made.frac) / unit[made.source]
    return np.where(there[place] == wanted, number[place], 0.0)


def _times(layer: Layer, weight: Reals, interval: Reals) -> Reals:
    """The interval, (2, n), of sums of values in an interval, (2, earlier), times weights, (m,)."""
    ends = np.stack([weight * interval[0, layer.source], weight * interval[1, layer.source]])
    n = len(layer)
    return np.stack(
        [
            np.bincount(layer.target, np.minimum(*ends), minlength=n),
            np.bincount(layer.target, np.maximum(*ends), minlength=n),
        ]
    )


def _saturated(value: Reals, error: Reals, least: float, most: float) -> _Interval:
    """The error after words are limited: it lies between the limits minus the float values, and grows only to them."""
    beyond = np.minimum(most - value[1], 0.0), np.maximum(least - value[0], 0.0)
    lo = np.maximum(np.minimum(error[0], beyond[0]), least - value[1])
    hi = np.minimum(np.maximum(error[1], beyond[1]), most - value[0])
    return lo, hi
