"""Any `Network` as a PyTorch module: sums, maxima and selections of earlier neurons; weights of wires may be tied.

Values are held with one row for each neuron, (neurons, samples). Pruned wires and dead neurons disappear from the
arrays; names and numbers of neurons stay those of the network that the module was made of.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from netgen.errors import TrainError
from netgen.ir.fixed import Reals, Words
from netgen.ir.functions import Composition, is_relu, of_neurons
from netgen.ir.network import Layer, Network
from netgen.nn.defaults import torch_defaults
from netgen.nn.functions import apply_composition
from netgen.nn.fused import scores_by_rows
from netgen.nn.piecewise import TrainedFunction
from netgen.nn.row_plan import RowLayer, RowPlan, is_faster
from netgen.nn.selects import Selects, selects_of
from netgen.nn.sparse import SPARSE_SHARE, Wires, linear

__all__ = ["TrainableLayer", "TrainableNetwork", "array_of", "gain_of", "read"]

LEAST_VARIANCE = 1e-5
"""Added to variances before they divide: BatchNorm's own constant."""


@dataclass(frozen=True, eq=False)
class Plan:
    """Where a layer finds what it reads.

    Attributes:
        reads: the blocks of values that it reads, by index; 0 for the inputs.
        wires: of a sum, with columns among the rows of these blocks, one block after the other.
        parameter: of a sum whose weights are tied, (m,), the index of the weight of each wire; None otherwise.
        sources: of a maximum, (n, k) such columns; neurons that read fewer than k name their first one again.
        selects: of a selection, such columns.
    """

    reads: tuple[int, ...]
    wires: Wires | None = None
    parameter: Tensor | None = None
    sources: Tensor | None = None
    selects: Selects | None = None


class TrainableLayer(nn.Module):
    """One layer: weights of its parameters, a bias for each neuron, and batch normalization if asked.

    Attributes:
        like: the layer that it was made of.
        first: number of the layer's first neuron.
        rows: (n,) int64, the neurons that are left, by their index in `like`, ascending.
        wire: (m,) int64, the wires that are left, by their index in `like`, ascending.
        source: (m,) int64, the number of the neuron that each wire reads.
        target: (m,) int64, the neuron that it leads into, by its index in `like`; ascending.
        parameter: (m,) int64, the index in `weight` of the weight of each wire; its own index unless weights are tied.
        weight: (p,), the weight of each parameter; empty for a maximum.
        bias: (n,).
        norm: batch normalization of the sums, for each neuron on its own; None for none.
        trained: the functions of the neurons where their shape is trained; None for functions that stay.
        saliency: (p,) of the parameters at the last pruning; None before it.
    """

    def __init__(self, layer: Layer, first: int) -> None:
        super().__init__()
        self.like, self.first = layer, first
        self.rows: Words = np.arange(len(layer), dtype=np.int64)
        self.source, self.target = layer.source.copy(), layer.target.copy()
        self.wire: Words = np.arange(layer.wires, dtype=np.int64)
        one, self.parameter = self.wire, self.wire
        if layer.parameter is not None and self.gathers_sums:
            used, one, parameter = np.unique(layer.parameter, return_index=True, return_inverse=True)
            one, self.parameter = (one, parameter) if len(used) < layer.wires else (self.wire, self.wire)
        self.weight = nn.Parameter(torch.from_numpy(layer.weight[one].copy() if self.gathers_sums else np.zeros(0)))
        self.bias = nn.Parameter(torch.from_numpy(layer.bias.copy()))
        self.norm: nn.BatchNorm1d | None = None
        self.trained: TrainedFunction | None = None
        self.saliency: Reals | None = None
        self.activation = layer.activation
        self.plan = Plan(())

    @property
    def gathers_sums(self) -> bool:
        """Whether neurons compute weighted sums, not maxima or selections."""
        return self.like.gather == "sum"

    @property
    def tied(self) -> bool:
        """Whether wires share weights."""
        return self.gathers_sums and len(self.weight) < len(self.source)

    def gathered(self, across: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Sums before normalization, or what else it gathers, (n, samples), of what it reads, (columns, samples)."""
        one = self.plan.parameter
        return self.gathered_by(across, weight if one is None else weight.index_select(0, one), bias)

    def gathered_by(self, across: Tensor, wire_weight: Tensor, bias: Tensor) -> Tensor:
        """The same, by the weight of each wire, (m,), instead of each parameter."""
        if self.plan.selects is not None:
            return self.plan.selects(across)
        if self.plan.sources is not None:
            return torch.max(across[self.plan.sources], dim=1).values
        wires = self.plan.wires
        assert wires is not None
        if not wires.is_sparse:  # with the samples of a neuron contiguous too
            return torch.addmm(bias[:, None], wires.matrix(wire_weight), across)
        return linear(across.t(), wire_weight, bias, wires).t()

    def activated(self, gathered: Tensor) -> Tensor:
        """Normalize and apply the functions of the layer, (n, samples)."""
        if self.norm is not None:
            gathered = self.norm(gathered[None])[0]
        return apply_composition(self.activation, gathered) if self.trained is None else self.trained(gathered)

    @property
    def composition(self) -> Composition:
        """The functions of the neurons that are left, as they are now."""
        return self.activation if self.trained is None else (self.trained.function,)

    @property
    def wire_weight(self) -> Reals:
        """The weight of each wire, (m,) float64."""
        if not self.gathers_sums:
            return np.ones(len(self.source))
        return array_of(self.weight)[self.parameter]

    def untie(self) -> None:
        """Give every wire a weight of its own, equal to the one that it shared; the optimizer must be made anew."""
        if self.tied:
            places = torch.from_numpy(self.parameter).to(self.weight.device)
            self.weight = nn.Parameter(self.weight.detach().index_select(0, places))
            self.saliency = None if self.saliency is None else self.saliency[self.parameter]
            self.parameter = np.arange(len(self.source))
            self.plan = replace(self.plan, parameter=None)

    def folded(self) -> tuple[Reals, Reals]:
        """Weights of the wires and biases with batch normalization folded in: (m,) and (n,) float64."""
        weight, bias = self.wire_weight, array_of(self.bias)
        if self.norm is None:
            return weight, bias
        gain, mean = gain_of(self.norm), self.norm.running_mean
        assert mean is not None
        bias = (bias - array_of(mean)) * gain + array_of(self.norm.bias)
        return weight * gain[np.searchsorted(self.rows, self.target)], bias


class TrainableNetwork(nn.Module):
    """Any network, with gradients; its scores are the values of its first output.

    Args:
        network: whose weights, ties and functions it starts with.
        dtype: of the parameters.

    Attributes:
        inputs: (k,) int64, the inputs that are left, ascending.
        layers: those that have neurons, in topological order.
    """

    @torch_defaults()
    def __init__(self, network: Network, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.like = network
        self.inputs: Words = np.arange(network.features, dtype=np.int64)
        self.layers = nn.ModuleList(
            TrainableLayer(layer, first) for layer, first in zip(network.layers, network.first, strict=False)
        )
        self._rows: tuple[list[Plan | nn.Module | None], RowPlan | None] = ([], None)
        self.renew()
        self.to(dtype)

    @property
    def parts(self) -> list[TrainableLayer]:
        """The layers."""
        return [layer for layer in self.layers if isinstance(layer, TrainableLayer)]

    @property
    def sums(self) -> list[TrainableLayer]:
        """The layers that have weights."""
        return [layer for layer in self.parts if layer.gathers_sums]

    @property
    def norms(self) -> list[nn.BatchNorm1d]:
        """The normalizations of sums."""
        return [layer.norm for layer in self.parts if layer.norm is not None]

    @property
    def wires(self) -> int:
        """Number of wires, those of maxima and selections included."""
        return sum(len(layer.source) for layer in self.parts)

    @property
    def columns(self) -> Tensor:
        """`inputs` as a tensor: the features that the network reads."""
        return torch.from_numpy(self.inputs)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.parameters()).device

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move or convert the parameters, as `to` does, and move the plans along."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.renew()
        return self

    @property
    def scores(self) -> Words:
        """Numbers of the neurons that give the scores, (classes,)."""
        return self.like.outputs[0].neuron.reshape(-1)

    def renew(self) -> None:
        """Find again where each layer finds what it reads; needed whenever wires or neurons were removed."""
        block = np.full(self.like.neurons, -1, dtype=np.int64)
        row = np.zeros(self.like.neurons, dtype=np.int64)
        numbers = [self.inputs, *(layer.first + layer.rows for layer in self.parts)]
        for index, own in enumerate(numbers):
            block[own], row[own] = index, np.arange(len(own))
        for layer in self.parts:
            layer.activation = of_neurons(layer.like.activation, layer.rows)
            layer.plan = _plan(layer, block, row, [len(own) for own in numbers])
        self._where = block[self.scores], torch.from_numpy(row[self.scores]).to(self.device)

    def forward(self, x: Tensor) -> Tensor:
        """Map features (samples, n), of all inputs or of those that are left, to scores (samples, classes)."""
        across = self.across(x)
        rows = self._row_plan(across) if self.training and not any(part.plan.selects for part in self.parts) else None
        if rows is not None:
            weights, biases = [layer.weight for layer in self.sums], [layer.bias for layer in self.sums]
            functions = [layer.trained for layer in self.parts if layer.trained is not None]
            return scores_by_rows(rows, across, weights, biases, self.norms, functions).t()
        return self.scores_of(self.values(x))

    def values(self, x: Tensor) -> list[Tensor]:
        """Values of the inputs and of each layer, (neurons, samples) each, of features as `forward` takes them."""
        values = [self.across(x)]
        for layer in self.parts:
            values.append(layer.activated(layer.gathered(read(layer, values), layer.weight, layer.bias)))
        return values

    def _row_plan(self, across: Tensor) -> RowPlan | None:
        """The plan of the compiled step, made anew when the network has changed; None where it is slower or differs."""
        dtype, norms = self.parts[0].bias.dtype, self.norms
        if across.device.type != "cpu" or across.dtype != dtype or (norms and across.shape[1] == 1):
            return None
        made_of: list[Plan | nn.Module | None] = [
            item for layer in self.parts for item in (layer.plan, layer.norm, layer.trained)
        ]
        if len(made_of) != len(self._rows[0]) or any(a is not b for a, b in zip(made_of, self._rows[0], strict=True)):
            layers, sizes = [_row_layer(layer) for layer in self.parts], [len(layer.rows) for layer in self.parts]
            scores = np.cumsum([0, len(self.inputs), *sizes])[self._where[0]] + self._where[1].numpy()
            plan = RowPlan.of(len(self.inputs), layers, scores, dtype) if is_faster(layers) else None
            self._rows = made_of, plan
        return self._rows[1] if all(norm.training for norm in norms) else None

    def across(self, x: Tensor) -> Tensor:
        """Values of the inputs that are left, (k, samples), of features (samples, n) of these or of all inputs."""
        return (x if x.shape[1] == len(self.inputs) else x[:, self.columns.to(x.device)]).t()

    def scores_of(self, values: list[Tensor]) -> Tensor:
        """Scores, (samples, classes), from the values of the inputs and of each layer."""
        block, row = self._where
        if (block == block[0]).all():
            whole = values[int(block[0])]
            return whole.index_select(0, row).t()
        return torch.stack([values[b][r] for b, r in zip(block.tolist(), row.tolist(), strict=True)], dim=1)

    def untie(self) -> None:
        """Give every wire a weight of its own."""
        for layer in self.sums:
            layer.untie()

    @torch_defaults()
    def normalize(self, features: Tensor) -> None:
        """Insert batch normalization before every function of a sum; in evaluation mode the scores stay the same.

        Args:
            features: (samples, n) by which the means and variances of the sums start.
        """
        self.eval()
        with torch.no_grad():
            values = [self.across(features)]
            for layer in self.parts:
                sums = layer.gathered(read(layer, values), layer.weight, layer.bias)
                if layer.gathers_sums and layer.activation and layer.norm is None:
                    layer.norm = _norm_of(sums)
                values.append(layer.activated(sums))

    def train_functions(self) -> None:
        """Let the neurons of sums that end in ReLU train the shape of their functions; scores stay the same."""
        for layer in self.sums:
            if len(layer.activation) == 1 and is_relu(layer.activation[0]) and layer.trained is None:
                layer.trained = TrainedFunction(len(layer.rows)).to(layer.bias)

    def network(self) -> Network:
        """The same function in evaluation mode, as a network of the neurons that are left; normalization is folded."""
        alive = [np.arange(self.like.features), *(layer.first + layer.rows for layer in self.parts)]
        number = np.full(self.like.neurons, -1, dtype=np.int64)
        number[np.concatenate(alive)] = np.arange(sum(map(len, alive)))
        layers = [_layer_of(part, number) for part in self.parts]
        outputs = tuple(replace(head, neuron=number[head.neuron]) for head in self.like.outputs)
        return Network(self.like.inputs, tuple(layers), outputs)


def read(layer: TrainableLayer, values: list[Tensor]) -> Tensor:
    """What a layer reads, (columns, samples), of the values of the inputs and of each layer before it."""
    blocks = [values[index] for index in layer.plan.reads]
    return blocks[0] if len(blocks) == 1 else torch.cat(blocks)


def gain_of(norm: nn.BatchNorm1d) -> Reals:
    """The factor of each sum in evaluation mode, (n,) float64."""
    assert norm.running_var is not None
    return array_of(norm.weight / torch.sqrt(norm.running_var + norm.eps))


def array_of(tensor: Tensor) -> Reals:
    """A tensor as a numpy array in double precision."""
    values: Reals = tensor.detach().cpu().double().numpy()
    return values


def _norm_of(sums: Tensor) -> nn.BatchNorm1d:
    """A normalization that changes nothing in evaluation mode, with the means and variances of sums (n, samples)."""
    norm = nn.BatchNorm1d(len(sums), eps=LEAST_VARIANCE).to(sums).eval()
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.copy_(sums.mean(dim=1))
    norm.running_var.copy_(sums.var(dim=1))
    norm.weight.copy_(torch.sqrt(norm.running_var + norm.eps))
    norm.bias.copy_(norm.running_mean)
    return norm


def _plan(layer: TrainableLayer, block: Words, row: Words, sizes: list[int]) -> Plan:
    """Where a layer finds the wires' sources.

    Args:
        block, row: of each neuron of the network, by its number.
        sizes: rows of each block.
    """
    read = block[layer.source] if len(layer.source) else np.zeros(1, dtype=np.int64)
    if read.min() < 0:
        raise TrainError(f"layer {layer.like.name}: reads a neuron that was removed")
    reads: Words = np.flatnonzero(np.bincount(read))
    offset = np.zeros(len(sizes), dtype=np.int64)
    offset[reads] = np.cumsum([0, *(sizes[k] for k in reads[:-1])])
    columns = offset[block[layer.source]] + row[layer.source]
    place = np.searchsorted(layer.rows, layer.target)
    n, n_in, device = len(layer.rows), sum(sizes[k] for k in reads), layer.bias.device
    starts = np.searchsorted(place, np.arange(n + 1))
    if layer.gathers_sums:
        flat = torch.from_numpy(place * n_in + columns).to(device)
        parameter = torch.from_numpy(layer.parameter).to(device) if layer.tied else None
        return Plan(tuple(reads.tolist()), Wires((n, n_in), starts, columns, flat), parameter)
    if layer.like.gather == "select":
        return Plan(tuple(reads.tolist()), selects=selects_of(starts, columns, device))
    fan_in = np.diff(starts)
    sources = columns[starts[:-1, None] + np.minimum(np.arange(fan_in.max()), fan_in[:, None] - 1)]
    return Plan(tuple(reads.tolist()), sources=torch.from_numpy(sources).to(device))


def _row_layer(layer: TrainableLayer) -> RowLayer:
    """A layer as the compiled step reads it."""
    plan, place = layer.plan, np.searchsorted(layer.rows, layer.target)
    starts: Words = np.searchsorted(place, np.arange(len(layer.rows) + 1))
    epsilon, trained = None if layer.norm is None else layer.norm.eps, layer.trained is not None
    activation = () if trained else layer.activation
    if plan.wires is not None:
        dense = max(len(place) - int(SPARSE_SHARE * plan.wires.shape[0] * plan.wires.shape[1]), 0)
        return RowLayer(plan.reads, starts, plan.wires.columns, layer.parameter, activation, trained, epsilon, dense)
    assert plan.sources is not None
    columns = plan.sources.numpy()[place, np.arange(len(place)) - starts[place]]
    return RowLayer(plan.reads, starts, columns, None, activation, trained, epsilon, 0)


def _layer_of(part: TrainableLayer, number: Words) -> Layer:
    """A layer of the neurons that are left.

    Args:
        number: the new number of each neuron.
    """
    weight, bias = part.folded()
    place = np.searchsorted(part.rows, part.target)
    parameter = None
    if part.tied:
        pairs = np.stack([part.parameter.astype(np.float64), weight])
        parameter = np.unique(pairs, axis=1, return_inverse=True)[1].reshape(-1)
    return Layer(
        name=part.like.name,
        starts=np.searchsorted(place, np.arange(len(part.rows) + 1)),
        source=number[part.source],
        weight=weight,
        bias=bias,
        gather=part.like.gather,
        activation=part.composition,
        parameter=parameter,
    )
