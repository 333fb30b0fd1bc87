"""Quantize a float network of any graph without training: formats by calibration, weights and biases rounded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from netgen.errors import QuantizeError
from netgen.ir.activation import Activation, Rescale, activated
from netgen.ir.circuit import Circuit, CircuitHead, CircuitLayer, LayerRange, range_of, saturated
from netgen.ir.fixed import FixedPoint, Reals, Words
from netgen.ir.functions import Clip, apply_all
from netgen.ir.network import Layer, Network
from netgen.ir.simplify import simplify
from netgen.quantize.integer import BIAS_LIMIT
from netgen.quantize.layer_formats import USUAL, NetworkFormats, Widths, format_of_inputs, formats_of_network, widths_of
from netgen.quantize.prepare import prepare
from netgen.quantize.step_functions import MOST_STEPS, pipeline_steps
from netgen.quantize.value_samples import LayerValues, NetworkValues, values_of
from netgen.quantize.weight_words import channels_of, weight_words
from netgen.quantize.word_formats import FormatRule

__all__ = ["quantize_network"]

RANDOM_SAMPLES = 256
"""Random inputs that stand in for calibration samples."""
CORRECTED_VALUES = 12_000_000
"""Words of all neurons of the samples by which biases are corrected: 100 MB."""
CORRECTED_SAMPLES = 256
FEWEST_CORRECTED = 32
"""Samples of which the mean error is worth correcting."""
BIAS_BITS = 16
"""Fractional bits, beyond its first, of a bias that stands alone."""
MOST_SHIFT = 61
"""A shift by which every accumulator becomes 0."""

Samples = npt.ArrayLike | tuple[npt.ArrayLike, ...]
Ranges = Mapping[str, tuple[float, float]]


def quantize_network(
    network: Network,
    inputs: Samples | None = None,
    *,
    input_format: FixedPoint | Sequence[FixedPoint] | None = None,
    input_width: int = USUAL,
    weight_width: Widths = 8,
    activation_width: Widths = 8,
    method: FormatRule = "error",
    percentile: float = 99.99,
    per_channel: bool = False,
    bias_correction: bool = True,
    ranges: Ranges | None = None,
    warnings: list[str] | None = None,
) -> Circuit:
    """Round a float network to an integer circuit, with steps that are powers of two.

    Raw input values are kept: word = round(value * 2**frac). Sums are exact; identity, ReLU and limits become shifts
    and limits, any other functions become step functions of the sum, rounded to the nearest word of the layer's
    format. A function with more than 1,024 breaks, such as a leaky ReLU of 12 bits, reads the sum rounded to about 10
    bits. Outputs are sums without rounding, if no step function follows. Quantizers in the network become limits.

    Args:
        inputs: calibration samples, as `Network.evaluate` takes them; None for formats by `ranges`, or by random inputs
            within the input format.
        input_format: of all inputs, or of each port (of one width and sign); chosen by the samples when None: that of
            the integers for integers, exact where 16 bits are enough, else of `input_width` bits.
        input_width: bits of input words; another number than 8 is not exceeded.
        weight_width: bits, signed; of all layers, of each, or by name.
        activation_width: bits of words; likewise.
        method: how the step of a layer's words is chosen: least squared error, `minmax` or `percentile`.
        percentile: share of values, in percent, that do not saturate, for the method `percentile`.
        per_channel: a step of weights for each channel, the neurons that share weights, instead of each layer.
        bias_correction: take the mean error of each channel's sums on the samples from its bias.
        ranges: least and greatest values, by the name of a layer or an input; they replace those of the samples.
        warnings: a list to which a line is added for everything that a user should know.
    Raises: QuantizeError, for formats in which sums cannot be exact, and missing input formats.
    Source: empirical bias correction after Nagel et al. 2019.
    """
    told = warnings if warnings is not None else []
    weights, words = (
        widths_of(network, weight_width, "weight_width"),
        widths_of(network, activation_width, "activation_width"),
    )
    names = {port.name for port in network.inputs} | {layer.name for layer in network.layers}
    for what in ranges or {}:
        if what not in names:
            raise QuantizeError(f"ranges: no layer or input {what!r}")
    network = prepare(network)
    entering = _input_formats(network, inputs, input_format or input_width, method, percentile, ranges or {})
    flat = _random(network, entering) if inputs is None else network.flat(inputs)
    if not len(flat):
        raise QuantizeError("no calibration samples; give at least one, or None")
    values = values_of(network, flat)
    known = dict(ranges or {})
    if inputs is None and any(layer.name not in known for layer in network.layers):
        told.append(f"quantize: formats by {RANDOM_SAMPLES} random inputs of the input format; give samples or ranges")
    found = [
        LayerValues.of_range(*known[layer.name]) if layer.name in known else seen
        for layer, seen in zip(network.layers, values.layers, strict=True)
    ]
    values = replace(values, layers=tuple(found))
    formats = formats_of_network(network, values, entering, words, method, percentile)
    corrected = bias_correction and inputs is not None and len(flat) >= FEWEST_CORRECTED
    work = _Rounding(network, formats, values, flat if corrected else flat[:0])
    layers = [
        work.layer(index, weights.get(layer.name, max(weights.values())), per_channel, told)
        for index, layer in enumerate(network.layers)
    ]
    return simplify(_circuit(network, entering, layers, work.frac))


def _input_formats(
    network: Network,
    inputs: Samples | None,
    given: FixedPoint | Sequence[FixedPoint] | int,
    rule: FormatRule,
    percentile: float,
    ranges: Ranges,
) -> tuple[FixedPoint, ...]:
    """The format of each port, given or of a width."""
    if isinstance(given, FixedPoint):
        return (given,) * len(network.inputs)
    if not isinstance(given, int):
        if len(given) != len(network.inputs) or len({(one.width, one.signed) for one in given}) > 1:
            raise QuantizeError(
                f"{len(given)} input formats for {len(network.inputs)} inputs; give one for each, of one width and sign"
            )
        return tuple(given)
    if inputs is None and any(port.name not in ranges for port in network.inputs):
        raise QuantizeError("no samples and no input_format; give one of them, or the ranges of the inputs")
    whole: list[LayerValues] = [LayerValues.of_range(*ranges[p.name]) for p in network.inputs if p.name in ranges]
    if inputs is not None:
        arrays = [np.asarray(one) for one in (inputs if isinstance(inputs, tuple) else (inputs,))]
        kinds = {array.dtype for array in arrays}
        if len(kinds) == 1 and (form := _of_type(kinds.pop())) is not None and (given == USUAL or form.width <= given):
            return (form,) * len(network.inputs)
        flat = network.flat(inputs)
        if not np.isfinite(flat).all():
            raise QuantizeError("an input value that is not finite; clean the data")
        whole.append(LayerValues(flat.reshape(-1), float(flat.min(initial=0)), float(flat.max(initial=0))))
    all_of = LayerValues(
        np.concatenate([one.kept for one in whole]), min(one.lo for one in whole), max(one.hi for one in whole)
    )
    return (format_of_inputs(all_of, given, rule=rule, percentile=percentile),) * len(network.inputs)


def _of_type(kind: np.dtype[np.generic]) -> FixedPoint | None:
    """The format of small integer types: all their numbers."""
    if kind == np.bool_:
        return FixedPoint(1, 0, signed=False)
    if kind.kind in "iu" and kind.itemsize == 1:
        return FixedPoint(8, 0, signed=kind.kind == "i")
    return None


def _random(network: Network, formats: Sequence[FixedPoint]) -> Reals:
    """Random inputs, uniform within the format of each port."""
    rng = np.random.default_rng(0)
    parts = [
        form.decode(rng.integers(form.lo, form.hi + 1, (RANDOM_SAMPLES, port.size)))
        for form, port in zip(formats, network.inputs, strict=True)
    ]
    return np.concatenate(parts, axis=1)


@dataclass
class _Rounding:
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
        channel = channels_of(layer) if per_channel or len(self.samples) else None
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
    steps, shifts = pipeline_steps(layer.activation, frac, reach.acc_lo, reach.acc_hi, output)
    if any(shifts):
        told.append(
            f"quantize: layer {layer.name}: its function of {output.width} bits has more than {MOST_STEPS:,} steps; "
            "the sums are rounded to about 10 bits first; use words of 10 bits or fewer"
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


def _circuit(network: Network, entering: Sequence[FixedPoint], layers: Sequence[CircuitLayer], frac: Words) -> Circuit:
    """The circuit of the layers; a port whose step differs from the first one's has a scale."""
    scale = np.concatenate(
        [
            np.full(port.size, 2.0 ** (form.frac - entering[0].frac))
            for port, form in zip(network.inputs, entering, strict=True)
        ]
    )
    heads = []
    for head in network.outputs:
        step = np.ldexp(1.0, -frac[head.neuron])
        step = step.reshape(-1)[0] if (step == step.reshape(-1)[0]).all() else step
        heads.append(CircuitHead(head.name, head.neuron, np.asarray(step), np.zeros(()), head.function, head.axis))
    return Circuit(entering[0], scale, tuple(layers), outputs=tuple(heads))
