"""Round a prepared float network under given formats, layer by layer: weights, biases and functions."""

from dataclasses import dataclass, replace

import numpy as np

from netgen.errors import QuantizeError
from netgen.ir.activation import Activation, Rescale, activated
from netgen.ir.circuit import CircuitLayer, LayerRange, range_of, saturated
from netgen.ir.fixed import FixedPoint, Reals, Words
from netgen.ir.functions import Clip, Composition, apply_all
from netgen.ir.network import Layer, Network
from netgen.ir.rows import channels_of, products
from netgen.quantize.integer import BIAS_LIMIT
from netgen.quantize.layer_formats import NetworkFormats, Zeros
from netgen.quantize.step_functions import MOST_STEPS, pipeline_steps
from netgen.quantize.weight_words import WeightFormats, weight_words

__all__ = ["Rounded", "round_layers", "whole_limits"]

CORRECTED_VALUES = 12_000_000
"""Words of all neurons of the samples by which biases are corrected: 100 MB."""
CORRECTED_SAMPLES = 256
MOST_SHIFT = 61
"""A shift by which every accumulator becomes 0."""


@dataclass(frozen=True, eq=False)
class Rounded:
    """A float network and its layers in integers, one for one.

    Attributes:
        network: prepared, so it may have other layers than the network that was given.
        formats: of the network.
        layers: of the network, before anything is simplified.
        frac: (neurons,) fractional bits of each neuron's word.
        corrected: the network with the biases that were rounded: those of `network`, where none was corrected.
    """

    network: Network
    formats: NetworkFormats
    layers: tuple[CircuitLayer, ...]
    frac: Words
    corrected: Network

    @property
    def inputs(self) -> tuple[FixedPoint, ...]:
        """Format of each port."""
        return self.formats.inputs


def round_layers(
    network: Network, formats: NetworkFormats, samples: Reals | None = None, *, warnings: list[str] | None = None
) -> Rounded:
    """Round a prepared network under given formats.

    Args:
        samples: (k, features) by which biases are corrected: a channel's mean error is taken from its bias; None for no
            correction.
        warnings: a list to which a line is added for each function of too many steps.
    Raises: QuantizeError, for formats in which sums cannot be exact.
    Source: empirical bias correction after Nagel et al. 2019.
    """
    work = _Work(network, formats, np.zeros((0, network.features)) if samples is None else samples)
    told = warnings if warnings is not None else []
    layers = tuple(work.layer(index, told) for index in range(len(network.layers)))
    like = [replace(layer, bias=bias) for layer, bias in zip(network.layers, work.biases, strict=True)]
    corrected = Network(network.inputs, tuple(like), network.outputs)
    return Rounded(network, replace(formats, zeros=tuple(work.zeros)), layers, work.frac, corrected)


@dataclass
class _Work:
    """The words of the neurons so far: their steps, their ranges, and their values on some samples."""

    network: Network
    formats: NetworkFormats
    samples: Reals

    def __post_init__(self) -> None:
        neurons, features = self.network.neurons, self.network.features
        self.biases: list[Reals] = []
        self.zeros: list[Zeros] = []
        self.frac = self.formats.frac(self.network)
        self.lo, self.hi = (np.zeros(neurons, dtype=np.int64) for _ in range(2))
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

    def layer(self, index: int, told: list[str]) -> CircuitLayer:
        """Round a layer; those before it have been rounded."""
        given, first, formats = self.network.layers[index], self.network.first[index], self.formats
        source_frac, weights, output = self.frac[given.source], formats.weights[index], formats.words[index]
        accumulator = int(source_frac[-1]) if weights is None else weights.accumulator  # the last wire is no gate's
        layer = replace(given, activation=whole_limits(given.activation, accumulator))
        bias = self._corrected(layer, weights)
        sums = _chosen(layer, source_frac) if weights is None else _sums(layer, bias, source_frac, weights)
        reach = range_of(sums, self.lo[:first], self.hi[:first])
        activation, zeros = _activation(
            layer, sums.frac, reach, output, formats.zeros[index] if formats.zeros else None, told
        )
        made = replace(sums, activation=activation, output=output)
        self.biases.append(bias)
        self.zeros.append(zeros)
        own = slice(first, first + len(layer))
        self.frac[own] = made.frac if output is None else output.frac
        reach = range_of(made, self.lo[:first], self.hi[:first])
        self.lo[own], self.hi[own] = reach.out_lo, reach.out_hi
        if len(self.samples):
            self.float[:, own] = apply_all(given.activation, given.gathered(self.float[:, :first]))
            self.words[:, own] = saturated(made, activated(made.activation, made.gathered(self.words[:, :first])))
        return made

    def _corrected(self, layer: Layer, weights: WeightFormats | None) -> Reals:
        """The biases, (n,), and in them the mean error of each channel's sums on the samples."""
        if weights is None or not layer.wires or not len(self.samples):
            return layer.bias
        frac, first = self.frac[layer.source], int(layer.source.max()) + 1
        words = weight_words(layer.weight, frac, weights)
        sums = products(self.words[:, :first], layer.starts, layer.source, words)
        bias = _bias_words(layer, layer.bias, weights.accumulator)
        rounded = np.ldexp((sums + bias).astype(np.float64), -weights.accumulator)
        error = (layer.gathered(self.float[:, :first]) - rounded).mean(axis=0)
        channel = channels_of(len(layer), layer.target, layer.parameter)
        mean: Reals = np.bincount(channel, error) / np.bincount(channel)
        return layer.bias + mean[channel]


def _chosen(layer: Layer, source_frac: Words) -> CircuitLayer:
    """The accumulators of maxima and selections."""
    frac = int(source_frac[-1])  # the last wire is no gate's
    assert (source_frac[layer.passing] == frac).all()
    ones, zeros = np.ones(layer.wires, dtype=np.int64), np.zeros(len(layer), dtype=np.int64)
    return CircuitLayer(layer.name, layer.starts, layer.source, ones, zeros, frac, gather=layer.gather)


def _sums(layer: Layer, bias: Reals, source_frac: Words, formats: WeightFormats) -> CircuitLayer:
    """The accumulators of sums: weights and biases divided by the power of two that they and the limits share.

    Args:
        layer: its limits are whole steps of the accumulator.
        bias: (n,).
        source_frac: (m,) fractional bits of the word that each wire reads.
    """
    weight, words = weight_words(layer.weight, source_frac, formats), _bias_words(layer, bias, formats.accumulator)
    kept = weight != 0
    starts = np.concatenate([[0], np.cumsum(kept)])[layer.starts]
    weight, source_frac = weight[kept], source_frac[kept]
    bits = int(np.bitwise_or.reduce(weight, initial=0) | np.bitwise_or.reduce(words, initial=0))
    for limit in _ends(layer.activation):
        steps = np.ldexp(limit[np.isfinite(limit)], formats.accumulator)
        bits |= int(np.bitwise_or.reduce(steps[np.abs(steps) < BIAS_LIMIT].astype(np.int64), initial=0))
    common = (bits & -bits).bit_length() - 1 if bits and layer.wires else 0
    weight, frac, form = weight >> common, formats.accumulator - common, None
    if len(weight) and (source_frac == source_frac[0]).all():
        form = FixedPoint(formats.width, frac - int(source_frac[0]), signed=True)
        form = form if form.lo <= weight.min() and weight.max() <= form.hi else None
    return CircuitLayer(layer.name, starts, layer.source[kept], weight, words >> common, frac, weight_format=form)


def whole_limits(pipeline: Composition, frac: int) -> Composition:
    """The same functions; limits that stand alone are rounded to whole steps of the accumulator."""
    if len(pipeline) != 1 or not isinstance(clip := pipeline[0], Clip):
        return pipeline
    with np.errstate(over="ignore"):  # a limit beyond all numbers is none
        lo, hi = (np.ldexp(np.floor(np.ldexp(end, frac) + 0.5), -frac) for end in (clip.lo, clip.hi))
    return (Clip(_scalar(lo), _scalar(hi)),)


def _scalar(end: Reals) -> Reals | float:
    return end if np.ndim(end) else float(end)


def _ends(pipeline: Composition) -> list[Reals]:
    """The limits of functions that are nothing but limits."""
    if len(pipeline) == 1 and isinstance(clip := pipeline[0], Clip):
        return [np.atleast_1d(np.asarray(end, dtype=np.float64)) for end in (clip.lo, clip.hi)]
    return []


def _bias_words(layer: Layer, bias: Reals, frac: int) -> Words:
    """Biases in steps of the accumulator."""
    words = np.floor(np.ldexp(bias, frac) + 0.5)
    if np.abs(words).max() >= BIAS_LIMIT:
        raise QuantizeError(f"layer {layer.name}: a bias of {np.abs(words).max():.6g} steps; narrow its formats")
    return words.astype(np.int64)


def _activation(
    layer: Layer, frac: int, reach: LayerRange, output: FixedPoint | None, zeros: Zeros | None, told: list[str]
) -> tuple[Activation, Zeros]:
    """The functions of a layer, from its accumulators to its words.

    Args:
        zeros: of each step function, the bits in which its words are 0, none for limits; chosen when None.
    Returns: the functions, and these numbers.
    """
    limits = None if zeros else _limits(layer, frac, reach)
    if limits is not None:
        shift = 0 if output is None else min(frac - output.frac, MOST_SHIFT)
        return Rescale(shift, *limits), ()
    assert output is not None
    if zeros == ():  # limits that act on other sums than those by which formats were chosen
        zeros = (0,) * len(layer)
    steps, found = pipeline_steps(layer.activation, frac, reach.acc_lo, reach.acc_hi, output, zeros)
    if zeros is None and any(found):
        left = output.width - max(found)
        told.append(
            f"quantize: layer {layer.name}: its function of {output.width} bits has more than {MOST_STEPS:,} steps; "
            f"its words are rounded to {left} bits: quantize.activation_width {left} is as precise"
        )
    return steps, found


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
