"""Optimal Brain Surgeon, neuron by neuron: what a weight tells once the others of its neuron have made up for it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from netgen.ir.network import Bools
from netgen.train.mlp import MaskedLinear, Mlp
from netgen.train.saliency import bends_of

DAMPING = 1e-3
"""Share of its mean that is added to the diagonal of a block, so that every block has an inverse."""
LEAST = 1e-12
"""Added too, for neurons that no sample reaches."""


@dataclass(frozen=True, eq=False)
class Block:
    """The second derivatives of the loss by all that one neuron adds up.

    Attributes:
        columns: (k,), where its wires come from.
        hessian: (k + 1, k + 1) float64; the bias is last.
    """

    columns: Tensor
    hessian: Tensor

    @property
    def curvature(self) -> Tensor:
        """By each weight, (k,), as the other weights and the bias follow it to where the loss is least."""
        inverse: Tensor = torch.linalg.inv(self.hessian)
        return 1 / inverse.diagonal()[:-1]

    def change(self, weight: Tensor, kept: Tensor) -> Tensor:
        """What is added to the kept weights, and last to the bias, as all others go to zero.

        Args:
            weight: (k,).
            kept: (k,) bool.
        """
        stays = torch.cat([kept, kept.new_ones(1)])
        lost = self.hessian[stays][:, ~stays] @ weight[~kept].double()
        added: Tensor = torch.linalg.solve(self.hessian[stays][:, stays], lost)
        return added


@dataclass(frozen=True, eq=False)
class Surgeon:
    """One block for each neuron of each layer, in evaluation mode.

    To second order and around a minimum, a network loses least by `curvature` and by what `compensate` does.

    Source: Hassibi and Stork 1993 (Optimal Brain Surgeon); one block of the Hessian for each neuron as Dong, Chen and
    Pan 2017 (layer-wise), here of the loss itself.
    """

    blocks: list[list[Block]]

    @classmethod
    def of(cls, mlp: Mlp, features: Tensor) -> "Surgeon":
        """Look at some samples, (n, n_in)."""
        return cls(
            [
                list(_blocks(layer, entered, bends))
                for layer, entered, bends in zip(mlp.masked, *bends_of(mlp, features), strict=True)
            ]
        )

    def curvature(self, mlp: Mlp) -> list[Tensor]:
        """Of every weight, per layer (n_out, n_in); 0 where there is no wire."""
        found = [torch.zeros_like(layer.weight) for layer in mlp.masked]
        for part, blocks in zip(found, self.blocks, strict=True):
            for row, block in zip(part, blocks, strict=True):
                row[block.columns] = block.curvature.to(row.dtype)
        return found

    def compensate(self, mlp: Mlp, masks: Sequence[Bools]) -> None:
        """Change, in place, the weights that new masks keep, and the biases, so that the loss rises least.

        Args:
            masks: per layer (n_out, n_in), within those of the network that was looked at.
        """
        with torch.no_grad():
            for layer, mask, blocks in zip(mlp.masked, masks, self.blocks, strict=True):
                for i, block in enumerate(blocks):
                    kept = torch.from_numpy(mask[i]).to(block.columns.device)[block.columns]
                    if not bool(kept.all()):
                        change = block.change(layer.weight[i, block.columns], kept).to(layer.weight.dtype)
                        layer.weight[i, block.columns[kept]] += change[:-1]
                        layer.bias[i] += change[-1]


def _blocks(layer: MaskedLinear, entered: Tensor, bends: Tensor) -> Iterator[Block]:
    """The blocks of a layer, from what enters it, (n, n_in), and the second derivatives by its sums, (n, n_out)."""
    across = torch.cat([entered, entered.new_ones(len(entered), 1)], dim=1).t().contiguous()
    for row, bend in zip(layer.mask, bends.t(), strict=True):
        columns = torch.nonzero(row)[:, 0]
        own = across[torch.cat([columns, columns.new_tensor([len(across) - 1])])]
        hessian = ((own * bend) @ own.t() / len(entered)).double()
        hessian.diagonal().add_(DAMPING * hessian.diagonal().mean() + LEAST)
        yield Block(columns, hessian)
