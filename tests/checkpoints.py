"""State dicts of small perceptrons, saved, and read or refused."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from netgen.errors import WeightsError
from netgen.importer.checkpoint import read_perceptron
from netgen.ir.fixed import Reals
from netgen.nn.trainable import TrainableNetwork
from netgen.train import dense_network_of, perceptron_of_state, predict

__all__ = ["FIX", "PLAIN", "B", "W", "from_file", "loaded", "moved", "refused", "same_function"]

W = torch.tensor([[0.5, -1.0], [1.5, 0.25]])
B = torch.tensor([0.25, 0.5])
FIX = "network.hidden and network.batch_norm must match the weights"
PLAIN = {"0.weight": W, "0.bias": B, "2.weight": W, "2.bias": B}


def from_file(
    path: Path, sizes: Sequence[int] = (2, 2, 2), scale: Reals | None = None, *, batch_norm: bool = False
) -> TrainableNetwork:
    """A perceptron of netgen with a saved state dict."""
    return perceptron_of_state(read_perceptron(path, sizes, batch_norm=batch_norm), scale=scale)


def loaded(
    folder: Path, state: object, sizes: Sequence[int] = (2, 2, 2), *, batch_norm: bool = False
) -> TrainableNetwork:
    """A perceptron with a state dict that is saved first."""
    torch.save(state, folder / "m.pt")
    return from_file(folder / "m.pt", sizes, batch_norm=batch_norm)


def refused(folder: Path, state: object, message: str, sizes: Sequence[int] = (2, 2, 2), *, norm: bool = False) -> None:
    """Check that a state dict is refused with the file and a message."""
    with pytest.raises(WeightsError) as caught:
        loaded(folder, state, sizes, batch_norm=norm)
    assert str(caught.value) == f"{folder / 'm.pt'}: {message}"


def moved(model: nn.Module, n_in: int) -> nn.Module:
    """A model whose batch normalizations have seen samples."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        model(3 * torch.randn(64, n_in) + 1)
    return model.eval()


def same_function(network: TrainableNetwork, model: nn.Module, n_in: int) -> None:
    """Check that a perceptron computes what a model computes."""
    x = torch.randn(10, n_in, generator=torch.Generator().manual_seed(1))
    expected = model.double().eval()(x.double()).detach().numpy()
    assert np.allclose(predict(dense_network_of(network), x.numpy().astype(np.float64)), expected, atol=1e-5)
