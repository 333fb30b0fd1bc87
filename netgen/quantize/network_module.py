"""A network of any graph under given formats, in PyTorch: the circuit's words, bit for bit, with gradients.

Each forward pass rounds weights, biases and words as `round_layers` does. Gradients pass straight through the rounding;
those of functions are the float functions'. Every number is a multiple of a power of two, so a float is exact as long
as its mantissa has enough bits.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from netgen.errors import QuantizeError
from netgen.ir.circuit import Circuit
from netgen.ir.fixed import FixedPoint, Reals, Words, bits_of
from netgen.ir.functions import apply_all
from netgen.ir.network import Layer, Network
from netgen.ir.rows import channels_of
from netgen.nn.defaults import torch_defaults
from netgen.nn.functions import apply_composition
from netgen.nn.rounding import inside, rounded, straight_through
from netgen.nn.trainable import TrainableLayer, TrainableNetwork, read
from netgen.quantize.layer_formats import NetworkFormats
from netgen.quantize.layer_rounding import whole_limits
from netgen.quantize.module import DOUBLE_LIMIT, SINGLE_LIMIT
from netgen.quantize.step_functions import distinct, rounded_words
from netgen.quantize.weight_words import WeightFormats

__all__ = ["QuantizedNetwork", "entering_values", "words_of_module"]

BIAS_SHARE = 1 / 8
"""Share of the greatest sum that a bias may reach; or twice the greatest bias to begin with, if that is more."""


class QuantizedNetwork(TrainableNetwork):
    """A prepared network under given formats: float parameters that each forward pass rounds (Jacob et al. 2018).

    Wires that share a weight keep sharing it, and neurons of a channel the change of their bias. Weights that the
    formats keep exact, such as the 1 of a residual add, do not change. Parameters are in double precision, so that they
    round as those of `Network` do; values are computed in `dtype`, single precision where that is exact.

    Args:
        network: prepared; its weights and biases are those to begin with.
        formats: after a first rounding.
        scores: numbers of the neurons whose values `forward` gives; those of all outputs, head by head, when None.

    Raises: QuantizeError, when the formats allow accumulators beyond double precision.
    """

    @torch_defaults()
    def __init__(self, network: Network, formats: NetworkFormats, scores: Words | None = None) -> None:
        heads = np.concatenate([head.neuron.reshape(-1) for head in network.outputs])
        self._scores = heads if scores is None else scores
        super().__init__(network, torch.float64)
        self.formats = formats
        frac, most = formats.frac(network), _greatest(network, formats)
        self._weights: list[_Weights | None] = []
        self._words: list[_Words] = []
        for part, form, output, zeros in zip(self.parts, formats.weights, formats.words, formats.zeros, strict=True):
            part.bias.requires_grad_(False)  # a channel's shift is added to it
            part.weight.requires_grad_(form is not None)
            weights = None if form is None else _Weights(part, form, most[part.source])
            passing = part.source[part.like.passing]
            own = int(frac[passing[0]]) if form is None else form.accumulator
            reach = float(np.ldexp(most[passing].max(), own)) if weights is None else weights.most
            self._weights.append(weights)
            self._words.append(_Words(part.like, own, output, zeros, reach))
        self.shifts = nn.ParameterList(
            torch.zeros(0 if weights is None else weights.channels, dtype=torch.float64) for weights in self._weights
        )
        single = max(words.most for words in self._words) < SINGLE_LIMIT
        self.dtype = torch.float32 if single else torch.float64

    @property
    def scores(self) -> Words:
        """Numbers of the neurons whose values `forward` gives."""
        return self._scores

    @property
    def gates(self) -> Words:
        """None: gates decide as their words say, and are not trained further."""
        return np.zeros(0, dtype=np.int64)

    def forward(self, x: Tensor) -> Tensor:
        """Map values of the input words, (samples, features) in `dtype`, to those of the scores, (samples, scores)."""
        values = [self.across(x)]
        for part, weights, shift, words in zip(self.parts, self._weights, self.shifts, self._words, strict=True):
            weight = part.weight if weights is None else weights.weights(part.weight)
            bias = part.bias if weights is None else weights.biases(part.bias, shift)
            values.append(words(part.gathered_by(read(part, values), weight.to(x.dtype), bias.to(x.dtype))))
        return self.scores_of(values)

    def network(self) -> Network:
        """The float parameters; `round_layers` under the same formats gives the words of this module."""
        layers = [
            part.like
            if weights is None
            else replace(part.like, weight=weights.floats(part), bias=weights.biases(part.bias, shift).detach().numpy())
            for part, weights, shift in zip(self.parts, self._weights, self.shifts, strict=True)
        ]
        return Network(self.like.inputs, tuple(layers), self.like.outputs)


class _Weights:
    """The weights and biases of a layer of sums, rounded.

    Args:
        part: holds them.
        most: (m,) greatest magnitude of the word that each wire reads.

    Attributes:
        most: an upper limit on the magnitude of the sums, in their own steps.
    """

    def __init__(self, part: TrainableLayer, formats: WeightFormats, most: Reals) -> None:
        layer = part.like
        self.like, self.exact = layer, formats.exact
        self.form = FixedPoint(formats.width, 0, signed=True)
        pairs = np.stack([part.parameter, formats.frac, formats.exact], axis=1)
        chosen, wires = np.unique(pairs, axis=0, return_index=True, return_inverse=True)[1:]
        self._parameter, self._wires = torch.from_numpy(part.parameter[chosen]), torch.from_numpy(wires.reshape(-1))
        self._up = torch.from_numpy(np.ldexp(1.0, formats.frac[chosen]))
        self._kept, self._exact = torch.from_numpy(layer.weight[chosen]), torch.from_numpy(formats.exact[chosen])
        self._channel = torch.from_numpy(channels_of(len(layer), layer.target, layer.parameter))
        greatest = np.where(formats.exact, np.abs(layer.weight), np.ldexp(-float(self.form.lo), -formats.frac))
        terms = np.ldexp(greatest * most, formats.accumulator)
        sums = float(np.bincount(layer.target, terms, len(layer)).max())
        limit = max(sums * BIAS_SHARE, 2 * float(np.abs(np.ldexp(layer.bias, formats.accumulator)).max()), 1.0)
        self.most = sums + 2 * limit + 1
        if self.most >= DOUBLE_LIMIT:
            raise QuantizeError(
                f"layer {layer.name}: sums of up to {self.most:.3g} steps cannot be fine-tuned; narrow its formats"
            )
        self.bias = FixedPoint(bits_of(-int(limit), int(limit))[0], formats.accumulator, signed=True)

    @property
    def channels(self) -> int:
        """Number of biases that change independently."""
        return int(self._channel.max()) + 1

    def weights(self, parameters: Tensor) -> Tensor:
        """The rounded weight of each wire, (m,), of those of the parameters, (p,)."""
        own = parameters.index_select(0, self._parameter)
        values = rounded(own * self._up, self.form) / self._up
        return torch.where(self._exact, self._kept, values).index_select(0, self._wires)

    def floats(self, part: TrainableLayer) -> Reals:
        """The weight of each wire before rounding, (m,)."""
        found: Reals = np.where(self.exact, self.like.weight, part.wire_weight)
        return found

    def biases(self, given: Tensor, shift: Tensor) -> Tensor:
        """The rounded biases, (n,), of those to begin with and the shift of each channel."""
        return rounded(given + shift.index_select(0, self._channel), self.bias)


class _Words:
    """The words of a layer, rounded.

    Args:
        frac: fractional bits of the sums, maxima or selections.
        zeros: for each step function the bits in which its words are 0; none for limits.
        most: an upper limit on the magnitude of the sums, in their own steps.

    Attributes:
        most: the same of all numbers on the way to the words.
    """

    def __init__(self, layer: Layer, frac: int, output: FixedPoint | None, zeros: Sequence[int], most: float) -> None:
        self.activation, self.output, self.most = whole_limits(layer.activation, frac), output, most
        self.zeros = np.array(zeros, dtype=np.int64)[distinct(self.activation, len(layer))[1]] if zeros else None
        if output is not None and self.zeros is None:
            shift = frac - output.frac
            self.most = most * 2.0 ** max(-shift, 0) + 2.0 ** max(shift, 0)

    def __call__(self, sums: Tensor) -> Tensor:
        """The values of the words, (n, samples), of sums, maxima or selections."""
        smooth = apply_composition(self.activation, sums)
        if self.output is None:
            return smooth
        if self.zeros is None:
            return rounded(smooth, self.output)
        exact = apply_all(self.activation, sums.detach().double().t().contiguous().numpy())
        words = rounded_words(exact, self.output, self.zeros)
        values = torch.from_numpy(self.output.decode(words).T).to(sums.dtype)
        return straight_through(smooth, values, inside(smooth, self.output))


def _greatest(network: Network, formats: NetworkFormats) -> Reals:
    """The greatest magnitude of each neuron's word, (neurons,), as a number."""
    sizes = [*(port.size for port in network.inputs), *map(len, network.layers)]
    forms: Sequence[FixedPoint | None] = (*formats.inputs, *formats.words)
    most = [0.0 if form is None else max(form.hi, -form.lo) * form.step for form in forms]
    return np.repeat(most, sizes)


def entering_values(formats: NetworkFormats, network: Network, raw: Reals) -> Reals:
    """The values of the input words, (n, features), of raw samples."""
    sizes = [port.size for port in network.inputs]
    ports = np.split(raw, np.cumsum(sizes)[:-1], axis=1)
    return np.concatenate(
        [form.decode(form.encode(one)) for form, one in zip(formats.inputs, ports, strict=True)], axis=1
    )


@torch_defaults()
def words_of_module(module: QuantizedNetwork, circuit: Circuit, raw: Reals) -> Words:
    """Compute the words of all outputs of a circuit by PyTorch, as `evaluate` does, of raw samples (n, features).

    Args:
        module: gives the scores of all outputs.
    """
    features = torch.from_numpy(entering_values(module.formats, module.like, raw)).to(module.dtype)
    with torch.no_grad():
        values = module(features).double().numpy()
    scale = np.concatenate([np.broadcast_to(head.scale, head.neuron.shape).reshape(-1) for head in circuit.heads])
    exact: Words = (values / scale).astype(np.int64)
    assert (exact == values / scale).all()
    return exact
