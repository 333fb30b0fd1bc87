"""One layer of a `TrainableNetwork`: its parameters, its wires, and where it finds what it reads."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from netgen.errors import TrainError
from netgen.ir.fixed import Reals, Words
from netgen.ir.functions import Composition
from netgen.ir.network import Layer
from netgen.nn.functions import apply_composition
from netgen.nn.gates import opened
from netgen.nn.piecewise import TrainedFunction
from netgen.nn.row_plan import RowLayer
from netgen.nn.selects import Selects, selects_of
from netgen.nn.sparse import SPARSE_SHARE, Wires, linear

__all__ = ["Plan", "TrainableLayer", "array_of", "gain_of", "layer_of", "plan_of", "read", "row_layer_of"]


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
        is_gate: whether its neurons are gates; see `netgen.nn.gates`.
        through: of a selection, whether its gates get gradients in evaluation mode.
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
        self.is_gate = self.through = False
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
            return self.plan.selects(across, through=self.through and not self.training)
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
        if self.is_gate:
            return gathered if self.training else opened(gathered)
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


def plan_of(layer: TrainableLayer, block: Words, row: Words, sizes: list[int]) -> Plan:
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


def row_layer_of(layer: TrainableLayer) -> RowLayer:
    """A layer as the compiled step reads it."""
    plan, place = layer.plan, np.searchsorted(layer.rows, layer.target)
    starts: Words = np.searchsorted(place, np.arange(len(layer.rows) + 1))
    epsilon, trained = None if layer.norm is None else layer.norm.eps, layer.trained is not None
    activation = () if trained or layer.is_gate else layer.activation
    if plan.wires is not None:
        dense = max(len(place) - int(SPARSE_SHARE * plan.wires.shape[0] * plan.wires.shape[1]), 0)
        return RowLayer(plan.reads, starts, plan.wires.columns, layer.parameter, activation, trained, epsilon, dense)
    rank = np.arange(len(place)) - starts[place]
    if plan.selects is not None:
        columns = plan.selects.columns[place, rank + 3 - np.diff(starts)[place]]
        return RowLayer(plan.reads, starts, columns, None, activation, trained, epsilon, 0, selects=True)
    assert plan.sources is not None
    columns = plan.sources.numpy()[place, rank]
    return RowLayer(plan.reads, starts, columns, None, activation, trained, epsilon, 0)


def layer_of(part: TrainableLayer, number: Words) -> Layer:
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
