"""Optimal Brain Surgeon: saliency of a weight after the neuron's other weights are adjusted optimally.

The Hessian is taken block by block, one block for each neuron.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from netgen.ir.arrays import Bools
from netgen.train.derivatives import sum_curvature_of
from netgen.train.mlp import MaskedLinear, Mlp

DAMPING = 1e-3
"""Share of the mean of a block's diagonal that is added to the diagonal, so that every block has an inverse."""
LEAST = 1e-12
"""Added to the diagonal as well, for neurons whose inputs are zero in every sample."""


@dataclass(frozen=True, eq=False)
class Block:
    """Second derivatives of the loss by the weights and the bias of one neuron.

    Attributes:
        columns: (k,), the neurons of the layer before that it reads.
        hessian: (k + 1, k + 1) float64; the bias is last.
    """

    columns: Tensor
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


@dataclass(frozen=True, eq=False)
class BrainSurgeon:
    """One block for each neuron of each layer, in evaluation mode.

    Source: Hassibi and Stork 1993 (Optimal Brain Surgeon); one block of the Hessian for each neuron as Dong, Chen and
    Pan 2017 (layer-wise), here of the loss itself.
    """

    blocks: list[list[Block]]

    @classmethod
    def of(cls, mlp: Mlp, features: Tensor) -> "BrainSurgeon":
        """Compute the blocks of a network on samples, (n, n_in)."""
        return cls(
            [
                list(_blocks(layer, entered, curvature))
                for layer, entered, curvature in zip(mlp.masked, *sum_curvature_of(mlp, features), strict=True)
            ]
        )

    def curvature(self, mlp: Mlp) -> list[Tensor]:
        """Adjusted curvature of every weight, per layer (n_out, n_in); 0 where there is no wire."""
        found = [torch.zeros_like(layer.weight) for layer in mlp.masked]
        for part, blocks in zip(found, self.blocks, strict=True):
            for row, block in zip(part, blocks, strict=True):
                row[block.columns] = block.curvature.to(row.dtype)
        return found

    def compensate(self, mlp: Mlp, masks: Sequence[Bools]) -> None:
        """Adjust, in place, the weights that new masks keep, and the biases, so that the loss rises least.

        Args:
            masks: per layer (n_out, n_in), subsets of the masks that the blocks were computed with.
        """
        with torch.no_grad():
            for layer, mask, blocks in zip(mlp.masked, masks, self.blocks, strict=True):
                for i, block in enumerate(blocks):
                    kept = torch.from_numpy(mask[i]).to(block.columns.device)[block.columns]
                    if not bool(kept.all()):
                        change = block.adjustment(layer.weight[i, block.columns], kept).to(layer.weight.dtype)
                        layer.weight[i, block.columns[kept]] += change[:-1]
                        layer.bias[i] += change[-1]


def _blocks(layer: MaskedLinear, entered: Tensor, curvature: Tensor) -> Iterator[Block]:
    """The blocks of a layer.

    Args:
        entered: inputs of the layer, (n, n_in).
        curvature: second derivatives of each sample's loss by the layer's sums, (n, n_out).
    """
    across = torch.cat([entered, entered.new_ones(len(entered), 1)], dim=1).t().contiguous()
    for row, by_sum in zip(layer.mask, curvature.t(), strict=True):
        columns = torch.nonzero(row)[:, 0]
        own = across[torch.cat([columns, columns.new_tensor([len(across) - 1])])]
        hessian = ((own * by_sum) @ own.t() / len(entered)).double()
        hessian.diagonal().add_(DAMPING * hessian.diagonal().mean() + LEAST)
        yield Block(columns, hessian)
