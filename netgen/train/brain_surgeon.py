"""Optimal Brain Surgeon: saliency of a weight after the neuron's other weights are adjusted optimally.

The Hessian is taken block by block: one for each neuron, or for each channel of tied weights. Blocks are on the CPU.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from netgen.ir.arrays import Bools
from netgen.ir.fixed import Reals, Words
from netgen.ir.rows import channels_of
from netgen.nn.trainable import TrainableLayer, TrainableNetwork
from netgen.train.derivatives import LayerGradients, chunks_of

__all__ = ["Block", "BrainSurgeon"]

DAMPING = 1e-3
"""Share of the mean of a block's diagonal that is added to the diagonal, so that every block has an inverse."""
LEAST = 1e-12
"""Added to the diagonal as well, for neurons whose inputs are zero in every sample."""


@dataclass(frozen=True, eq=False)
class Block:
    """Second derivatives of the loss by the weights and the bias of one neuron, or of one channel.

    Attributes:
        hessian: (k + 1, k + 1) float64; the bias is last.
    """

    hessian: Tensor

    @property
    def curvature(self) -> Tensor:
        """Second derivative by each weight, (k,), when the other weights and the bias are adjusted optimally."""
        inverse: Tensor = torch.linalg.inv(self.hessian)
        return 1 / inverse.diagonal()[:-1]

    def adjustment(self, weight: Tensor, kept: Tensor) -> Tensor:
        """Change of the kept weights, and last of the bias, that raises the loss least when the others become zero.

        Args:
            weight: (k,).
            kept: (k,) bool.
        """
        stays = torch.cat([kept, kept.new_ones(1)])
        lost = self.hessian[stays][:, ~stays] @ weight[~kept].double()
        added: Tensor = torch.linalg.solve(self.hessian[stays][:, stays], lost)
        return added


@dataclass(eq=False)
class _Channel:
    """Neurons that share parameters, and the block that belongs to them.

    Attributes:
        parameters: (k,) ascending indices of their weights.
        neurons: (n,) places in the layer.
        wires: (m,) of the layer, ascending; place: (m,) their parameters by their index in `parameters`.
        hessian: (k + 1, k + 1), summed over the samples; last, a shift of all their biases together.
    """

    parameters: Words
    neurons: Words
    wires: Words
    place: Words
    hessian: Tensor = field(default_factory=lambda: torch.zeros(0))


@dataclass(frozen=True, eq=False)
class BrainSurgeon:
    """The blocks of every layer with weights, in evaluation mode.

    Source: Hassibi and Stork 1993 (Optimal Brain Surgeon); one block of the Hessian for each neuron as Dong, Chen and
    Pan 2017 (layer-wise), here of the loss itself; one for each channel of tied weights is our own.
    """

    channels: list[list[_Channel]]

    @classmethod
    def of(cls, network: TrainableNetwork, features: Tensor) -> "BrainSurgeon":
        """Compute the blocks on samples, (n, features)."""
        channels = [_channels_of(layer) for layer in network.sums]
        for chunk in chunks_of(network, features):
            for own, part in zip(channels, chunk, strict=True):
                _add(own, part)
        for own in channels:
            for channel in own:
                hessian = channel.hessian / len(features)
                hessian.diagonal().add_(DAMPING * hessian.diagonal().mean() + LEAST)
                channel.hessian = hessian
        return cls(channels)

    def curvature(self, network: TrainableNetwork) -> list[Reals]:
        """Second derivative by each parameter when the other ones of its block are adjusted optimally."""
        found = [np.zeros(len(layer.weight)) for layer in network.sums]
        for part, own in zip(found, self.channels, strict=True):
            for channel in own:
                part[channel.parameters] = Block(channel.hessian).curvature.numpy()
        return found

    def compensate(self, network: TrainableNetwork, kept: Sequence[Bools]) -> None:
        """Adjust, in place, the parameters that stay, and biases, so that the loss rises least when the others go.

        Args:
            kept: of each layer with weights, (p,) bool.
        """
        for layer, mask, own in zip(network.sums, kept, self.channels, strict=True):
            for channel in own:
                stays = torch.from_numpy(mask[channel.parameters])
                if bool(stays.all()):
                    continue
                places = torch.from_numpy(channel.parameters)
                weight = layer.weight.detach().cpu()[places]
                change = Block(channel.hessian).adjustment(weight, stays).to(layer.weight)
                layer.weight.data[places[stays].to(change.device)] += change[:-1]
                layer.bias.data[torch.from_numpy(channel.neurons).to(change.device)] += change[-1]


def _channels_of(layer: TrainableLayer) -> list[_Channel]:
    """The groups of neurons that share parameters; each neuron on its own where weights are not tied."""
    row = np.searchsorted(layer.rows, layer.target)
    group = channels_of(len(layer.rows), row, layer.parameter if layer.tied else None)
    parameter_group = np.zeros(len(layer.weight), dtype=np.int64)
    parameter_group[layer.parameter] = group[row]
    wires_by, parameters_by = np.argsort(group[row], kind="stable"), np.argsort(parameter_group, kind="stable")
    neurons_by = np.argsort(group, kind="stable")
    channels = []
    for number in np.unique(group):
        wires = _those(wires_by, group[row], number)
        parameters = np.sort(_those(parameters_by, parameter_group, number))
        if len(wires):
            wires = np.sort(wires)
            place = np.searchsorted(parameters, layer.parameter[wires])
            channels.append(_Channel(parameters, np.sort(_those(neurons_by, group, number)), wires, place))
    return channels


def _those(order: Words, values: Words, number: int) -> Words:
    """The indices with one value, of an order that sorts the values."""
    first, last = np.searchsorted(values[order], [number, number + 1])
    return order[first:last]


def _add(channels: list[_Channel], part: LayerGradients) -> None:
    """Add the samples of a chunk to the blocks."""
    wires = part.layer.plan.wires
    assert wires is not None
    row = np.repeat(np.arange(len(part.layer.rows)), np.diff(wires.starts))
    entered, by_sums = part.entered.cpu(), part.by_sums.cpu()
    square = (by_sums**2).sum(dim=0)
    for channel in channels:
        k = len(channel.parameters)
        columns = torch.from_numpy(wires.columns[channel.wires])
        if len(channel.neurons) == 1:
            own = torch.cat([entered[columns], entered.new_ones(1, entered.shape[1])])
            added = (own * square[channel.neurons[0]]) @ own.t()
        else:
            by = by_sums[:, torch.from_numpy(row[channel.wires])]
            terms = entered[columns] * by
            sums = terms.new_zeros(len(by), k + 1, terms.shape[2])
            sums.index_add_(1, torch.from_numpy(channel.place), terms)
            sums[:, k] = by_sums[:, torch.from_numpy(channel.neurons)].sum(dim=1)
            added = torch.einsum("cks,cls->kl", sums, sums)
        channel.hessian = added.double() + (channel.hessian if channel.hessian.numel() else 0)
