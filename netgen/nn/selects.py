"""Neurons that select by a gate, in PyTorch: the word where the gate is above 0, else the bypass."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from netgen.ir.fixed import Words
from netgen.ir.rows import selecting_wires

__all__ = ["Selects", "selects_of"]


@dataclass(frozen=True, eq=False)
class Selects:
    """What the neurons of a layer read, (n,) each, as columns of the values that the layer reads.

    Attributes:
        columns: (n, 3) the columns of bypass, gate and word once more, on the processor.
        passes: (n, 1) whether there is a bypass; without one, `bypass` is any column.
    """

    columns: Words
    bypass: Tensor
    gate: Tensor
    word: Tensor
    passes: Tensor

    def __call__(self, across: Tensor, *, through: bool = False) -> Tensor:
        """The selected values, (n, samples), of (columns, samples).

        Args:
            through: whether gates, which are 0 or 1, get a gradient: by how much the word exceeds the bypass.
        """
        word, gate = across[self.word], across[self.gate]
        bypass = torch.where(self.passes, across[self.bypass], 0.0)
        chosen = torch.where(gate > 0, word, bypass)
        return chosen + (word - bypass).detach() * (gate - gate.detach()) if through else chosen


def selects_of(starts: Words, columns: Words, device: torch.device) -> Selects:
    """The columns of bypass, gate and word of each neuron.

    Args:
        starts: (n + 1,) first wire of each neuron.
        columns: (m,) the column that each wire reads.
    """
    bypass, gate, word = selecting_wires(starts)
    found = np.stack([columns[wire] for wire in (bypass, gate, word)], axis=1)
    tensors = torch.from_numpy(found).to(device)
    return Selects(
        found, tensors[:, 0], tensors[:, 1], tensors[:, 2], torch.from_numpy(bypass >= 0)[:, None].to(device)
    )
