"""Any `Network` as a PyTorch module: sums, maxima and selections of earlier neurons; weights of wires may be tied.

Values are held with one row for each neuron, (neurons, samples). Pruned wires and dead neurons disappear from the
arrays; names and numbers of neurons stay those of the network that the module was made of.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from netgen.ir.fixed import Words
from netgen.ir.functions import is_relu, of_neurons
from netgen.ir.network import Network
from netgen.nn.defaults import torch_defaults
from netgen.nn.fused import scores_by_rows
from netgen.nn.gates import gate_layers
from netgen.nn.layer import Plan, TrainableLayer, array_of, gain_of, layer_of, plan_of, read, row_layer_of
from netgen.nn.piecewise import TrainedFunction
from netgen.nn.row_plan import RowPlan, is_faster

__all__ = ["TrainableLayer", "TrainableNetwork", "array_of", "gain_of", "read"]

LEAST_VARIANCE = 1e-5
"""Added to variances before they divide: BatchNorm's own constant."""


class TrainableNetwork(nn.Module):
    """Any network, with gradients; its scores are the values of its first output.

    Args:
        network: whose weights, ties and functions it starts with.
        dtype: of the parameters.

    Attributes:
        inputs: (k,) int64, the inputs that are left, ascending.
        layers: those that have neurons, in topological order.
        blocks: by the numbers of the gates that must be on for a wire to be needed, the share of the wire length; none
            before `netgen.train.gates` finds them.
    """

    @torch_defaults()
    def __init__(self, network: Network, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.like = network
        self.inputs: Words = np.arange(network.features, dtype=np.int64)
        self.layers = nn.ModuleList(
            TrainableLayer(layer, first) for layer, first in zip(network.layers, network.first, strict=False)
        )
        for layer, is_gate in zip(self.parts, gate_layers(network), strict=True):
            layer.is_gate = is_gate
        gates = self.gates
        for layer in self.parts:
            layer.through = bool(np.isin(layer.source[~layer.like.passing], gates).all())
        self.blocks: dict[tuple[int, ...], float] = {}
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

    @property
    def gates(self) -> Words:
        """Numbers of the gates that are left, ascending."""
        none = np.zeros(0, dtype=np.int64)
        return np.concatenate([none, *(part.first + part.rows for part in self.parts if part.is_gate)])

    def renew(self) -> None:
        """Find again where each layer finds what it reads; needed whenever wires or neurons were removed."""
        block = np.full(self.like.neurons, -1, dtype=np.int64)
        row = np.zeros(self.like.neurons, dtype=np.int64)
        numbers = [self.inputs, *(layer.first + layer.rows for layer in self.parts)]
        for index, own in enumerate(numbers):
            block[own], row[own] = index, np.arange(len(own))
        for layer in self.parts:
            layer.activation = of_neurons(layer.like.activation, layer.rows)
            layer.plan = plan_of(layer, block, row, [len(own) for own in numbers])
        self._where = block[self.scores], torch.from_numpy(row[self.scores]).to(self.device)
        self._gates = block[self.gates], torch.from_numpy(row[self.gates]).to(self.device)

    def forward(self, x: Tensor) -> Tensor:
        """Map features (samples, n), of all inputs or of those that are left, to scores (samples, classes)."""
        return self.gated(x)[0]

    def gated(self, x: Tensor, signs: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Scores, as `forward` gives them, and in training mode the sums of the gates, (gates, samples).

        Args:
            signs: (gates, samples), -1 where a gate shall decide the other way than its sum says, else 1.
        """
        across = self.across(x)
        rows = self._row_plan(across) if self.training else None
        if rows is not None:
            found, classes = self._by_rows(rows, across, signs), len(self.scores)
            return found[:classes].t(), found[classes:]
        values = self.values(x, signs)
        sums = _rows_at(values, *self._gates)
        return self.scores_of(values), sums if signs is None else sums * signs

    @torch.no_grad()
    def flipped(self, x: Tensor, gate: int, signs: Tensor | None = None) -> Tensor:
        """Scores in training mode, (samples, classes), as if one gate decided the other way; nothing else changes.

        Args:
            gate: its index in `gates`.
            signs: as for `gated`; how the gates decide otherwise.
        """
        across = self.across(x)
        signs = across.new_ones(len(self.gates), across.shape[1]) if signs is None else signs.clone()
        signs[gate] *= -1
        rows = self._row_plan(across)
        if rows is not None:
            return self._by_rows(rows, across, signs, moves=False)[: len(self.scores)].t()
        momenta = [norm.momentum for norm in self.norms]
        for norm in self.norms:
            norm.momentum = 0.0  # running means and variances stay
        try:
            return self.scores_of(self.values(x, signs))
        finally:
            for norm, momentum in zip(self.norms, momenta, strict=True):
                norm.momentum = momentum

    def values(self, x: Tensor, signs: Tensor | None = None) -> list[Tensor]:
        """Values of the inputs and of each layer, (neurons, samples) each, of features as `forward` takes them.

        Args:
            signs: (gates, samples), by which the values of the gates are multiplied; None for 1.
        """
        values = [self.across(x)]
        for number, layer in enumerate(self.parts, 1):
            found = layer.activated(layer.gathered(read(layer, values), layer.weight, layer.bias))
            if signs is not None and layer.is_gate:
                own = torch.from_numpy(self._gates[0] == number).to(signs.device)
                found = found.index_copy(0, self._gates[1][own], found[self._gates[1][own]] * signs[own])
            values.append(found)
        return values

    def _by_rows(self, rows: RowPlan, across: Tensor, signs: Tensor | None, *, moves: bool = True) -> Tensor:
        """Scores and sums of the gates, (classes + gates, samples), by the compiled step."""
        weights, biases = [layer.weight for layer in self.sums], [layer.bias for layer in self.sums]
        functions = [layer.trained for layer in self.parts if layer.trained is not None]
        gates = rows.places[len(self.scores) :]
        if signs is None:
            gates, signs = gates[:0], across.new_ones(0, across.shape[1])
        return scores_by_rows(
            rows, across, weights, biases, self.norms, functions, rows.scores[gates], signs, moves=moves
        )

    def _row_plan(self, across: Tensor) -> RowPlan | None:
        """The plan of the compiled step, made anew when the network has changed; None where it is slower or differs."""
        dtype, norms = self.parts[0].bias.dtype, self.norms
        if across.device.type != "cpu" or across.dtype != dtype or (norms and across.shape[1] == 1):
            return None
        made_of: list[Plan | nn.Module | None] = [
            item for layer in self.parts for item in (layer.plan, layer.norm, layer.trained)
        ]
        if len(made_of) != len(self._rows[0]) or any(a is not b for a, b in zip(made_of, self._rows[0], strict=True)):
            layers, sizes = [row_layer_of(layer) for layer in self.parts], [len(layer.rows) for layer in self.parts]
            block, row = (np.concatenate([a, b]) for a, b in zip(self._where, self._gates, strict=True))
            scores = np.cumsum([0, len(self.inputs), *sizes])[block] + row
            plan = RowPlan.of(len(self.inputs), layers, scores, dtype) if is_faster(layers) else None
            self._rows = made_of, plan
        return self._rows[1] if all(norm.training for norm in norms) else None

    def across(self, x: Tensor) -> Tensor:
        """Values of the inputs that are left, (k, samples), of features (samples, n) of these or of all inputs."""
        return (x if x.shape[1] == len(self.inputs) else x[:, self.columns.to(x.device)]).t()

    def scores_of(self, values: list[Tensor]) -> Tensor:
        """Scores, (samples, classes), from the values of the inputs and of each layer."""
        return _rows_at(values, *self._where).t()

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
        layers = [layer_of(part, number) for part in self.parts]
        outputs = tuple(replace(head, neuron=number[head.neuron]) for head in self.like.outputs)
        return Network(self.like.inputs, tuple(layers), outputs)


def _rows_at(values: list[Tensor], block: Words, row: Tensor) -> Tensor:
    """Some rows, (k, samples), of values in blocks."""
    if len(block) and (block == block[0]).all():
        return values[int(block[0])].index_select(0, row)
    rows = [values[b][r] for b, r in zip(block.tolist(), row.tolist(), strict=True)]
    return torch.stack(rows) if rows else values[0][:0]


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
