"""Neurons that select by a gate, in PyTorch: the word where the gate is above 0, else the bypass."""

from dataclasses import dataclass

import torch
from torch import Tensor

from netgen.ir.fixed import Words
from netgen.ir.rows import selecting_wires

__all__ = ["Selects", "selects_of"]


@dataclass(frozen=True, eq=False)
class Selects:
    """What the neurons of a layer read, (n,) each, as columns of the values that the layer reads.

    Attributes:
        passes: (n, 1) whether there is a bypass; without one, `bypass` is any column.
    """

    bypass: Tensor
    gate: Tensor
    word: Tensor
    passes: Tensor

    def __call__(self, across: Tensor) -> Tensor:
        """The selected values, (n, samples), of (columns, samples); a gate gets no gradient."""
        bypass = torch.where(self.passes, across[self.bypass], 0.0)
        return torch.where(across[self.gate] > 0, across[self.word], bypass)


def selects_of(starts: Words, columns: Words, device: torch.device) -> Selects:
    """The columns of bypass, gate and word of each neuron.

    Args:
        starts: (n + 1,) first wire of each neuron.
        columns: (m,) the column that each wire reads.
    """
    bypass, gate, word = selecting_wires(starts)
    found = [torch.from_numpy(columns[wire]).to(device) for wire in (bypass, gate, word)]
    return Selects(found[0], found[1], found[2], torch.from_numpy(bypass >= 0)[:, None].to(device))
