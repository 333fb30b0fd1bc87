"""The first quantizer of a network becomes the rule by which raw inputs become words."""

from dataclasses import dataclass, replace

import numpy as np

from netgen.errors import QuantizeError
from netgen.ir.arrays import Bools
from netgen.ir.fixed import FixedPoint, Interval, Reals, Words
from netgen.ir.functions import MultiThreshold, Quantize, apply_all
from netgen.ir.input_rounding import InputRounding
from netgen.ir.network import Layer, Network
from netgen.ir.ties import folded, fresh_of
from netgen.quantize.exact_words import CALIBRATE, Levels, counted, levels_of, word_form

__all__ = ["Entry", "entry_of"]


@dataclass(frozen=True, eq=False)
class Entry:
    """Input words, and the network without the layers that made them.

    Attributes:
        form: of input words.
        scale, offset: (features,) of raw values, before rounding.
        rounding: the quantizer's.
        unit, origin: (features,) a word k means `unit * k + origin`.
        network: its layers read inputs in place of the quantizers' neurons.
    """

    form: FixedPoint
    scale: Reals
    offset: Reals
    rounding: InputRounding | None
    unit: Reals
    origin: Reals
    network: Network


def entry_of(network: Network, given: FixedPoint | None, *, single: bool) -> Entry:
    """Take the quantizers of the inputs out of a network.

    Args:
        given: format of inputs without a quantizer; None for inputs that have one.
        single: whether raw values are computed with in float32.
    Raises: QuantizeError, when an input is read without a quantizer, or by several, or by one that is no rounding.
    """
    features, fresh = network.features, fresh_of(network)
    if given is not None:
        ones, zeros = np.ones(features), np.zeros(features)
        return Entry(given, ones, zeros, None, np.full(features, given.step), zeros, network)
    scale, step = np.ones(features), np.ones(features)
    offset, unit, origin = np.zeros(features), np.ones(features), np.zeros(features)
    stand_in = np.arange(network.neurons)
    gone = np.zeros(network.neurons, dtype=np.bool_)
    taken = np.zeros(features, dtype=np.bool_)
    found: list[tuple[Layer, Levels | None]] = []
    limits: set[tuple[Interval, int, str]] = set()
    for layer, first in zip(network.layers, network.first, strict=False):
        if not layer.wires or layer.source.min() >= features:
            continue
        layer = folded(layer, fresh)  # noqa: PLW2901  # the same layer
        levels = levels_of(layer.activation, len(layer))
        levels = None if levels is None else counted(levels)
        found.append((layer, levels))
        single_wires = layer.gather == "sum" and (np.diff(layer.starts) == 1).all()
        if (
            levels is None
            or levels.limits is None
            or not single_wires
            or layer.source.max() >= features
            or taken[layer.source].any()
        ):
            raise QuantizeError(
                f"layer {layer.name}: reads inputs that no quantizer rounds; give input_format, or {CALIBRATE}"
            )
        at = layer.source
        taken[at] = True
        gone[first : first + len(layer)] = True
        stand_in[first : first + len(layer)] = at
        scale[at], offset[at], step[at], limit = _rule(layer, levels)
        unit[at], origin[at] = levels.unit, levels.origin
        limits.add(limit)
    if len(limits) != 1:
        raise QuantizeError(f"inputs with {len(limits)} kinds of quantizers; {CALIBRATE}")
    known = int(np.argmax(taken))
    for array in (scale, offset, step, unit, origin):
        array[~taken] = array[known]  # inputs that no layer reads
    (lo, hi), zero, halves = limits.pop()
    even = halves == "even"
    rounding = InputRounding(step, lo, hi, "even" if even else "up", zero, single=single and even)
    for layer, levels in found:
        assert levels is not None
        _check(layer, levels, replace(rounding, single=False), scale, offset)
    for head in network.outputs:
        if head.neuron.min() < features:
            raise QuantizeError(f"output {head.name}: returns an input that no quantizer rounds; {CALIBRATE}")
    return Entry(word_form(lo, hi), scale, offset, rounding, unit, origin, _without(network, gone, stand_in))


def _rule(layer: Layer, levels: Levels) -> tuple[Reals, Reals, Reals, tuple[Interval, int, str]]:
    """Scale, offset and step of each raw value that a layer reads; limits, zero and rounding of words."""
    n = len(layer)
    assert levels.limits is not None
    match layer.activation[0]:
        case Quantize(step, zero, lo, _, "half_even") if not np.any(np.mod(zero, 2)):
            size = np.broadcast_to(np.asarray(step, dtype=np.float64), (n,))
            least = int(np.max(np.subtract(lo, zero)))
            return layer.weight, layer.bias, size, (levels.limits, levels.limits[0] - least, "even")
        case MultiThreshold(thresholds) if thresholds.shape[1] == 1 and (layer.weight > 0).all():
            at = (np.broadcast_to(thresholds[:, 0], (n,)) - layer.bias) / layer.weight
            return np.ones(n), 0.5 - at, np.ones(n), ((0, 1), 0, "up")
        case _:
            raise QuantizeError(f"layer {layer.name}: inputs are not rounded half to even; {CALIBRATE}")


def _check(layer: Layer, levels: Levels, entry: InputRounding, scale: Reals, offset: Reals) -> None:
    """Compare the words of some raw values with the quantizer.

    Raises: QuantizeError, when they differ.
    """
    at = layer.source
    raw = (np.linspace(entry.lo - 1.03, entry.hi + 1.03, 97)[:, None] - entry.zero) * entry.step - offset
    raw = raw / scale
    right = apply_all(layer.activation, raw[:, at] * layer.weight + layer.bias)
    found = levels.unit * entry.words(raw, scale, offset)[:, at] + levels.origin
    if np.abs(found - right).max() > 1e-6 * np.abs(levels.unit).max():
        raise QuantizeError(f"layer {layer.name}: its quantizer cannot be applied before the input port; {CALIBRATE}")


def _without(network: Network, gone: Bools, stand_in: Words) -> Network:
    """The network without the neurons of whole layers."""
    number = (np.cumsum(~gone) - 1)[stand_in]
    layers = [
        replace(layer, source=number[layer.source])
        for layer, first in zip(network.layers, network.first, strict=False)
        if not gone[first]
    ]
    if not layers:
        raise QuantizeError("a network of quantizers without a layer of weights; add one")
    outputs = tuple(replace(head, neuron=number[head.neuron]) for head in network.outputs)
    return Network(network.inputs, tuple(layers), outputs)
