"""What the tests of training share: a recipe, and perceptrons with random wires."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from netgen.ir.arrays import Bools
from netgen.ir.fixed import FixedPoint, Words
from netgen.ir.netlist import Netlist
from netgen.nn.trainable import TrainableLayer, TrainableNetwork
from netgen.train import Recipe, Shaped, perceptron_of
from netgen.train.removal import remove_wires

RECIPE = Recipe(batch_size=32, learning_rate=0.005, weight_decay=0.0, label_smoothing=0.0)


def perceptron(
    sizes: Sequence[int], *, batch_norm: bool = False, seed: int = 1, rounding: Sequence[FixedPoint] = ()
) -> TrainableNetwork:
    """A network with all its wires and PyTorch's default initialization."""
    return perceptron_of(Shaped.perceptron(sizes, batch_norm=batch_norm, seed=seed, rounding=rounding))


def random_perceptron(sizes: Sequence[int], *, batch_norm: bool, share: float = 1.0) -> TrainableNetwork:
    """A network in double precision with random wires and random batch normalization; dead neurons stay.

    Args:
        share: of the wires that are left.
    """
    network = perceptron(sizes, batch_norm=batch_norm, seed=3)
    generator = torch.Generator().manual_seed(7)
    for layer in network.sums:
        if layer.norm is not None:
            move(layer.norm, generator)
    kept = [(torch.rand(len(layer.weight), generator=generator) < share).numpy() for layer in network.sums]
    remove_wires(network, kept)
    return network.double().eval()


def move(norm: nn.Module, generator: torch.Generator | None = None) -> None:
    """Give a batch normalization random factors, shifts and means."""
    assert isinstance(norm, nn.BatchNorm1d)
    with torch.no_grad():
        for tensor in (norm.weight, norm.bias, norm.running_mean):
            assert tensor is not None
            tensor.uniform_(-2, 2, generator=generator)


def wires_between(layer: TrainableLayer, sources: Sequence[int], targets: Sequence[int]) -> Bools:
    """Which wires of a layer lead from some neurons, by their place in the layer before, to some of its own."""
    first = layer.like.source.min()
    return np.isin(layer.source - first, sources) & np.isin(layer.target, targets)


def matrix(layer: TrainableLayer, values: Tensor) -> Tensor:
    """Values of a layer's wires, (m,), as a matrix of the layer before pruning; 0 where there is no wire."""
    first = int(layer.like.source.min())
    found = values.new_zeros(len(layer.like), layer.first - first)
    found[torch.from_numpy(layer.target), torch.from_numpy(layer.source - first)] = values
    return found


def in_a_row(netlist: Netlist, sizes: Sequence[int]) -> list[Words]:
    """A placer that puts neuron k of every layer at (k, 0, 0), and layers 1 apart."""
    del netlist
    return [
        np.stack([np.arange(n), np.full(n, depth), np.zeros(n, dtype=np.int64)], axis=1)
        for depth, n in enumerate(sizes)
    ]
