"""The masked layer."""

import copy

import torch
from torch import nn
from train_cases import random_mlp


def test_a_layer_uses_every_change_of_its_mask() -> None:
    """Changed in place or replaced, before and after a copy is made: always the product with the current mask."""
    layer = random_mlp((9, 6), batch_norm=False, share=0.15).masked[0]
    x = torch.randn(4, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for change in range(6):
        now = torch.zeros(6, 9, dtype=torch.float64)
        now.view(-1)[change :: 9 + change] = 1
        if change % 2:
            layer.mask = now
        else:
            layer.mask.copy_(now)
        for one in (layer, copy.deepcopy(layer)):
            assert torch.allclose(one(x), nn.functional.linear(x, one.weight * now, one.bias))
