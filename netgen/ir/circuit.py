"""The integer circuit: the executable, bit-true contract between PyTorch and hardware.

Whatever computes the network, quantized PyTorch, this module or a Verilog simulator, must give the words that
`evaluate` gives. Accumulators are exact: `ranges_of` bounds every one by interval analysis over all inputs, so none
can overflow.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import get_args

import numpy as np

from netgen.errors import DataError, QuantizeError
from netgen.ir.arrays import frozen
from netgen.ir.dense import Activation
from netgen.ir.fixed import MAX_WIDTH, FixedPoint, Reals, Words, bits_of, shift_round
from netgen.ir.thermometer import BIT, threshold_bits

__all__ = [
    "EXACT_LIMIT",
    "Circuit",
    "CircuitLayer",
    "LayerRange",
    "Trace",
    "check_inputs",
    "classify",
    "evaluate",
    "ranges_of",
    "requantize",
    "trace",
]

EXACT_LIMIT = 1 << (MAX_WIDTH - 2)
"""Accumulators must stay below this, so that int64 never overflows, rounding included."""


@dataclass(frozen=True, eq=False)
class CircuitLayer:
    """`saturate(round(activation(weight @ x + bias)))`, in integers.

    Attributes:
        weight: (n_out, n_in) int64, both at least 1, in steps of `weight_format`.
        bias: (n_out,) int64, in steps of the accumulator (input frac + weight frac).
        output: format of the results; None on the last layer, whose accumulators are the scores, unrounded.

    Raises: QuantizeError, for wrong shapes, an unknown activation, or weights that do not fit their format.
    """

    weight: Words
    bias: Words
    weight_format: FixedPoint
    activation: Activation
    output: FixedPoint | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", frozen(self.weight, np.int64))
        object.__setattr__(self, "bias", frozen(self.bias, np.int64))
        if self.weight.ndim != 2 or 0 in self.weight.shape or self.bias.shape != self.weight.shape[:1]:
            raise QuantizeError(f"weight {self.weight.shape} and bias {self.bias.shape} do not form a layer")
        if self.activation not in get_args(Activation):
            raise QuantizeError(f"activation {self.activation!r}; use one of {', '.join(get_args(Activation))}")
        lo, hi = int(self.weight.min(initial=0)), int(self.weight.max(initial=0))
        if lo < self.weight_format.lo or hi > self.weight_format.hi:
            raise QuantizeError(f"weights from {lo} to {hi} do not fit {self.weight_format}; widen the weights")


@dataclass(frozen=True, eq=False)
class LayerRange:
    """Proven least and greatest accumulators and outputs of one layer, each (n_out,) int64."""

    acc_lo: Words
    acc_hi: Words
    out_lo: Words
    out_hi: Words


@dataclass(frozen=True, eq=False)
class Circuit:
    """A chain of integer layers.

    Attributes:
        input: format of every input word.
        input_scale: (features,) float64, powers of two; an input word is `input.encode(raw feature * input_scale)`.
        thresholds: words of `input` in ascending order. The first layer reads the `threshold_bits` of the input words,
            or, when there are no thresholds, the input words themselves.

    Raises: QuantizeError, when layers do not chain, a scale is not positive and finite, or an accumulator could pass
        2**60.
    """

    input: FixedPoint
    input_scale: Reals
    layers: tuple[CircuitLayer, ...]
    thresholds: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_scale", frozen(self.input_scale, np.float64))
        if not self.layers:
            raise QuantizeError("a circuit without layers; give it at least one")
        if (self.features * max(len(self.thresholds), 1),) != self.sizes[:1]:
            raise QuantizeError(f"input_scale {self.input_scale.shape} for {self.sizes[0]} inputs")
        if not (np.isfinite(self.input_scale).all() and (self.input_scale > 0).all()):
            raise QuantizeError("input_scale: every factor must be positive and finite")
        bounds = (self.input.lo, *self.thresholds, self.input.hi + 1)
        if any(a >= b for a, b in pairwise(bounds)):
            raise QuantizeError(f"thresholds {self.thresholds} do not rise within {self.input}; write each once")
        for before, after in pairwise(self.layers):
            if before.output is None or before.weight.shape[0] != after.weight.shape[1]:
                raise QuantizeError("layers do not chain: each but the last needs an output format and equal sizes")
        if self.layers[-1].output is not None:
            raise QuantizeError("the last layer gives its accumulators; its output format must be None")
        ranges_of(self)

    @property
    def features(self) -> int:
        """Number of input words."""
        return len(self.input_scale)

    def coded(self, inputs: Words) -> Words:
        """The words that the first layer reads, (n, n_in), for input words (n, features)."""
        return threshold_bits(inputs, self.thresholds) if self.thresholds else inputs

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of inputs of the first layer, then of neurons in each layer."""
        return (self.layers[0].weight.shape[1], *(layer.weight.shape[0] for layer in self.layers))

    def format_into(self, depth: int) -> FixedPoint:
        """Format of the words that layer `depth` (from 0) reads."""
        before = self.layers[depth - 1].output if depth else BIT if self.thresholds else self.input
        assert before is not None
        return before

    def acc_frac(self, depth: int) -> int:
        """Fractional bits of the accumulators of layer `depth` (from 0)."""
        return self.format_into(depth).frac + self.layers[depth].weight_format.frac

    def rescale_shift(self, depth: int) -> int:
        """Right shift from accumulator to output of layer `depth`; 0 on the last layer."""
        output = self.layers[depth].output
        return 0 if output is None else self.acc_frac(depth) - output.frac

    @property
    def score_format(self) -> FixedPoint:
        """The least format that holds every score."""
        last = ranges_of(self)[-1]
        width, signed = bits_of(int(last.acc_lo.min()), int(last.acc_hi.max()))
        return FixedPoint(width, self.acc_frac(len(self.layers) - 1), signed)


def requantize(layer: CircuitLayer, shift: int, acc: Words) -> tuple[Words, Words]:
    """Apply a layer's activation to accumulators of any shape, shift them right and round.

    Args:
        shift: right shift from accumulator to output, as `Circuit.rescale_shift` gives it.
    Returns: the words before and after saturation; on the last layer the activated accumulators, twice.
    """
    active = np.maximum(acc, 0) if layer.activation == "relu" else acc
    if layer.output is None:
        return active, active
    rounded = shift_round(active, shift)
    return rounded, np.clip(rounded, layer.output.lo, layer.output.hi)


def ranges_of(circuit: Circuit) -> tuple[LayerRange, ...]:
    """Bound every accumulator and output by interval analysis, over all inputs of the input format.

    Raises: QuantizeError, when an accumulator could leave what int64 computes exactly.
    Source: Moore, Interval Analysis, 1966.
    """
    lo: Words = np.full(circuit.sizes[0], circuit.format_into(0).lo, dtype=np.int64)
    hi: Words = np.full(circuit.sizes[0], circuit.format_into(0).hi, dtype=np.int64)
    ranges = []
    for depth, layer in enumerate(circuit.layers):
        shift = circuit.rescale_shift(depth)
        magnitude = np.maximum(np.abs(lo), np.abs(hi)).astype(np.float64)
        bound = np.abs(layer.weight).astype(np.float64) @ magnitude + np.abs(layer.bias.astype(np.float64))
        if abs(shift) >= MAX_WIDTH or bound.max() * 2.0 ** max(-shift, 0) + 2.0 ** max(shift, 0) >= EXACT_LIMIT:
            raise QuantizeError(f"layer {depth + 1}: accumulators could pass 2**60; narrow its weights or inputs")
        plus: Words = np.maximum(layer.weight, 0)
        minus: Words = np.minimum(layer.weight, 0)
        acc_lo: Words = plus @ lo + minus @ hi + layer.bias
        acc_hi: Words = plus @ hi + minus @ lo + layer.bias
        lo, hi = requantize(layer, shift, acc_lo)[1], requantize(layer, shift, acc_hi)[1]
        ranges.append(LayerRange(acc_lo, acc_hi, lo, hi))
    return tuple(ranges)


def _product(words: Words, weight: Words) -> Words:
    """`words @ weight.T`, exactly; through BLAS (50 times faster) where doubles hold every partial sum."""
    most = np.abs(words).max(axis=0, initial=0).astype(np.float64)
    if float((np.abs(weight) @ most).max()) < 2.0**53:
        product: Words = (words.astype(np.float64) @ weight.T.astype(np.float64)).astype(np.int64)
        return product
    return words @ weight.T


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


def trace(circuit: Circuit, inputs: Words) -> Trace:
    """Compute the words of all layers for (n, features) int64 input words.

    Raises: DataError, for another shape or words outside the input format.
    """
    words = circuit.coded(check_inputs(circuit, inputs))
    outputs, saturated = [], []
    for depth, layer in enumerate(circuit.layers):
        free, words = requantize(layer, circuit.rescale_shift(depth), _product(words, layer.weight) + layer.bias)
        outputs.append(words)
        saturated.append(int((free != words).sum()))
    return Trace(tuple(outputs), tuple(saturated))


def evaluate(circuit: Circuit, inputs: Words) -> Words:
    """Compute the scores, (n, n_out) int64, of (n, features) int64 input words.

    Raises: DataError, for another shape or words outside the input format.
    """
    return trace(circuit, inputs).outputs[-1]


def classify(scores: Words) -> Words:
    """The class of each row of (n, n_out) scores: its greatest score, the lowest index on a tie."""
    classes: Words = np.argmax(scores, axis=1).astype(np.int64)
    return classes
