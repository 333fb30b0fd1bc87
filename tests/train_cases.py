"""What the tests of training share: a recipe, and a network with random masks."""

from collections.abc import Sequence

import torch
from torch import nn

from netgen.train import Mlp, Recipe

RECIPE = Recipe(batch_size=32, learning_rate=0.005, weight_decay=0.0, label_smoothing=0.0)


def random_mlp(sizes: Sequence[int], *, batch_norm: bool, share: float = 1.0) -> Mlp:
    """A network with random masks and random batch normalization.

    Args:
        share: of the weights that the masks keep.
    """
    mlp = Mlp.seeded(sizes, batch_norm=batch_norm, seed=3)
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for norm in mlp.norms:
            assert isinstance(norm, nn.BatchNorm1d)
            for tensor in (norm.weight, norm.bias, norm.running_mean):
                assert tensor is not None
                tensor.uniform_(-2, 2, generator=generator)
        for layer in mlp.masked:
            layer.mask.copy_((torch.rand(layer.mask.shape, generator=generator) < share).float())
    return mlp.double().eval()
