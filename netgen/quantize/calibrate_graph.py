"""Quantize a float network of any graph without training: formats by calibration, weights and biases rounded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from netgen.errors import QuantizeError
from netgen.ir.circuit import Circuit, CircuitHead
from netgen.ir.fixed import FixedPoint, Reals
from netgen.ir.network import Network
from netgen.ir.simplify import simplify
from netgen.quantize.equalize import equalized
from netgen.quantize.layer_formats import USUAL, Widths, format_of_inputs, formats_of_network, widths_of
from netgen.quantize.layer_rounding import Rounded, round_layers
from netgen.quantize.prepare import prepare
from netgen.quantize.value_samples import LayerValues, values_of
from netgen.quantize.word_formats import FormatRule

__all__ = ["Calibration", "circuit_of", "layered_circuit", "quantize_network", "round_network"]

RANDOM_SAMPLES = 256
"""Random inputs that stand in for calibration samples."""
FEWEST_CORRECTED = 32
"""Samples of which the mean error is worth correcting."""
SampleArrays = npt.ArrayLike | tuple[npt.ArrayLike, ...]
Ranges = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Calibration:
    """How a float network is rounded: the arguments of `quantize_network`."""

    input_format: FixedPoint | Sequence[FixedPoint] | None = None
    input_width: int = USUAL
    weight_width: Widths = 8
    activation_width: Widths = 8
    method: FormatRule = "error"
    percentile: float = 99.99
    per_channel: bool = False
    bias_correction: bool = True
    equalize: bool = False
    ranges: Ranges = field(default_factory=dict)


def quantize_network(
    network: Network,
    inputs: SampleArrays | None = None,
    *,
    input_format: FixedPoint | Sequence[FixedPoint] | None = None,
    input_width: int = USUAL,
    weight_width: Widths = 8,
    activation_width: Widths = 8,
    method: FormatRule = "error",
    percentile: float = 99.99,
    per_channel: bool = False,
    bias_correction: bool = True,
    equalize: bool = False,
    ranges: Ranges | None = None,
    warnings: list[str] | None = None,
) -> Circuit:
    """Round a float network to an integer circuit, with steps that are powers of two.

    Raw input values are kept: word = round(value * 2**frac). Sums are exact; identity, ReLU and limits become shifts
    and limits, any other functions become step functions of the sum, rounded to the nearest word of the layer's
    format. The words of a function with more than 1,024 breaks, such as a leaky ReLU of 12 bits, are rounded to about
    10 bits. Outputs are sums without rounding, if no step function follows. Quantizers in the network become limits.

    Args:
        inputs: calibration samples, as `Network.evaluate` takes them; None for formats by `ranges`, or by random inputs
            within the input format.
        input_format: of all inputs, or of each port (of one width and sign); chosen by the samples when None: that of
            the integers for integers, exact where 16 bits are enough, else of `input_width` bits.
        input_width: bits of input words; another number than 8 is not exceeded.
        weight_width: bits, signed; of all layers, of each, or by name, where `others` names the rest (8 if left out).
        activation_width: bits of words; likewise.
        method: how the step of a layer's words is chosen: least squared error, `minmax` or `percentile`.
        percentile: share of values, in percent, that do not saturate, for the method `percentile`.
        per_channel: a step of weights for each channel, the neurons that share weights, instead of each layer.
        bias_correction: take the mean error of each channel's sums on the samples from its bias.
        equalize: scale channels by powers of two, which changes no value of the float network, so that those of a layer
            share a step with less error; weights then have a step for each channel.
        ranges: least and greatest values, by the name of a layer or an input; they replace those of the samples.
        warnings: a list to which a line is added for everything that a user should know.
    Raises: QuantizeError, for formats in which sums cannot be exact, and missing input formats.
    Source: empirical bias correction after Nagel et al. 2019.
    """
    given = Calibration(
        input_format,
        input_width,
        weight_width,
        activation_width,
        method,
        percentile,
        per_channel,
        bias_correction,
        equalize,
        ranges or {},
    )
    return circuit_of(round_network(network, inputs, given, warnings=warnings))


def round_network(
    network: Network, inputs: SampleArrays | None, given: Calibration, *, warnings: list[str] | None = None
) -> Rounded:
    """Round a float network layer by layer; arguments and errors are those of `quantize_network`."""
    told = warnings if warnings is not None else []
    weights, words = (
        widths_of(network, given.weight_width, "weight_width"),
        widths_of(network, given.activation_width, "activation_width"),
    )
    known = dict(given.ranges)
    names = {port.name for port in network.inputs} | {layer.name for layer in network.layers}
    for what in known:
        if what not in names:
            raise QuantizeError(f"ranges: no layer or input {what!r}")
    network = prepare(network)
    entering = _input_formats(network, inputs, given)
    flat = _random(network, entering) if inputs is None else network.flat(inputs)
    if not len(flat):
        raise QuantizeError("no calibration samples; give at least one, or None")
    values = values_of(network, flat)
    if given.equalize:
        if scaled := next((layer.name for layer in network.layers if layer.name in known), None):
            raise QuantizeError(
                f"ranges: equalize changes the values of layer {scaled!r}; give samples, or one of them"
            )
        network = equalized(network, values.square)
        values = values_of(network, flat)
    if inputs is None and any(layer.name not in known for layer in network.layers):
        told.append(f"quantize: formats by {RANDOM_SAMPLES} random inputs of the input format; give samples or ranges")
    found = [
        LayerValues.of_range(*known[layer.name]) if layer.name in known else seen
        for layer, seen in zip(network.layers, values.layers, strict=True)
    ]
    values = replace(values, layers=tuple(found))
    formats = formats_of_network(
        network,
        values,
        entering,
        words=words,
        weights=weights,
        rule=given.method,
        percentile=given.percentile,
        per_channel=given.per_channel or given.equalize,
    )
    corrected = given.bias_correction and inputs is not None and len(flat) >= FEWEST_CORRECTED
    return round_layers(network, formats, flat if corrected else None, warnings=told)


def _input_formats(network: Network, inputs: SampleArrays | None, by: Calibration) -> tuple[FixedPoint, ...]:
    """The format of each port, given or of a width."""
    given, ranges = by.input_format or by.input_width, by.ranges
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
    return (format_of_inputs(all_of, given, rule=by.method, percentile=by.percentile),) * len(network.inputs)


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


def circuit_of(rounded: Rounded) -> Circuit:
    """The simplified circuit of the layers."""
    return simplify(layered_circuit(rounded))


def layered_circuit(rounded: Rounded) -> Circuit:
    """The circuit of the layers, one for one; a port whose step differs from the first one's has a scale."""
    network, entering = rounded.network, rounded.inputs
    scale = np.concatenate(
        [
            np.full(port.size, 2.0 ** (form.frac - entering[0].frac))
            for port, form in zip(network.inputs, entering, strict=True)
        ]
    )
    heads = []
    for head in network.outputs:
        step = np.ldexp(1.0, -rounded.frac[head.neuron])
        step = step.reshape(-1)[0] if (step == step.reshape(-1)[0]).all() else step
        heads.append(CircuitHead(head.name, head.neuron, np.asarray(step), np.zeros(()), head.function, head.axis))
    return Circuit(entering[0], scale, rounded.layers, outputs=tuple(heads))
