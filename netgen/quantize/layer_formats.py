"""All formats of a float network: of its inputs, of every layer's words, and of its weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from netgen.errors import QuantizeError
from netgen.ir.arrays import Bools
from netgen.ir.fixed import FixedPoint, Reals, Words
from netgen.ir.functions import Clip, Composition, MultiThreshold, Sign, apply_all, of_neurons, uniform
from netgen.ir.network import Layer, Network
from netgen.ir.rows import channels_of
from netgen.quantize.step_functions import distinct
from netgen.quantize.value_samples import LayerValues, NetworkValues
from netgen.quantize.weight_words import WeightFormats, weight_formats
from netgen.quantize.word_formats import MOST_EXACT, FormatRule, common_frac, exact_format, word_format

__all__ = [
    "DEFAULT_WIDTH",
    "OTHERS",
    "USUAL",
    "NetworkFormats",
    "Widths",
    "Zeros",
    "format_of_inputs",
    "formats_of_network",
    "widths_of",
]

Widths = int | Sequence[int] | Mapping[str, int]
"""Bits: of all layers, of each in order, or by name, where `OTHERS` names the rest."""
Zeros = tuple[int, ...]
"""One number for each step function of a layer, in the order of `distinct`."""
OTHERS = "others"
"""Stands in a mapping of widths for all layers that it does not name."""
DEFAULT_WIDTH = 8
"""Bits of layers that a mapping does not name, if it has no `OTHERS`."""

USUAL = 8
"""Bits of input words unless the user asks for others; raw values that need up to 16 to be exact then keep them."""


@dataclass(frozen=True, eq=False)
class NetworkFormats:
    """All formats of a prepared network, chosen once: under them, weights and biases of any values can be rounded.

    Attributes:
        inputs: of each port.
        words: of each layer; None for scores, which are accumulators.
        weights: of each layer; None for a maximum or a selection.
        zeros: of each layer, for each of its step functions, the bits in which its words are 0, since it would have too
            many breaks; none for limits. Empty before the first rounding, which chooses them.
    """

    inputs: tuple[FixedPoint, ...]
    words: tuple[FixedPoint | None, ...]
    weights: tuple[WeightFormats | None, ...]
    zeros: tuple[Zeros, ...] = ()

    def frac(self, network: Network) -> Words:
        """(neurons,) fractional bits of each neuron's word; 0 for scores."""
        sizes = [*(port.size for port in network.inputs), *map(len, network.layers)]
        fracs = [0 if form is None else form.frac for form in (*self.inputs, *self.words)]
        return np.repeat(np.array(fracs, dtype=np.int64), sizes)


def widths_of(network: Network, widths: Widths, what: str) -> dict[str, int]:
    """The bits of each layer, by its name.

    Raises: QuantizeError, for widths of other layers than those of the network.
    """
    names = [layer.name for layer in network.layers]
    if isinstance(widths, int):
        return dict.fromkeys(names, widths)
    if isinstance(widths, Mapping):
        for name in widths:
            if name not in (*names, OTHERS):
                raise QuantizeError(f"{what}: no layer {name!r}; the layers are {', '.join(names)}")
        rest = widths.get(OTHERS, DEFAULT_WIDTH)
        return {name: widths.get(name, rest) for name in names}
    if len(widths) != len(names):
        raise QuantizeError(f"{what}: {len(widths)} widths for {len(names)} layers; give one for each, or one for all")
    return dict(zip(names, widths, strict=True))


def formats_of_network(
    network: Network,
    values: NetworkValues,
    inputs: Sequence[FixedPoint],
    *,
    words: Mapping[str, int],
    weights: Mapping[str, int],
    rule: FormatRule,
    percentile: float,
    per_channel: bool,
) -> NetworkFormats:
    """Choose the formats of a prepared network, by the values of its neurons.

    Args:
        network: a maximum reads inputs of one port only, or results only.
        inputs: of each port.
        words, weights: bits by name of a layer; the greatest for a layer without a name in it.
        per_channel: a format of weights for each channel, instead of each layer.
    """
    formats = NetworkFormats(
        tuple(inputs), _words_of(network, values, inputs, words, rule, percentile), (None,) * len(network.layers)
    )
    frac, most = formats.frac(network), max(weights.values(), default=DEFAULT_WIDTH)
    chosen: list[WeightFormats | None] = []
    for layer in network.layers:
        if layer.gather != "sum":
            chosen.append(None)
            continue
        factors = values.square[layer.source]
        factors = factors if factors.any() else np.ones_like(factors)
        channel = channels_of(len(layer), layer.target, layer.parameter) if per_channel else None
        width = weights.get(layer.name, most)
        chosen.append(weight_formats(layer, frac[layer.source], width, factors=factors, channel=channel))
    return replace(formats, weights=tuple(chosen))


def _words_of(
    network: Network,
    values: NetworkValues,
    inputs: Sequence[FixedPoint],
    widths: Mapping[str, int],
    rule: FormatRule,
    percentile: float,
) -> tuple[FixedPoint | None, ...]:
    """Choose the format of every layer that is read, or that has a step function.

    Words that one maximum reads have one step; so has the maximum, if nothing but limits follows it. Likewise the word
    and the bypass of a selection, but not its gate.
    """
    read = np.zeros(network.neurons, dtype=np.bool_)
    for layer in network.layers:
        read[layer.source] = True
    signed = [not one.all() for one in _nonnegative(network, [form.signed for form in inputs])]
    group, entries = _groups(network)
    formats: list[FixedPoint | None] = []
    fracs: dict[int, int] = {}
    widest = max(widths.values(), default=DEFAULT_WIDTH)
    wide = [widths.get(layer.name, widest) for layer in network.layers]
    for index, (layer, first) in enumerate(zip(network.layers, network.first, strict=False)):
        hidden = bool(read[first : first + len(layer)].any())
        if _follows(layer):
            before = [_before(source, inputs, formats) for source in _blocks(network, layer)]
            formats.append(_covering(before))
            continue
        levels = _levels(layer.activation)
        if not hidden and _limits_only(layer.activation) and uniform(layer.activation):
            formats.append(None)
            continue
        members = [
            k for k in range(len(network.layers)) if group[k] == group[index] and not _follows(network.layers[k])
        ]
        if levels is not None and len(members) == 1 and levels.width <= wide[index]:
            formats.append(levels)
            continue
        if group[index] in entries and group[index] not in fracs:
            fracs[group[index]] = inputs[0].frac
        if group[index] not in fracs:
            parts = [(values.layers[k], wide[k], signed[k]) for k in members]
            fracs[group[index]] = common_frac(parts, rule, percentile)
        formats.append(FixedPoint(wide[index], fracs[group[index]], signed[index]))
    return tuple(formats)


def format_of_inputs(values: LayerValues, width: int, *, rule: FormatRule, percentile: float) -> FixedPoint:
    """The format of raw values: exact where one of so many bits is, of up to 16 for the usual 8; else of the width."""
    exact = exact_format(values.kept, MOST_EXACT if width == USUAL else width)
    if exact is not None and values.lo >= exact.lo * exact.step and values.hi <= exact.hi * exact.step:
        return exact
    return word_format(values, width, signed=values.lo < 0, rule=rule, percentile=percentile)


def _limits_only(pipeline: Composition) -> bool:
    return all(isinstance(function, Clip) for function in pipeline)


def _follows(layer: Layer) -> bool:
    """Whether a layer has the step of the words that it reads: a maximum or a selection, and limits."""
    return layer.gather != "sum" and _limits_only(layer.activation)


def _blocks(network: Network, layer: Layer) -> list[int]:
    """The layers whose values pass into those of a layer, by index; -1 for inputs."""
    found = np.unique(np.searchsorted(network.first, layer.source[layer.passing], side="right") - 1)
    return [int(index) for index in found]


def _before(index: int, inputs: Sequence[FixedPoint], formats: Sequence[FixedPoint | None]) -> FixedPoint:
    form = inputs[0] if index < 0 else formats[index]
    assert form is not None
    return form


def _covering(formats: Sequence[FixedPoint]) -> FixedPoint:
    """The least format of their common step that holds all words of some formats."""
    signed = any(form.signed for form in formats)
    return replace(formats[0], width=max(form.width + (signed and not form.signed) for form in formats), signed=signed)


def _groups(network: Network) -> tuple[list[int], set[int]]:
    """The group of each layer, whose words have one step; and the groups that contain inputs."""
    group, entries = list(range(len(network.layers))), set()

    def root(index: int) -> int:
        while group[index] != index:
            index = group[index]
        return index

    for index, layer in enumerate(network.layers):
        if layer.gather == "sum":
            continue
        blocks = _blocks(network, layer)
        members = [k for k in blocks if k >= 0] + ([index] if _follows(layer) else [])
        for other in members[1:]:
            group[root(other)] = root(members[0])
        if -1 in blocks and members:
            entries.add(members[0])
    return [root(index) for index in range(len(group))], {root(index) for index in entries}


def _nonnegative(network: Network, signed: Sequence[bool]) -> list[Bools]:
    """Which neurons of each layer cannot be negative."""
    known = np.zeros(network.neurons, dtype=np.bool_)
    known[: network.features] = np.repeat(~np.array(signed), [port.size for port in network.inputs])
    found = []
    for layer, first in zip(network.layers, network.first, strict=False):
        if layer.gather == "max":
            sums = np.bincount(layer.target, known[layer.source], minlength=len(layer)) > 0
        elif layer.gather == "select":
            negative = layer.passing & ~known[layer.source]
            sums = np.bincount(layer.target, negative, minlength=len(layer)) == 0
        else:
            negative = (layer.weight < 0) | ~known[layer.source]
            sums = (np.bincount(layer.target, negative, minlength=len(layer)) == 0) & (layer.bias >= 0)
        own = sums if not layer.activation else _least(layer.activation, sums) >= 0
        known[first : first + len(layer)] = own
        found.append(own)
    return found


def _least(pipeline: Composition, nonnegative: Bools) -> Reals:
    """The least values, (n,), of functions at numbers of either sign, or at non-negative ones, from 1e-6 to 1e6."""
    positive = np.concatenate([[0.0], np.logspace(-6, 6, 241)])
    both = np.concatenate([-positive[:0:-1], positive])
    neurons, function = distinct(pipeline, len(nonnegative))
    few = of_neurons(pipeline, neurons)
    ends = [apply_all(few, np.repeat(x[:, None], len(neurons), axis=1)).min(axis=0)[function] for x in (both, positive)]
    least: Reals = np.where(nonnegative, ends[1], ends[0])
    return least


def _levels(pipeline: Composition) -> FixedPoint | None:
    """The format of the few numbers that the last function gives, where it gives few."""
    match pipeline[-1] if pipeline else None:
        case Sign():
            return FixedPoint(2, 0, signed=True)
        case MultiThreshold(thresholds, scale, offset):
            count = np.arange(thresholds.shape[1] + 1)[:, None]
            return exact_format(np.ravel(np.atleast_1d(scale) * count + np.atleast_1d(offset)))
        case _:
            return None
