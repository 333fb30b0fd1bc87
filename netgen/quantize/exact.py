"""Networks that arrive quantized become circuits of the same integers, bit for bit."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt

from netgen.errors import QuantizeError
from netgen.ir.activation import Activation, Rescale, Scale, StepFunction, Steps
from netgen.ir.arrays import Bools
from netgen.ir.circuit import Circuit, CircuitHead, CircuitLayer, range_of
from netgen.ir.fixed import FixedPoint, Reals, Words
from netgen.ir.functions import Affine, Clip, Composition, MultiThreshold, Quantize, apply_all, of_neurons, uniform
from netgen.ir.gates import only_gates
from netgen.ir.network import Head, Layer, Network
from netgen.ir.simplify import simplify
from netgen.quantize.exact_adds import Operand, add_of, executor_integers
from netgen.quantize.exact_entry import Entry, entry_of
from netgen.quantize.exact_ties import sums_at_ties
from netgen.quantize.exact_words import CALIBRATE, Levels, Units, counted, integer_weights, levels_of, word_form
from netgen.quantize.prepare import with_scores
from netgen.quantize.requantize import scale_of, shift_of
from netgen.quantize.split import split_layers
from netgen.quantize.step_functions import distinct, step_function

__all__ = ["Executor", "is_quantized", "quantize_exactly"]

Executor = Literal["single", "double"]
"""Who is to be equalled: an executor in float32, such as ONNX Runtime's of integers and QONNX's; or the `Network` in
double precision."""

WHOLE = 1e-7
"""A bias this close to a whole number of accumulator steps is one; it is a product of two float32 scales."""
MOST_BYTE = 255
"""Difference of the greatest and the least word, or weight, that executors have integer kernels for."""
CLASS_BITS = 12
"""Fractional bits of an accumulator step in class scores whose classes have scales or biases of their own."""


def is_quantized(network: Network) -> bool:
    """Whether a network arrived quantized: some of its weights have steps, or some of its functions are quantizers.

    A step that only decides what selections give is a comparison, no quantizer.
    """
    gates, pairs = only_gates(network), zip(network.layers, network.first, strict=False)
    return any(
        layer.step is not None or any(isinstance(one, Quantize | MultiThreshold) for one in layer.activation)
        for layer, first in pairs
        if not gates[first : first + len(layer)].all()
    )


def quantize_exactly(
    network: Network,
    *,
    executor: Executor = "single",
    input_format: FixedPoint | None = None,
    warnings: list[str] | None = None,
) -> Circuit:
    """Keep the integers of a quantized network: words are those of its quantizers, weights whole multiples of steps.

    Sums of integers are exact. What follows a sum, up to the next quantizer, is a function of that integer: it becomes
    a shift where it is one, thresholds where words have at most 16 values, else one multiplication, addition and shift
    that is proved equal over the sum's whole range. Channels for which there is none become step functions, in a layer
    of their own, NAME.steps: float32 rounds some sum to the other side of a tie, or several quantizers follow each
    other. Two words of any scales are added with integer weights that give the executor's word for every pair. The
    first quantizer becomes the rule by which raw inputs become words. An output's words times its scale, plus its
    offset, are the network's values.

    Args:
        executor: whose arithmetic decides where a number that lies at a tie is rounded. In float32, a quantizer that
            follows a sum of integers multiplies by the float32 ratio of the scales, as ONNX Runtime does.
        input_format: of raw inputs that no quantizer rounds, such as FINN's integers; None for those that have one.
        warnings: a list to which a line is added for layers with sums so close to a tie that the executor's order of
            float32 operations decides, and that the network does not tell.
    Raises: QuantizeError, with the first layer that is not quantized.
    Source: integer arithmetic as in Jacob et al. 2018; the multiplication is found by search, our own.
    """
    entry = entry_of(network, input_format, single=executor == "single")
    work = _Exact(with_scores(entry.network), entry, executor, warnings if warnings is not None else [])
    made = [work.layer(index) for index in range(len(work.network.layers))]
    layers, number = split_layers(made, work.scaled, network.features)
    heads = tuple(replace(found, neuron=number[found.neuron]) for found in map(work.head, work.network.outputs))
    circuit = Circuit(
        entry.form,
        entry.scale,
        layers,
        outputs=heads,
        input_offset=entry.offset if entry.offset.any() else None,
        input_rounding=entry.rounding,
    )
    return simplify(circuit)


@dataclass
class _Exact:
    """The layers so far: what words of each neuron mean, `unit * word + origin`, and their ranges.

    Attributes:
        least: the least whole number, in units, that the quantizer of a neuron gives; NaN for none.
        scaled: layers with steps that some neurons do not need, and the multiplication that serves them as well.
    """

    network: Network
    entry: Entry
    executor: Executor
    told: list[str]

    def __post_init__(self) -> None:
        neurons, features = self.network.neurons, self.network.features
        self.unit, self.origin = np.ones(neurons), np.zeros(neurons)
        self.lo, self.hi = np.zeros(neurons, dtype=np.int64), np.zeros(neurons, dtype=np.int64)
        self.least = np.full(neurons, np.nan)
        self.scaled: dict[str, tuple[Bools, Scale]] = {}
        self.unit[:features], self.origin[:features] = self.entry.unit, self.entry.origin
        self.lo[:features], self.hi[:features] = self.entry.form.lo, self.entry.form.hi
        self.least[:features] = np.rint(self.entry.origin / self.entry.unit) + self.entry.form.lo
        classes = [head.neuron.ravel() for head in self.network.outputs if head.function != "none"]
        self.classes = np.zeros(neurons, dtype=np.bool_)
        self.classes[np.concatenate([*classes, np.zeros(0, dtype=np.int64)])] = True

    def layer(self, index: int) -> CircuitLayer:
        """Make a layer; those before it have been made."""
        layer, first = _sorted(self.network.layers[index]), self.network.first[index]
        own = slice(first, first + len(layer))
        levels = levels_of(layer.activation, len(layer))
        try:
            units = self._sums(layer) if layer.gather == "sum" else self._chosen(layer)
        except QuantizeError:
            pair = self._pairs(layer, levels)
            if pair is None:
                raise
            made, levels = pair
            self._keep(made, own, levels)
            return made
        bias = _whole(units) if layer.gather == "sum" else None
        if bias is not None:
            units = replace(units, origin=np.zeros(len(layer)))
        kept = units.weight != 0
        sums = CircuitLayer(
            layer.name,
            np.concatenate([[0], np.cumsum(kept)])[layer.starts],
            layer.source[kept],
            units.weight[kept],
            np.zeros(len(layer), dtype=np.int64) if bias is None else bias,
            0,
            gather=layer.gather,
        )
        if levels is None:
            made, self.unit[own], self.origin[own] = self._unrounded(layer, sums, units, self.classes[own])
        else:
            made, levels = self._rounded(layer, sums, units, levels)
        self._keep(made, own, levels)
        return made

    def _keep(self, made: CircuitLayer, own: slice, levels: Levels | None) -> None:
        """Remember what the words of a layer mean, and their ranges."""
        if levels is not None:
            self.unit[own], self.origin[own] = levels.unit, levels.origin
            if levels.limits is not None:
                self.least[own] = np.rint(levels.origin / levels.unit) + levels.limits[0]
        reach = range_of(made, self.lo, self.hi)
        self.lo[own], self.hi[own] = reach.out_lo, reach.out_hi

    def _pairs(self, layer: Layer, levels: Levels | None) -> tuple[CircuitLayer, Levels] | None:
        """A layer of sums of two words each, of any scales, that a quantizer follows; and what its words mean.

        It has one shift, so all neurons have the same scales.
        """
        quantizer = layer.activation[0] if layer.activation else None
        if levels is None or levels.limits is None or not isinstance(quantizer, Quantize) or self.executor == "double":
            return None
        if layer.gather != "sum":
            return None
        if (np.diff(layer.starts) != 2).any() or (layer.weight != 1).any() or layer.bias.any():
            return None
        columns = layer.source.reshape(-1, 2).T
        levels = counted(levels)
        assert levels.limits is not None
        operands = [self._operand(column) for column in columns]
        if operands[0] is None or operands[1] is None or not uniform(layer.activation):
            return None
        a, b = operands[0], operands[1]
        output, step = word_form(*levels.limits), float(np.max(quantizer.step))
        ratios = a.unit / float(levels.unit[0]), b.unit / float(levels.unit[0])
        candidates = executor_integers(a, b, quantizer)
        for integers in candidates:
            values: Reals = np.asarray(integers.reshape(-1, 1) * step, dtype=np.float64)
            words = _to_words(apply_all(layer.activation[1:], values)[:, 0], levels, 0).reshape(integers.shape)
            add = add_of(words, a, b, ratios, output)
            if add is not None:
                break
        else:
            return None
        if len(candidates) > 1:
            self.told.append(
                f"quantize: layer {layer.name}: some sums of two words lie within float32's rounding of a tie; the "
                "executor may round them to the other side"
            )
        n = len(layer)
        made = CircuitLayer(
            layer.name,
            layer.starts,
            layer.source,
            np.tile(add.weights, n),
            np.full(n, add.bias),
            0,
            Rescale(add.shift),
            output,
        )
        return made, levels

    def _operand(self, neurons: Words) -> Operand | None:
        """What the words of some neurons mean, if it is the same for all."""
        if any(np.ptp(array[neurons]) for array in (self.unit, self.origin, self.least)):
            return None
        one = int(neurons[0])
        moved = self.origin[one] / self.unit[one]
        if abs(moved - round(moved)) > WHOLE * max(1, abs(moved)) or np.isnan(self.least[one]):
            return None
        lo, hi = int(self.lo[neurons].min()), int(self.hi[neurons].max())
        return Operand(float(self.unit[one]), round(moved), lo, hi, int(self.least[one]))

    def head(self, head: Head) -> CircuitHead:
        """An output: what its neurons' words mean."""
        unit, origin = (_scalar(array[head.neuron]) for array in (self.unit, self.origin))
        if head.function != "none" and (unit.ndim or origin.ndim):
            raise QuantizeError(f"output {head.name}: the scores of its classes have different scales; {CALIBRATE}")
        return CircuitHead(head.name, head.neuron, unit, origin, head.function, head.axis)

    def _sums(self, layer: Layer) -> Units:
        return integer_weights(layer, self.unit[layer.source], self.origin[layer.source])

    def _chosen(self, layer: Layer) -> Units:
        """The units of maxima or selections: those of all words that may be chosen; the word 0 of a gate means 0."""
        at = layer.source[layer.starts[1:] - 1]
        unit, origin, passing = self.unit[at], self.origin[at], layer.passing
        same = (self.unit[layer.source] == unit[layer.target]) & (self.origin[layer.source] == origin[layer.target])
        what = "maximum" if layer.gather == "max" else "selection"
        if not same[passing].all():
            raise QuantizeError(f"layer {layer.name}: the inputs of its {what} have different scales; {CALIBRATE}")
        alone = np.diff(layer.starts) == 2 if layer.gather == "select" else np.zeros(len(layer), dtype=np.bool_)
        if self.origin[layer.source[~passing]].any() or origin[alone].any():
            raise QuantizeError(
                f"layer {layer.name}: words whose 0 is not the number 0 enter its selection; {CALIBRATE}"
            )
        return Units(np.ones(layer.wires, dtype=np.int64), unit, origin, np.abs(origin))

    def _unrounded(
        self, layer: Layer, sums: CircuitLayer, units: Units, classes: npt.NDArray[np.bool_]
    ) -> tuple[CircuitLayer, Reals, Reals]:
        """A layer without a quantizer: its words are the sums themselves; and what they mean."""
        unit, origin = units.unit.copy(), units.origin.copy()
        limits: tuple[int | None, int | None] = (None, None)
        for function in layer.activation:
            match function:
                case Affine(scale, offset) if limits == (None, None) and np.all(np.greater(scale, 0)):
                    unit, origin = unit * scale, origin * scale + offset
                case Clip(lo, hi) if limits == (None, None) and not origin.any():
                    ends = [np.broadcast_to(end, (len(layer),)) / unit for end in (lo, hi)]
                    if any(np.ptp(end[np.isfinite(end)]) > 0 for end in ends if np.isfinite(end).any()):
                        raise QuantizeError(f"layer {layer.name}: no quantizer follows its limits; {CALIBRATE}")
                    low, high = (float(end[0]) for end in ends)
                    if any(
                        np.isfinite(end) and abs(end - round(end)) > WHOLE * max(1, abs(end)) for end in (low, high)
                    ):
                        raise QuantizeError(f"layer {layer.name}: no quantizer follows its limits; {CALIBRATE}")
                    limits = tuple(round(end) if np.isfinite(end) else None for end in (low, high))  # type: ignore[assignment]
                case _:
                    raise QuantizeError(
                        f"layer {layer.name}: {type(function).__name__} without a quantizer; {CALIBRATE}"
                    )
        if classes.any() and (np.ptp(unit) or np.ptp(origin)):
            if limits != (None, None):
                raise QuantizeError(f"layer {layer.name}: its limited class scores have different scales; {CALIBRATE}")
            step = float(unit.min()) / (1 << CLASS_BITS)
            multiplier, added = (np.rint(array / step).astype(np.int64) for array in (unit, origin))
            scaled = Scale(multiplier, added, 0)
            return replace(sums, activation=scaled), np.full(len(layer), step), np.zeros(len(layer))
        return replace(sums, activation=Rescale(0, *limits)), unit, origin

    def _rounded(self, layer: Layer, sums: CircuitLayer, units: Units, levels: Levels) -> tuple[CircuitLayer, Levels]:
        """A layer with a quantizer: the cheapest activation that gives its words; and what they mean."""
        reach = range_of(sums, self.lo, self.hi)
        first_step = self._integer_step(layer, units)
        pipeline: Composition = (Affine(units.unit, units.origin), *layer.activation)
        key: Composition = (*pipeline, Affine(levels.unit, levels.origin))
        if first_step is not None:
            key = (*key, Affine(first_step))
        neurons, function = distinct(key, len(layer))
        found, unsure = [], 0
        for group, neuron in enumerate(neurons.tolist()):
            alike = function == group
            one = of_neurons(pipeline, np.array([neuron]))
            ratio = None if first_step is None else np.float32(first_step[neuron])
            word_of = _words_of(one, levels, neuron, ratio)
            least, most = int(reach.acc_lo[alike].min()), int(reach.acc_hi[alike].max())
            steps = step_function(word_of, least, most)
            assert steps is not None
            found.append(steps)
            if ratio is None and self.executor == "single":
                to_words = partial(_to_words, levels=levels, neuron=neuron)
                unsure += sums_at_ties(one, to_words, steps.at, max(abs(least), abs(most)))
        if unsure:
            self.told.append(
                f"quantize: layer {layer.name}: {unsure} sums lie within float32's rounding of a tie; the executor may "
                "round them to the other side"
            )
        ends = reach.acc_lo, reach.acc_hi
        activation: Activation | None = shift_of(found, function, *ends)
        if activation is None:
            first, levels = levels.limits, counted(levels)
            moved = 0 if first is None or levels.limits is None else first[0] - levels.limits[0]
            found = [StepFunction(steps.at, steps.value - moved) for steps in found]
        words = np.concatenate([steps.value for steps in found])
        output = word_form(*(levels.limits or (int(words.min()), int(words.max()))))
        if activation is None:
            activation = Steps(tuple(found), function)
            scaled = scale_of(found, function, *ends, output)
            if scaled is not None and scaled[1].all():
                activation = scaled[0]
            elif scaled is not None:
                self.scaled[layer.name] = scaled[1], scaled[0]
        return replace(sums, activation=activation, output=output), levels

    def _integer_step(self, layer: Layer, units: Units) -> Reals | None:
        """(n,) the float32 ratio by which an executor of integers multiplies the sums, where a quantizer follows.

        None where words or weights have more than 8 bits: executors compute such sums in float32.
        """
        if (
            layer.wires
            and max(np.ptp([self.lo[layer.source], self.hi[layer.source]]), np.ptp(units.weight)) > MOST_BYTE
        ):
            return None
        match layer.activation[0]:
            case Quantize(step, zero, _, _, "half_even") if (
                self.executor == "single"
                and layer.step is not None
                and layer.wires
                and not units.origin.any()
                and not np.any(zero)
            ):
                source = self.unit[layer.source[np.minimum(layer.starts[:-1], layer.wires - 1)]]
                product = source.astype(np.float32) * layer.step.astype(np.float32)
                return (product / np.asarray(step).astype(np.float32)).astype(np.float64)
            case _:
                return None


def _words_of(pipeline: Composition, levels: Levels, neuron: int, ratio: np.float32 | None) -> Callable[[Words], Words]:
    """The function from accumulators to words of a neuron."""

    def words(accumulator: Words) -> Words:
        if ratio is None:
            values = apply_all(pipeline, accumulator.astype(np.float64)[:, None])
        else:
            quantizer = pipeline[1]
            assert isinstance(quantizer, Quantize)
            product = np.rint(accumulator.astype(np.float32) * ratio).astype(np.float64)[:, None]
            values = apply_all(pipeline[2:], np.clip(product, quantizer.lo, quantizer.hi) * quantizer.step)
        return _to_words(values[:, 0], levels, neuron)

    return words


def _to_words(values: Reals, levels: Levels, neuron: int) -> Words:
    exact = (values - levels.origin[neuron]) / levels.unit[neuron]
    words = np.rint(exact)
    assert np.abs(exact - words).max(initial=0) < 1e-6
    found: Words = words.astype(np.int64)
    return found


def _sorted(layer: Layer) -> Layer:
    """The layer with ascending sources in every row."""
    order = np.lexsort((layer.source, layer.target))
    parameter = None if layer.parameter is None else layer.parameter[order]
    return replace(layer, source=layer.source[order], weight=layer.weight[order], parameter=parameter)


def _whole(units: Units) -> Words | None:
    """Origins in steps of the accumulators, where all are whole numbers of them."""
    steps = units.origin / units.unit
    words = np.rint(steps)
    near = np.abs(steps - words) <= WHOLE * np.maximum(1, units.parts / units.unit)
    return words.astype(np.int64) if near.all() and np.abs(words).max(initial=0) < 2.0**50 else None


def _scalar(array: Reals) -> Reals:
    """One number where all are equal."""
    flat = array.reshape(-1)
    return np.asarray(flat[0]) if (flat == flat[0]).all() else array
