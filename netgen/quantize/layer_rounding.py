"""Round the layers of a prepared float network, one after the other: weights, biases and functions."""

from dataclasses import dataclass, replace

import numpy as np

from netgen.errors import QuantizeError
from netgen.ir.activation import Activation, Rescale, activated
from netgen.ir.circuit import CircuitLayer, LayerRange, range_of, saturated
from netgen.ir.fixed import FixedPoint, Reals, Words
from netgen.ir.functions import Clip, apply_all
from netgen.ir.network import Layer, Network
from netgen.ir.rows import channels_of
from netgen.quantize.integer import BIAS_LIMIT
from netgen.quantize.layer_formats import NetworkFormats
from netgen.quantize.step_functions import MOST_STEPS, pipeline_steps
from netgen.quantize.value_samples import NetworkValues
from netgen.quantize.weight_words import weight_words

__all__ = ["LayerRounding"]

CORRECTED_VALUES = 12_000_000
"""Words of all neurons of the samples by which biases are corrected: 100 MB."""
CORRECTED_SAMPLES = 256
BIAS_BITS = 16
"""Fractional bits, beyond its first, of a bias that stands alone."""
MOST_SHIFT = 61
"""A shift by which every accumulator becomes 0."""


@dataclass
class LayerRounding:
    """The words of the neurons so far: their steps, their ranges, and their values on some samples.

    Attributes:
        network: prepared.
        samples: (k, features) by which biases are corrected; none for no correction.
    """

    network: Network
    formats: NetworkFormats
    values: NetworkValues
    samples: Reals

    def __post_init__(self) -> None:
        neurons, features = self.network.neurons, self.network.features
        sizes = [port.size for port in self.network.inputs]
        self.frac, self.lo, self.hi = (np.zeros(neurons, dtype=np.int64) for _ in range(3))
        self.frac[:features] = np.repeat([form.frac for form in self.formats.inputs], sizes)
        self.lo[:features], self.hi[:features] = self.formats.inputs[0].lo, self.formats.inputs[0].hi
        count = min(len(self.samples), CORRECTED_SAMPLES, CORRECTED_VALUES // neurons)
        self.samples = (
            self.samples[np.linspace(0, len(self.samples) - 1, count).astype(np.int64)] if count else self.samples[:0]
        )
        self.float = np.zeros((count, neurons))
        self.words = np.zeros((count, neurons), dtype=np.int64)
        self.float[:, :features] = self.samples
        form = replace(self.formats.inputs[0], frac=0)
        self.words[:, :features] = form.encode(np.ldexp(self.samples, self.frac[:features]))

    def layer(self, index: int, width: int, per_channel: bool, told: list[str]) -> CircuitLayer:
        """Round a layer; those before it have been rounded."""
        layer, first = self.network.layers[index], self.network.first[index]
        order = np.lexsort((layer.source, layer.target))
        layer = replace(
            layer,
            source=layer.source[order],
            weight=layer.weight[order],
            parameter=None if layer.parameter is None else layer.parameter[order],
        )
        sums = self._maxima(layer) if layer.gather == "max" else self._sums(layer, width, per_channel)
        output = self.formats.layers[index]
        reach = range_of(sums, self.lo[:first], self.hi[:first])
        made = replace(sums, activation=_activation(layer, sums.frac, reach, output, told), output=output)
        own = slice(first, first + len(layer))
        self.frac[own] = made.frac if output is None else output.frac
        reach = range_of(made, self.lo[:first], self.hi[:first])
        self.lo[own], self.hi[own] = reach.out_lo, reach.out_hi
        if len(self.samples):
            self.float[:, own] = apply_all(layer.activation, layer.gathered(self.float[:, :first]))
            self.words[:, own] = saturated(made, activated(made.activation, made.gathered(self.words[:, :first])))
        return made

    def _maxima(self, layer: Layer) -> CircuitLayer:
        frac = self.frac[layer.source]
        assert (frac == frac[0]).all()
        ones, zeros = np.ones(layer.wires, dtype=np.int64), np.zeros(len(layer), dtype=np.int64)
        return CircuitLayer(layer.name, layer.starts, layer.source, ones, zeros, int(frac[0]), gather="max")

    def _sums(self, layer: Layer, width: int, per_channel: bool) -> CircuitLayer:
        source_frac = self.frac[layer.source]
        channel = channels_of(len(layer), layer.target, layer.parameter) if per_channel or len(self.samples) else None
        factors = self.values.square[layer.source]
        factors = factors if factors.any() else np.ones_like(factors)
        found = weight_words(layer, source_frac, width, factors=factors, channel=channel if per_channel else None)
        frac = found.frac
        if not layer.wires:
            frac = BIAS_BITS - int(np.frexp(np.abs(layer.bias).max())[1])
        kept = found.weight != 0
        starts = np.concatenate([[0], np.cumsum(kept)])[layer.starts]
        sums = CircuitLayer(
            layer.name, starts, layer.source[kept], found.weight[kept], _bias_words(layer, layer.bias, frac), frac
        )
        if len(self.samples) and layer.wires:
            first = self.words[:, : int(layer.source.max()) + 1].shape[1]
            error = layer.gathered(self.float[:, :first]) - np.ldexp(
                sums.gathered(self.words[:, :first]).astype(np.float64), -frac
            )
            assert channel is not None
            mean = np.bincount(channel, error.mean(axis=0)) / np.bincount(channel)
            sums = replace(sums, bias=_bias_words(layer, layer.bias + mean[channel], frac))
        return _reduced(sums, source_frac[kept], width)


def _bias_words(layer: Layer, bias: Reals, frac: int) -> Words:
    """Biases in steps of the accumulator."""
    words = np.floor(np.ldexp(bias, frac) + 0.5)
    if np.abs(words).max() >= BIAS_LIMIT:
        raise QuantizeError(f"layer {layer.name}: a bias of {np.abs(words).max():.0f} steps; narrow its formats")
    return words.astype(np.int64)


def _reduced(layer: CircuitLayer, source_frac: Words, width: int) -> CircuitLayer:
    """Divide weights and biases by the power of two that all have in common; name the format of the weights."""
    bits = int(np.bitwise_or.reduce(layer.weight, initial=0) | np.bitwise_or.reduce(layer.bias, initial=0))
    common = (bits & -bits).bit_length() - 1 if bits and layer.wires else 0
    weight, frac, form = layer.weight >> common, layer.frac - common, None
    if len(weight) and (source_frac == source_frac[0]).all():
        form = FixedPoint(width, frac - int(source_frac[0]), signed=True)
        form = form if form.lo <= weight.min() and weight.max() <= form.hi else None
    return replace(layer, weight=weight, bias=layer.bias >> common, frac=frac, weight_format=form)


def _activation(layer: Layer, frac: int, reach: LayerRange, output: FixedPoint | None, told: list[str]) -> Activation:
    """The functions of a layer, from its accumulators to its words."""
    limits = _limits(layer, frac, reach)
    if limits is not None:
        shift = 0 if output is None else min(frac - output.frac, MOST_SHIFT)
        return Rescale(shift, *limits)
    assert output is not None
    steps, zeros = pipeline_steps(layer.activation, frac, reach.acc_lo, reach.acc_hi, output)
    if any(zeros):
        left = output.width - max(zeros)
        told.append(
            f"quantize: layer {layer.name}: its function of {output.width} bits has more than {MOST_STEPS:,} steps; "
            f"its words are rounded to {left} bits: quantize.activation_width {left} is as precise"
        )
    return steps


def _limits(layer: Layer, frac: int, reach: LayerRange) -> tuple[int | None, int | None] | None:
    """The limits of all neurons' accumulators, if the functions of a layer are nothing but such limits."""
    if not layer.activation:
        return None, None
    if len(layer.activation) > 1 or not isinstance(clip := layer.activation[0], Clip):
        return None
    lo = np.floor(np.ldexp(np.broadcast_to(clip.lo, len(layer)), frac) + 0.5)
    hi = np.floor(np.ldexp(np.broadcast_to(clip.hi, len(layer)), frac) + 0.5)
    least = _common(lo, reach.acc_lo)
    most = _common(-hi, -reach.acc_hi)
    if least is None or most is None:
        return None
    return (None if np.isinf(least) else int(least)), (None if np.isinf(most) else -int(most))


def _common(limit: Reals, least: Words) -> float | None:
    """One lower limit that acts on accumulators of at least `least` as their own, (n,); None when there is none."""
    acts = limit > least
    if not acts.any():
        return -np.inf
    found = float(limit[acts][0])
    return found if (limit[acts] == found).all() and (acts | (found <= least)).all() else None
