"""The multilayer perceptron in PyTorch, with masks, and its conversion to and from a `Network`."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netgen.ir.arrays import Bools
from netgen.ir.dense import DenseLayer, DenseNetwork
from netgen.ir.fixed import FixedPoint, Reals
from netgen.nn.defaults import torch_defaults
from netgen.nn.rounding import rounded
from netgen.nn.sparse import Wires
from netgen.nn.sparse import linear as sparse_linear


class MaskedLinear(nn.Linear):
    """A linear layer with a `mask`, (n_out, n_in) of zeros and ones; weights whose mask is 0 have no effect."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(n_in, n_out)
        self.mask: Tensor
        self.register_buffer("mask", torch.ones(n_out, n_in))
        self._wires_of: tuple[Tensor, int] | None = None
        self._wires: Wires | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, n_in) to (n, n_out)."""
        wires = self._current_wires()
        if wires.is_sparse:
            return sparse_linear(x, self.weight.view(-1).index_select(0, wires.flat), self.bias, wires)
        return nn.functional.linear(x, self.weight * self.mask, self.bias)

    def __getstate__(self) -> dict[str, Any]:
        """Copy all but the mask's version, which starts again from 0 in a copied tensor."""
        return self.__dict__ | {"_wires_of": None}

    def _current_wires(self) -> Wires:
        """The wires of the mask; computed again only when the mask has been replaced or changed in place."""
        version, known = self.mask._version, self._wires_of
        if self._wires is None or known is None or known[0] is not self.mask or known[1] != version:
            self._wires_of, self._wires = (self.mask, version), Wires.of(self.mask)
        return self._wires


class Mlp(nn.Module):
    """Linear layers with ReLU between them and, if asked, batch normalization before each ReLU.

    Args:
        sizes: number of inputs, then of neurons in each layer.
        rounding: for each hidden layer the format that its results are rounded to, with straight-through gradients;
            none is rounded when empty.

    Attributes:
        sizes: of the dense network; dead neurons that were removed count.
        kept: for the inputs and each layer, the indices of the neurons that are left, ascending (see
            `netgen.train.dead`).
    """

    def __init__(self, sizes: Sequence[int], *, batch_norm: bool, rounding: Sequence[FixedPoint] = ()) -> None:
        super().__init__()
        self.rounding = tuple(rounding)
        self.sizes = tuple(sizes)
        self.kept = [torch.arange(size) for size in sizes]
        self.linears = nn.ModuleList(MaskedLinear(a, b) for a, b in itertools.pairwise(sizes))
        self.norms = nn.ModuleList(nn.BatchNorm1d(size) for size in sizes[1:-1] if batch_norm)

    @classmethod
    def seeded(cls, sizes: Sequence[int], *, batch_norm: bool, seed: int, rounding: Sequence[FixedPoint] = ()) -> "Mlp":
        """A network with PyTorch's default initialization from a seed; torch's global generator does not change."""
        with torch_defaults():
            torch.default_generator.manual_seed(seed)
            return cls(sizes, batch_norm=batch_norm, rounding=rounding)

    @classmethod
    @torch_defaults()
    def of(cls, network: DenseNetwork, *, rounding: Sequence[FixedPoint] = ()) -> "Mlp":
        """A `Network` as a module in evaluation mode and double precision."""
        mlp = cls(network.sizes, batch_norm=False, rounding=rounding).double().eval()
        with torch.no_grad():
            for linear, layer in zip(mlp.masked, network.layers, strict=True):
                linear.weight.copy_(torch.from_numpy(layer.weight.copy()))
                linear.bias.copy_(torch.from_numpy(layer.bias.copy()))
                linear.mask.copy_(torch.from_numpy(layer.mask.copy()))
        return mlp

    @property
    def masked(self) -> list[MaskedLinear]:
        """The linear layers, in order."""
        return [layer for layer in self.linears if isinstance(layer, MaskedLinear)]

    @property
    def columns(self) -> Tensor:
        """The features that the network reads: the inputs that are left."""
        return self.kept[0]

    @property
    def weights_total(self) -> int:
        """Weights of the dense network."""
        return sum(a * b for a, b in itertools.pairwise(self.sizes))

    @property
    def wires(self) -> int:
        """Weights that the masks keep."""
        return sum(int(layer.mask.sum()) for layer in self.masked)

    def reinitialize(self, seed: int) -> None:
        """Draw all weights at random again and set biases to zero, in place; masks stay.

        Weights are uniform with the variance of He et al. 2015 for the remaining fan-in of each neuron.
        """
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for layer in self.masked:
                bound = (6 / layer.mask.sum(dim=1, keepdim=True).clamp(min=1)).sqrt()
                drawn = 2 * torch.rand(layer.weight.shape, generator=generator) - 1
                layer.weight.copy_(bound * drawn.to(bound.device))
                layer.bias.zero_()
            for norm in self.norms:
                assert isinstance(norm, nn.BatchNorm1d)
                norm.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        """Map features (n, n_in), of all inputs or of those that are left, to scores (n, n_out)."""
        x = self.inputs_of(x)
        *hidden, last = self.masked
        for depth, linear in enumerate(hidden):
            x = linear(x)
            if self.norms:
                x = _normalized(self.norms[depth], x)
            x = self.activated(depth, x)
        scores: Tensor = last(x)
        return scores

    def activated(self, depth: int, x: Tensor) -> Tensor:
        """Apply the activation of a hidden layer to its sums, (n, n_out): ReLU, rounded if the network is."""
        return rounded(x, self.rounding[depth]) if self.rounding else torch.relu(x)

    def inputs_of(self, features: Tensor) -> Tensor:
        """The columns of features (n, n_in) whose inputs are left."""
        columns = self.kept[0]
        return features if len(columns) == features.shape[1] else features[:, columns.to(features.device)]

    def masks(self) -> list[Bools]:
        """The masks in the shape of the dense network, per layer (n_out, n_in) bool."""
        return [self.to_dense(array_of(layer.mask), depth) > 0 for depth, layer in enumerate(self.masked)]

    def to_dense(self, values: Reals, depth: int) -> Reals:
        """A layer's values, (n_out,) or (n_out, n_in), in the shape of the dense network; zeros for dead neurons."""
        shape = self.sizes[depth + 1 :][:1] + self.sizes[depth : depth + 1] * (values.ndim - 1)
        full: Reals = np.zeros(shape)
        full[np.ix_(*[self.kept[depth + 1 - k].numpy() for k in range(values.ndim)])] = values
        return full

    def network(self) -> DenseNetwork:
        """The same function in evaluation mode, in the shape of the dense network.

        Batch normalization is folded into weights and biases.
        """
        layers = []
        for depth, linear in enumerate(self.masked):
            gain: Reals = np.ones(linear.out_features)
            weight, bias = array_of(linear.weight), array_of(linear.bias)
            if depth < len(self.norms):
                norm = self.norms[depth]
                assert isinstance(norm, nn.BatchNorm1d)
                assert norm.running_mean is not None
                assert norm.running_var is not None
                gain = array_of(norm.weight) / np.sqrt(array_of(norm.running_var) + norm.eps)
                bias = (bias - array_of(norm.running_mean)) * gain + array_of(norm.bias)
            last = depth == len(self.linears) - 1
            weight, bias, mask = (
                self.to_dense(values, depth) for values in (weight * gain[:, None], bias, array_of(linear.mask))
            )
            layers.append(DenseLayer(weight, bias, mask > 0, "identity" if last else "relu"))
        return DenseNetwork(tuple(layers))


def _normalized(norm: nn.Module, x: Tensor) -> Tensor:
    """Batch normalization of (n, n_out), in the memory order that x has: copying it to the other order is slower."""
    across = x.t()
    result: Tensor = norm(across[None])[0].t() if across.is_contiguous() else norm(x)
    return result


def array_of(tensor: Tensor) -> Reals:
    """A tensor as a numpy array in double precision."""
    values: Reals = tensor.detach().cpu().double().numpy()
    return values


@torch_defaults()
def predict(network: DenseNetwork, features: Any) -> Reals:
    """Compute the float scores, (n, n_out) float64, of features (n, n_in), by PyTorch in double precision."""
    x = torch.from_numpy(np.array(features, dtype=np.float64))
    for layer in network.layers:
        x = nn.functional.linear(x, torch.from_numpy(layer.weight.copy()), torch.from_numpy(layer.bias.copy()))
        if layer.activation == "relu":
            x = torch.relu(x)
    scores: Reals = x.numpy()
    return scores


def save_mlp(path: Path, mlp: Mlp) -> None:
    """Write a network as a .npz of plain arrays; the same state gives the same bytes."""
    arrays = {key: value.cpu().numpy() for key, value in mlp.state_dict().items()}
    arrays |= {f"kept.{k}": kept.numpy() for k, kept in enumerate(mlp.kept)}
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, sizes=np.array(mlp.sizes), **arrays)


@torch_defaults()
def load_mlp(path: Path, *, batch_norm: bool, rounding: Sequence[FixedPoint] = ()) -> Mlp:
    """Read what `save_mlp` wrote."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {key: torch.from_numpy(file[key]) for key in file.files}
    sizes = tuple(arrays.pop("sizes").tolist())
    kept = [arrays.pop(f"kept.{k}") for k in range(len(sizes))]
    mlp = Mlp.seeded([len(k) for k in kept], batch_norm=batch_norm, seed=0, rounding=rounding)
    mlp.load_state_dict(arrays)
    mlp.sizes, mlp.kept = sizes, kept
    return mlp
