"""What gates cost and gain while a network is trained: which wires they switch off, and the loss by which they learn.

A wire need not be computed for a sample when every path from it to an output passes the word side of a selection whose
gate is off. Hardware holds such blocks. So the length of a wire counts for the share of the samples that compute it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from netgen.ir import gates as ir_gates
from netgen.ir.arrays import Bools
from netgen.ir.fixed import Reals, Words
from netgen.ir.gates import Reading
from netgen.nn.gates import likely
from netgen.nn.trainable import TrainableLayer, TrainableNetwork

__all__ = ["Decisions", "gate_pull", "gates_needed", "hold_share", "ranking_pull", "weigh_blocks"]

HOLDING = 0.1
"""By how many standard deviations a step shifts the sums of a gate that is on for no sample of the batch, not all."""


def gates_needed(network: TrainableNetwork) -> list[Bools]:
    """Find the gates that must be on for a wire to be needed: for each layer (gates, wires)."""
    outputs = np.concatenate([head.neuron.reshape(-1) for head in network.like.outputs])
    return ir_gates.gates_needed(
        [_reading(part) for part in network.parts], outputs, network.gates, network.like.neurons
    )


def _reading(layer: TrainableLayer) -> Reading:
    rows = np.searchsorted(layer.rows, layer.target)
    starts = np.searchsorted(rows, np.arange(len(layer.rows) + 1)) if layer.like.gather == "select" else None
    return Reading(layer.source, layer.first + layer.target, starts)


@dataclass(frozen=True, eq=False)
class Decisions:
    """What the gates of a network decided for some samples.

    Attributes:
        gates: (gates,) numbers; on: (gates, samples).
    """

    gates: Words
    on: Bools

    @classmethod
    def of(cls, network: TrainableNetwork, features: Tensor) -> "Decisions":
        """Evaluate the gates on samples, (n, features)."""
        network.eval()
        with torch.no_grad():
            return cls(network.gates, (network.gated(features)[1] > 0).cpu().numpy())

    def shares(self, network: TrainableNetwork) -> list[Reals]:
        """The share of the samples that compute each wire, 0 to 1; for each layer, (m,)."""
        if not len(network.gates):
            return [np.ones(len(layer.source)) for layer in network.parts]
        on = self.on[np.searchsorted(self.gates, network.gates)]
        found = []
        for needed in gates_needed(network):
            blocks, index = np.unique(needed, axis=1, return_inverse=True)
            share = np.array([on[block].all(axis=0).mean() for block in blocks.T])
            found.append(share[index.reshape(-1)])
        return found


def weigh_blocks(network: TrainableNetwork, lengths: Sequence[Reals]) -> None:
    """Note, as `network.blocks`, the share of the wire length that needs each set of gates.

    Args:
        lengths: of each wire; for each layer, (m,).
    """
    network.blocks = {}
    if not len(network.gates):
        return
    whole, length = np.concatenate(gates_needed(network), axis=1), np.concatenate(lengths)
    blocks, index = np.unique(whole, axis=1, return_inverse=True)
    shares = np.bincount(index.reshape(-1), length, blocks.shape[1]) / max(length.sum(), 1.0)
    pairs = zip(blocks.T, shares, strict=True)
    network.blocks = {tuple(network.gates[block].tolist()): float(share) for block, share in pairs if block.any()}


def gate_pull(network: TrainableNetwork, sums: Tensor, gains: Tensor, strength: float) -> Tensor:
    """What the decisions of the gates add to a loss: a scalar, whose gradient goes to the sums of the gates only.

    Its value is the energy: `strength` times the share of the wire length that is computed, in the mean over the
    samples, as far as gates decide about it. Its gradient is that of the expected loss and energy, as if each gate were
    on with the probability `likely` while the others decide as they do: the loss with the gate on less that with it
    off, times the slope of the sigmoid. A gate within a block that is off gets no gradient.

    Source: straight-through gates of Bengio et al. 2013; differences instead of derivatives of the loss are our own,
    since a sample that a block classifies well has no gradient that would keep the block on.

    Args:
        sums: (gates, samples).
        gains: (gates, samples), by how much the loss of a sample is greater with the gate on than with it off.
    """
    smooth = likely(sums)
    pull = smooth - smooth.detach()
    on, place = (sums > 0).to(sums) + pull, {number: k for k, number in enumerate(network.gates.tolist())}
    total = (pull * gains.detach()).sum(dim=0).mean()
    for block, share in network.blocks.items():
        rows = [place[number] for number in block if number in place]
        if rows:
            total = total + strength * share * on[rows].prod(dim=0).mean()
    return total


def ranking_pull(sums: Tensor, gains: Tensor) -> Tensor:
    """What the decisions of gates with a share to hold add to a loss: 0, with a gradient to the sums of the gates.

    It is that of `gate_pull` with, for each gate and batch, the strength at which the gradient by a shift of all sums
    is 0: the gradient says which samples need the block most, and `hold_share` how many have it. Our own.

    Args:
        sums, gains: (gates, samples), as for `gate_pull`.
    """
    smooth = likely(sums)
    slope = (smooth * (1 - smooth)).detach()
    price = (slope * gains).sum(dim=1, keepdim=True) / slope.sum(dim=1, keepdim=True).clamp(min=1e-12)
    return ((smooth - smooth.detach()) * (gains - price).detach()).sum(dim=0).mean()


@torch.no_grad()
def hold_share(module: nn.Module, sums: Tensor, share: float) -> None:
    """Shift the sums of all gates towards a share of samples for which each is on; for one step of training.

    Args:
        sums: (gates, samples) of a batch.
    """
    assert isinstance(module, TrainableNetwork)
    missing = share - (sums > 0).to(sums).mean(dim=1)
    shifts, done = HOLDING * missing * sums.std(dim=1, correction=0), 0
    for layer in module.parts:
        if layer.is_gate:
            bias = layer.bias if layer.norm is None else layer.norm.bias
            bias.add_(shifts[done : done + len(layer.rows)])
            done += len(layer.rows)
