"""The circuit in PyTorch: a forward pass with the circuit's words, bit for bit, and straight-through gradients.

Every number is an integer multiple of its format's power-of-two step, so a float is exact as long as its mantissa has
enough bits. The formats bound the number of bits, which decides between single and double precision.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netgen.errors import QuantizeError
from netgen.ir.dense import DenseLayer, DenseNetwork
from netgen.ir.digits import few_digits
from netgen.ir.fixed import FixedPoint, Words
from netgen.ir.thermometer import threshold_bits
from netgen.nn.defaults import torch_defaults
from netgen.nn.rounding import rounded
from netgen.nn.sparse import Wires, linear
from netgen.quantize.formats import Formats

SINGLE_LIMIT = 2.0**23
DOUBLE_LIMIT = 2.0**52
"""Bounds of accumulators, in steps: below them one bit of the mantissa is left for rounding to halves."""


class QuantizedMlp(nn.Module):
    """A quantized network: float parameters that each forward pass rounds (Jacob et al. 2018).

    Parameters are in double precision, as those of `Network`, so that both round to the same words. The rounded values
    are computed with in `dtype`: single precision where that is exact.

    Args:
        network: initial weights; its masks do not change.
        formats: formats of inputs, weights and hidden results.
        digits: greatest number of signed digits of each layer's weights, None for no limit; no limits when empty.

    Attributes:
        weights: of each layer, the weights of its wires, (m,), row by row.
        biases: of each layer, (n_out,).

    Raises: QuantizeError, when the formats allow accumulators beyond double precision.
    """

    @torch_defaults()
    def __init__(self, network: DenseNetwork, formats: Formats, digits: Sequence[int | None] = ()) -> None:
        super().__init__()
        self.formats = formats
        self.activations = tuple(layer.activation for layer in network.layers)
        self._whole = network
        self._read = [np.flatnonzero(layer.mask.any(axis=0)) for layer in network.layers]
        self._read.append(np.arange(network.sizes[-1]))
        masks = [torch.from_numpy(layer.mask[self._part(depth)]) for depth, layer in enumerate(network.layers)]
        self._wires = [Wires.of(mask) for mask in masks]
        self.weights = nn.ParameterList(
            torch.from_numpy(layer.weight[self._part(depth)])[masks[depth]]
            for depth, layer in enumerate(network.layers)
        )
        self.biases = nn.ParameterList(
            torch.from_numpy(layer.bias[self._read[depth + 1]]) for depth, layer in enumerate(network.layers)
        )
        most = tuple(digits) or (None,) * len(formats.weights)
        self._tables: list[Tensor | None] = [
            None if few is None else torch.from_numpy(few_digits(form, few))
            for form, few in zip(formats.weights, most, strict=True)
        ]
        self._limits = [
            np.full(layer.weight.shape, form.width if few is None else few)
            for layer, form, few in zip(network.layers, formats.weights, most, strict=True)
        ]
        self.dtype = torch.float32 if self._most_steps() < SINGLE_LIMIT else torch.float64

    def _part(self, depth: int) -> tuple[Any, ...]:
        """Index of a layer's weights between neurons that are read; other weights have no effect."""
        return np.ix_(self._read[depth + 1], self._read[depth])

    def _weight(self, depth: int) -> Tensor:
        """The rounded weights of a layer's wires, (m,)."""
        return rounded(self.weights[depth], self.formats.weights[depth], self._tables[depth])

    @property
    def limits(self) -> list[Words]:
        """Greatest number of signed digits of each weight, per layer (n_out, n_in); can be assigned."""
        return self._limits

    @limits.setter
    def limits(self, limits: Sequence[Words]) -> None:
        self._limits = list(limits)
        for depth, (form, limit) in enumerate(zip(self.formats.weights, limits, strict=True)):
            fewest = np.stack([few_digits(form, digits) for digits in range(form.width + 1)])
            wires = self._wires[depth]
            most = limit[self._part(depth)].ravel()[wires.flat.numpy()]
            self._tables[depth] = torch.from_numpy(fewest[np.minimum(most, form.width)])

    def words(self) -> list[Words]:
        """The rounded weights in steps of their formats, per layer (n_out, n_in)."""
        found = []
        for depth, form in enumerate(self.formats.weights):
            words = np.zeros(self._whole.layers[depth].weight.shape, dtype=np.int64)
            values = self._wires[depth].matrix(self._weight(depth).detach()).numpy()
            words[self._part(depth)] = np.ldexp(values, form.frac).astype(np.int64)
            found.append(words)
        return found

    def _most_steps(self) -> float:
        """A bound on every accumulator, in steps, for all weights of these formats and twice the initial biases."""
        bounds = []
        into = self.formats.entering
        for depth, form in enumerate(self.formats.weights):
            fan_in = float(np.diff(self._wires[depth].starts).max(initial=0))
            bias = float(np.abs(self._whole.layers[depth].bias).max()) * 2.0 ** (into.frac + form.frac)
            greatest = float(max(into.hi, -into.lo)) * float(max(form.hi, -form.lo))
            bounds.append(fan_in * greatest + 2 * bias + 1)
            if depth < len(self.formats.activations):
                out = self.formats.activations[depth]
                shift = into.frac + form.frac - out.frac
                bounds[-1] = bounds[-1] * 2.0 ** max(-shift, 0) + 2.0 ** max(shift, 0)
                into = out
        if max(bounds) >= DOUBLE_LIMIT:
            raise QuantizeError(f"accumulators of up to {max(bounds):.3g} steps; narrow weights or activations")
        return max(bounds)

    def forward(self, x: Tensor) -> Tensor:
        """Map values that the first layer reads, (n, n_in) in `dtype`, to scores, (n, n_out)."""
        frac = self.formats.entering.frac
        if len(self._read[0]) < x.shape[1]:
            x = x[:, torch.from_numpy(self._read[0]).to(x.device)]
        for depth, form in enumerate(self.formats.weights):
            bias_format = FixedPoint(62, frac + form.frac, signed=True)
            bias = rounded(self.biases[depth], bias_format).to(x.dtype)
            x = linear(x, self._weight(depth).to(x.dtype), bias, self._wires[depth])
            if self.activations[depth] == "relu":
                x = torch.relu(x)
            if depth < len(self.formats.activations):
                x = rounded(x, self.formats.activations[depth])
                frac = self.formats.activations[depth].frac
        return x

    def network(self) -> DenseNetwork:
        """The float parameters as a `Network`; `quantize` with the same formats gives the circuit of this module.

        Weights with a limited number of digits are already rounded, because formats do not hold that limit.
        """
        layers = []
        for depth, activation in enumerate(self.activations):
            whole = self._whole.layers[depth]
            weight, bias = whole.weight.copy(), whole.bias.copy()
            free = self._tables[depth] is None
            values = self.weights[depth] if free else self._weight(depth)
            weight[self._part(depth)] = self._wires[depth].matrix(values.detach()).cpu().numpy()
            bias[self._read[depth + 1]] = self.biases[depth].detach().cpu().numpy()
            layers.append(DenseLayer(weight, bias, whole.mask, activation))
        return DenseNetwork(tuple(layers))


@torch_defaults()
def predict_words(module: QuantizedMlp, words: Words) -> Words:
    """Compute the scores, (n, n_out) int64 in accumulator steps, of input words (n, features), by PyTorch."""
    formats = module.formats
    frac = (formats.activations or (formats.entering,))[-1].frac + formats.weights[-1].frac
    entering = threshold_bits(words, formats.thresholds) if formats.thresholds else words
    features = torch.from_numpy(formats.entering.decode(entering)).to(module.dtype)
    with torch.no_grad():
        scores = np.ldexp(module(features).double().numpy(), frac)
    exact: Words = scores.astype(np.int64)
    assert (exact == scores).all()
    return exact
