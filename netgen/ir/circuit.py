"""The integer circuit: the executable, bit-true contract between PyTorch and hardware.

Whatever computes the network, quantized PyTorch, this module or a Verilog simulator, must give the words that
`evaluate` gives. Accumulators are exact: `ranges_of` bounds every one by interval analysis over all inputs, so none
can overflow.

Neurons are numbered through, as those of a `Network`: first what the first layer reads, then layer by layer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np

from netgen.errors import DataError, QuantizeError
from netgen.ir.activation import Activation, Rescale, Scale, activated, bounds_of, check
from netgen.ir.arrays import frozen
from netgen.ir.circuit_head import CircuitHead
from netgen.ir.fixed import MAX_WIDTH, FixedPoint, Reals, Words, bits_of
from netgen.ir.input_rounding import InputRounding
from netgen.ir.rows import (
    Gather,
    SparseLayer,
    check_bits,
    check_gather,
    check_rows,
    products,
    row_sums,
    selected,
    selected_range,
)
from netgen.ir.thermometer import BIT, threshold_bits

__all__ = [
    "EXACT_LIMIT",
    "Circuit",
    "CircuitHead",
    "CircuitLayer",
    "LayerRange",
    "Trace",
    "check_inputs",
    "classify",
    "evaluate",
    "range_of",
    "ranges_of",
    "saturated",
    "tested",
    "trace",
    "words_at",
]

EXACT_LIMIT = 1 << (MAX_WIDTH - 2)
"""Accumulators must stay below this, so that int64 never overflows, rounding included."""
CHUNK_BYTES = 50_000_000
"""Memory for the words of all neurons of the samples that are evaluated at once."""


@dataclass(frozen=True, eq=False)
class CircuitLayer(SparseLayer):
    """Neurons that are computed alike: `saturate(activation(what they gather from what they read))`, in integers.

    Attributes:
        name: unique in a circuit.
        starts: (n + 1,) int64; the wires of neuron k are those from `starts[k]` to `starts[k + 1] - 1`.
        source: (m,) int64; the number of the neuron that each wire reads; ascending within a row.
        weight: (m,) int64, none of them 0; in steps of the accumulator for one step of the word read.
        bias: (n,) int64, in steps of the accumulator.
        frac: an accumulator k means `k * 2**-frac`.
        activation: from accumulator to word.
        output: format in which words saturate; None for words as the activation gives them, such as scores.
        gather: only sums have other weights than 1, and a bias. The word and the bypass of a selection are in steps of
            its accumulator; its gate may have any step. The accumulator of a table is the address, with `frac` 0.
        weight_format: the format that weights were rounded to; None where they have none in common.

    Raises: QuantizeError, for arrays that do not match, or weights that do not fit their format.
    """

    name: str
    starts: Words
    source: Words
    weight: Words
    bias: Words
    frac: int
    activation: Activation = field(default_factory=Rescale)
    output: FixedPoint | None = None
    gather: Gather = "sum"
    weight_format: FixedPoint | None = None

    def __post_init__(self) -> None:
        for name in ("starts", "source", "weight", "bias"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.int64))
        problem = check_rows(self.starts, self.source, self.weight, self.bias)
        problem = problem or check_gather(self.gather, self.starts, self.source, self.weight, self.bias)
        if problem:
            raise QuantizeError(f"layer {self.name}: {problem}")
        if self.gather == "table" and self.frac:
            raise QuantizeError(f"layer {self.name}: a table with frac {self.frac}; an address has frac 0")
        form, lo, hi = self.weight_format, int(self.weight.min(initial=0)), int(self.weight.max(initial=0))
        if form is not None and (lo < form.lo or hi > form.hi):
            raise QuantizeError(f"layer {self.name}: weights from {lo} to {hi} do not fit {form}; widen the weights")
        check(self.activation, len(self.bias))

    def row(self, neuron: int) -> tuple[Words, Words]:
        """The sources and the weights of a neuron's wires."""
        wires = slice(int(self.starts[neuron]), int(self.starts[neuron + 1]))
        return self.source[wires], self.weight[wires]

    def gathered(self, words: Words) -> Words:
        """The accumulators, (samples, n), of the words of all earlier neurons, (samples, earlier)."""
        if self.gather == "select":
            return selected(words, self.starts, self.source)
        if self.gather == "max":
            return np.stack([np.maximum.reduceat(sample[self.source], self.starts[:-1]) for sample in words])
        return products(words, self.starts, self.source, self.factor) + self.bias


@dataclass(frozen=True, eq=False)
class LayerRange:
    """Proven least and greatest accumulators and outputs of one layer, each (n_out,) int64."""

    acc_lo: Words
    acc_hi: Words
    out_lo: Words
    out_hi: Words


@dataclass(frozen=True, eq=False)
class Circuit:
    """Integer layers in topological order.

    Attributes:
        input: format of every input word.
        input_scale: (features,) float64; an input word is `input.encode(raw feature * input_scale + input_offset)`.
        thresholds: words of `input` in ascending order. Layers read the `threshold_bits` of the input words, or, when
            there are no thresholds, the input words themselves.
        outputs: by default all neurons of the last layer, as `scores`.
        input_offset: (features,) float64; None for 0.
        input_rounding: of raw features to words, where a network arrived quantized; None for that of `input.encode`.

    Raises: QuantizeError, when a layer reads a neuron that is not before it, a scale is not positive and finite, or an
        accumulator could pass 2**60.
    """

    input: FixedPoint
    input_scale: Reals
    layers: tuple[CircuitLayer, ...]
    thresholds: tuple[int, ...] = ()
    outputs: tuple[CircuitHead, ...] = ()
    input_offset: Reals | None = None
    input_rounding: InputRounding | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_scale", frozen(self.input_scale, np.float64))
        if not (np.isfinite(self.input_scale).all() and (self.input_scale > 0).all()):
            raise QuantizeError("input_scale: every factor must be positive and finite")
        if self.input_offset is not None:
            object.__setattr__(self, "input_offset", frozen(self.input_offset, np.float64))
            if self.input_offset.shape != self.input_scale.shape or not np.isfinite(self.input_offset).all():
                raise QuantizeError("input_offset: give one finite number for each feature")
        entry = self.input_rounding
        if entry is not None and entry.step.shape != self.input_scale.shape:
            raise QuantizeError("input_rounding: give one step for each feature")
        if entry is not None and not self.input.lo <= entry.lo <= entry.hi <= self.input.hi:
            raise QuantizeError(f"input_rounding: words from {entry.lo} to {entry.hi} do not fit {self.input}")
        bounds = (self.input.lo, *self.thresholds, self.input.hi + 1)
        if any(a >= b for a, b in pairwise(bounds)):
            raise QuantizeError(f"thresholds {self.thresholds} do not rise within {self.input}; write each once")
        if not self.layers:
            raise QuantizeError("a circuit without layers; give it at least one")
        names = [layer.name for layer in self.layers]
        if len(set(names)) < len(names):
            raise QuantizeError(f"two layers named {max(names, key=names.count)!r}; every name must be unique")
        for layer, first in zip(self.layers, self.first, strict=False):
            if layer.wires and not 0 <= layer.source.min() <= layer.source.max() < first:
                raise QuantizeError(f"layer {layer.name}: reads a neuron that is not before it")
        for head in self.heads:
            if not head.neuron.size or not 0 <= head.neuron.min() <= head.neuron.max() < self.first[-1]:
                raise QuantizeError(f"output {head.name}: a neuron beyond the {self.first[-1]} of the circuit, or none")
        ranges_of(self)

    @cached_property
    def heads(self) -> tuple[CircuitHead, ...]:
        """The outputs, those by default included."""
        if self.outputs:
            return self.outputs
        scores = np.arange(self.first[-2], self.first[-1])
        return (CircuitHead("scores", scores, np.ldexp(1.0, -self.layers[-1].frac), np.zeros(()), "argmax"),)

    @property
    def features(self) -> int:
        """Number of input words."""
        return len(self.input_scale)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of inputs of the first layer, then of neurons in each layer."""
        return (self.features * max(len(self.thresholds), 1), *map(len, self.layers))

    @cached_property
    def first(self) -> tuple[int, ...]:
        """The number of the first neuron of each layer, and the number of all neurons at the end."""
        return tuple(int(total) for total in np.cumsum(self.sizes))

    @property
    def wires(self) -> int:
        """Number of wires."""
        return sum(layer.wires for layer in self.layers)

    @cached_property
    def scores(self) -> Words:
        """The numbers of the neurons that hardware gives, head by head."""
        return np.concatenate([head.neuron.ravel() for head in self.heads])

    def encode(self, raw: Reals) -> Words:
        """The input words of raw features, (n, features)."""
        offset = 0.0 if self.input_offset is None else self.input_offset
        if self.input_rounding is not None:
            return self.input_rounding.words(np.asarray(raw, dtype=np.float64), self.input_scale, offset)
        return self.input.encode(np.asarray(raw, dtype=np.float64) * self.input_scale + offset)

    def coded(self, inputs: Words) -> Words:
        """The words that the first layer reads, (n, n_in), for input words (n, features)."""
        return threshold_bits(inputs, self.thresholds) if self.thresholds else inputs

    @property
    def entering(self) -> FixedPoint:
        """Format of the words that the first layer reads."""
        return BIT if self.thresholds else self.input

    @cached_property
    def score_format(self) -> FixedPoint:
        """The least format that holds every score."""
        lo, hi = (np.concatenate(ends)[self.scores] for ends in zip(*word_ranges(self), strict=True))
        width, signed = bits_of(int(lo.min()), int(hi.max()))
        return FixedPoint(width, self.layers[-1].frac, signed)


def saturated(layer: CircuitLayer, words: Words) -> Words:
    """Limit words of any shape to the output format of a layer."""
    return words if layer.output is None else np.clip(words, layer.output.lo, layer.output.hi)


def word_ranges(circuit: Circuit) -> Iterator[tuple[Words, Words]]:
    """Least and greatest words of the inputs, then of each layer, (n,) each."""
    entering, n_in = circuit.entering, circuit.sizes[0]
    yield np.full(n_in, entering.lo, dtype=np.int64), np.full(n_in, entering.hi, dtype=np.int64)
    for reach in ranges_of(circuit):
        yield reach.out_lo, reach.out_hi


_RANGES = "_ranges"


def ranges_of(circuit: Circuit) -> tuple[LayerRange, ...]:
    """Bound every accumulator and output by interval analysis, over all inputs of the input format.

    Raises: QuantizeError, when an accumulator could leave what int64 computes exactly.
    Source: Moore, Interval Analysis, 1966.
    """
    known: tuple[LayerRange, ...] | None = circuit.__dict__.get(_RANGES)
    if known is None:
        known = tuple(_ranges(circuit))
        object.__setattr__(circuit, _RANGES, known)
    return known


def _ranges(circuit: Circuit) -> Iterator[LayerRange]:
    lo = np.empty(circuit.first[-1], dtype=np.int64)
    hi = np.empty(circuit.first[-1], dtype=np.int64)
    lo[: circuit.sizes[0]], hi[: circuit.sizes[0]] = circuit.entering.lo, circuit.entering.hi
    for layer, first in zip(circuit.layers, circuit.first, strict=False):
        reach = range_of(layer, lo[:first], hi[:first])
        last = slice(first, first + len(layer))
        lo[last], hi[last] = reach.out_lo, reach.out_hi
        yield reach


def range_of(layer: CircuitLayer, lo: Words, hi: Words) -> LayerRange:
    """Bound the accumulators and outputs of a layer.

    Args:
        lo, hi: least and greatest words of all earlier neurons.
    Raises: QuantizeError, when an accumulator could leave what int64 computes exactly, or a table reads no bits.
    """
    if layer.gather == "select":
        low, high = selected_range(layer.starts, layer.source, lo, hi)
    elif layer.gather == "max":
        low, high = layer.gathered(np.stack([lo, hi]))
    else:
        if layer.gather == "table" and (problem := check_bits(layer.source, lo, hi)):
            raise QuantizeError(f"layer {layer.name}: {problem}")
        a, b = layer.factor * lo[layer.source], layer.factor * hi[layer.source]
        magnitude = np.maximum(np.abs(lo), np.abs(hi))[layer.source].astype(np.float64)
        _check_exact(layer, np.abs(layer.factor.astype(np.float64)) * magnitude)
        low, high = (row_sums(layer.starts, ends) + layer.bias for ends in (np.minimum(a, b), np.maximum(a, b)))
    least, most = bounds_of(layer.activation, low, high)
    return LayerRange(low, high, saturated(layer, least), saturated(layer, most))


def _check_exact(layer: CircuitLayer, terms: Reals) -> None:
    """Refuse accumulators that int64 could not hold, also on the way to their words.

    Args:
        terms: (m,) the greatest magnitude of each product.
    """
    total = np.bincount(layer.target, terms, minlength=len(layer)) + np.abs(layer.bias.astype(np.float64))
    match layer.activation:
        case Rescale(shift):
            most = total.max() * 2.0 ** max(-shift, 0) + 2.0 ** max(shift, 0)
        case Scale(multiplier, offset, _):
            most = (total * np.abs(multiplier.astype(np.float64)) + np.abs(offset.astype(np.float64))).max()
        case _:
            most = total.max()
    if most >= EXACT_LIMIT:
        raise QuantizeError(f"layer {layer.name}: accumulators could exceed 2^60; use narrower weights or inputs")


@dataclass(frozen=True, eq=False)
class Trace:
    """The words that an evaluation computed.

    Attributes:
        outputs: per layer, (n, n_out) int64.
        saturated: per layer, how many of those words the output format limited.
    """

    outputs: tuple[Words, ...]
    saturated: tuple[int, ...]


def check_inputs(circuit: Circuit, inputs: Words) -> Words:
    """Return input words that fit a circuit.

    Raises: DataError, for another shape or words outside the input format.
    """
    words = np.asarray(inputs)
    if words.ndim != 2 or words.shape[1] != circuit.features or words.dtype != np.int64:
        raise DataError(f"inputs {words.dtype} {words.shape}; the circuit reads int64 (n, {circuit.features})")
    if words.size and (words.min() < circuit.input.lo or words.max() > circuit.input.hi):
        raise DataError(f"input words from {words.min()} to {words.max()} do not fit {circuit.input}; encode them")
    return words


def _all_words(circuit: Circuit, inputs: Words) -> tuple[Words, list[int]]:
    """The words of all neurons, (n, neurons), and how many of each layer's words saturated."""
    entering = circuit.coded(inputs)
    words = np.empty((len(inputs), circuit.first[-1]), dtype=np.int64)
    words[:, : circuit.sizes[0]] = entering
    limited = []
    for layer, first in zip(circuit.layers, circuit.first, strict=False):
        free = activated(layer.activation, layer.gathered(words[:, :first]))
        found = saturated(layer, free)
        words[:, first : first + len(layer)] = found
        limited.append(int((free != found).sum()))
    return words, limited


def _chunks(circuit: Circuit, inputs: Words) -> Iterator[Words]:
    """The input words of some samples at a time, as many as fit in memory; at least one chunk."""
    at_once = max(1, CHUNK_BYTES // (8 * circuit.first[-1]))
    for start in range(0, max(len(inputs), 1), at_once):
        yield inputs[start : start + at_once]


def trace(circuit: Circuit, inputs: Words) -> Trace:
    """Compute the words of all layers for (n, features) int64 input words.

    Raises: DataError, for another shape or words outside the input format.
    """
    parts = [_all_words(circuit, chunk) for chunk in _chunks(circuit, check_inputs(circuit, inputs))]
    words = np.concatenate([found for found, _ in parts])
    outputs = tuple(words[:, a : a + len(layer)] for a, layer in zip(circuit.first, circuit.layers, strict=False))
    return Trace(outputs, tuple(map(sum, zip(*(limited for _, limited in parts), strict=True))))


def evaluate(circuit: Circuit, inputs: Words) -> Words:
    """Compute the scores, (n, n_out) int64, of (n, features) int64 input words: the words of all heads, side by side.

    Raises: DataError, for another shape or words outside the input format.
    """
    return words_at(circuit, inputs, circuit.scores)


def words_at(circuit: Circuit, inputs: Words, neurons: Words) -> Words:
    """Compute the words of some neurons, (n, k) int64, of (n, features) int64 input words.

    Raises: DataError, for another shape or words outside the input format.
    """
    chunks = _chunks(circuit, check_inputs(circuit, inputs))
    return np.concatenate([_all_words(circuit, chunk)[0][:, neurons] for chunk in chunks])


def tested(circuit: Circuit, inputs: Words) -> tuple[Words, tuple[int, ...]]:
    """Compute the scores, as `evaluate` does, and how many words of each layer its output format limited."""
    parts = []
    for chunk in _chunks(circuit, check_inputs(circuit, inputs)):
        words, limited = _all_words(circuit, chunk)
        parts.append((words[:, circuit.scores], limited))
    scores = np.concatenate([found for found, _ in parts])
    return scores, tuple(map(sum, zip(*(limited for _, limited in parts), strict=True)))


def classify(scores: Words) -> Words:
    """The class of each row of (n, n_out) scores: its greatest score, the lowest index on a tie."""
    classes: Words = np.argmax(scores, axis=1).astype(np.int64)
    return classes
