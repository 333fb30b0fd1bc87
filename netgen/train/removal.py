"""Remove wires and dead neurons from a `TrainableNetwork`, so that its arrays become smaller as it is pruned."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from netgen.errors import TrainError
from netgen.ir.arrays import Bools
from netgen.ir.fixed import Reals, Words
from netgen.ir.functions import Clip, Function
from netgen.ir.rows import selected
from netgen.nn.functions import apply_composition
from netgen.nn.trainable import TrainableLayer, TrainableNetwork, array_of, gain_of

__all__ = ["Optimizer", "remove_dead_neurons", "remove_parameters", "remove_wires", "remove_zeros", "take"]

Optimizer = torch.optim.Optimizer


def remove_parameters(network: TrainableNetwork, kept: Sequence[Bools], optimizer: Optimizer | None = None) -> None:
    """Remove parameters with all their wires, then dead neurons, in place.

    Args:
        kept: of each layer with weights, (p,) bool.
        optimizer: keeps its moments of what stays.
    Raises: TrainError, when no path from an input to an output is left.
    """
    remove_wires(network, kept, optimizer)
    remove_dead_neurons(network, optimizer)


def remove_wires(network: TrainableNetwork, kept: Sequence[Bools], optimizer: Optimizer | None = None) -> None:
    """Remove parameters with all their wires, in place; neurons stay. Arguments as for `remove_parameters`."""
    for layer, mask in zip(network.sums, kept, strict=True):
        _keep_wires(layer, mask[layer.parameter], optimizer)
    network.renew()


def remove_zeros(network: TrainableNetwork) -> None:
    """Remove the wires whose weight is 0, which a penalty of magnitudes leaves, and the neurons that die with them."""
    remove_parameters(network, [array_of(layer.weight) != 0 for layer in network.sums])


def remove_dead_neurons(network: TrainableNetwork, optimizer: Optimizer | None = None) -> None:
    """Remove every neuron that lies on no path from an input to an output, in place; outputs stay.

    A neuron that no input reaches is a constant, which is added to the biases of the sums that read it; so scores in
    evaluation mode stay the same. A maximum that reads a constant 0 beside results of a ReLU loses that wire; any other
    constant that a maximum or a selection reads stays, as a neuron without wires.

    Raises: TrainError, when no path from an input to an output is left.
    """
    reached = _reached(network)
    if not reached[network.scores].any():
        raise TrainError("prune: no path from an input to an output is left; prune less or set scope: layer")
    constant = np.zeros(network.like.neurons)
    rectified = np.zeros(network.like.neurons, dtype=np.bool_)
    for layer in network.parts:
        own = layer.first + layer.rows
        rectified[own] = bool(layer.composition) and _is_positive(layer.composition[-1])
        if layer.gathers_sums:
            _fold(layer, reached, constant, optimizer)
        elif layer.like.gather == "max":
            _without_zeros(layer, reached, constant, rectified)
        lost = ~reached[own]
        if lost.any():
            constant[own[lost]] = _constants(layer, constant)[lost]
    needed = _needed(network)
    network.inputs = network.inputs[needed[network.inputs]]
    for layer in network.parts:
        _keep_wires(layer, needed[layer.first + layer.target], optimizer)
        _keep_rows(layer, needed[layer.first + layer.rows], optimizer)
    network.layers = torch.nn.ModuleList(layer for layer in network.parts if len(layer.rows))
    network.renew()


def _is_positive(function: Function) -> bool:
    """Whether no result of a function is negative."""
    return isinstance(function, Clip) and bool(np.all(np.asarray(function.lo) >= 0))


def _reached(network: TrainableNetwork) -> Bools:
    """Which neurons of the network an input reaches."""
    reached = np.zeros(network.like.neurons, dtype=np.bool_)
    reached[network.inputs] = True
    for layer in network.parts:
        reached[layer.first + layer.target[reached[layer.source]]] = True
    return reached


def _needed(network: TrainableNetwork) -> Bools:
    """Which neurons of the network reach an output; the outputs do."""
    needed = np.zeros(network.like.neurons, dtype=np.bool_)
    for head in network.like.outputs:
        needed[head.neuron] = True
    for layer in reversed(network.parts):
        needed[layer.source[needed[layer.first + layer.target]]] = True
    return needed


def _fold(layer: TrainableLayer, reached: Bools, constant: Reals, optimizer: Optimizer | None) -> None:
    """Add constants to the biases of the sums that read them."""
    from_constant = ~reached[layer.source]
    if not from_constant.any():
        return
    place = np.searchsorted(layer.rows, layer.target[from_constant])
    terms = layer.wire_weight[from_constant] * constant[layer.source[from_constant]]
    added = np.bincount(place, terms, minlength=len(layer.rows))
    layer.bias.data += torch.from_numpy(added).to(layer.bias)
    _keep_wires(layer, ~from_constant, optimizer)


def _without_zeros(layer: TrainableLayer, reached: Bools, constant: Reals, rectified: Bools) -> None:
    """Remove the wires of a maximum from constants of 0 where all else that it reads cannot be negative."""
    zero = ~reached[layer.source] & (constant[layer.source] == 0)
    place = np.searchsorted(layer.rows, layer.target)
    n = len(layer.rows)
    all_rectified = np.bincount(place, ~rectified[layer.source], minlength=n) == 0
    others = np.bincount(place, reached[layer.source], minlength=n) > 0
    _keep_wires(layer, ~(zero & (all_rectified & others)[place]), None)


def _constants(layer: TrainableLayer, constant: Reals) -> Reals:
    """Values, (n,), of neurons as if no input reached them; those of the others mean nothing."""
    if layer.gathers_sums:
        values = array_of(layer.bias)
        if layer.norm is not None:
            assert layer.norm.running_mean is not None
            values = (values - array_of(layer.norm.running_mean)) * gain_of(layer.norm) + array_of(layer.norm.bias)
    elif layer.like.gather == "select":
        starts = np.searchsorted(np.searchsorted(layer.rows, layer.target), np.arange(len(layer.rows) + 1))
        values = selected(constant[np.newaxis], starts, layer.source)[0]
    else:
        values = np.full(len(layer.rows), -np.inf)
        np.maximum.at(values, np.searchsorted(layer.rows, layer.target), constant[layer.source])
    found: Reals = apply_composition(layer.composition, torch.from_numpy(values)[:, None])[:, 0].numpy()
    return found


def _keep_wires(layer: TrainableLayer, kept: Bools, optimizer: Optimizer | None) -> None:
    """Keep some wires, (m,) bool, and the parameters that they use."""
    if kept.all():
        return
    tied, used = layer.tied, layer.parameter[kept]
    layer.wire, layer.source, layer.target = layer.wire[kept], layer.source[kept], layer.target[kept]
    layer.parameter = np.arange(len(used))
    if tied:
        shared, parameter = np.unique(used, return_inverse=True)
        if len(shared) < len(used):  # otherwise every wire has its own from here on
            used, layer.parameter = shared, parameter
    if layer.gathers_sums:
        take(layer.weight, used, optimizer)
        layer.saliency = None if layer.saliency is None else layer.saliency[used]


def _keep_rows(layer: TrainableLayer, kept: Bools, optimizer: Optimizer | None) -> None:
    """Keep some neurons, (n,) bool."""
    if kept.all():
        return
    rows = np.flatnonzero(kept)
    layer.rows = layer.rows[rows]
    take(layer.bias, rows, optimizer)
    if layer.trained is not None:
        take(layer.trained.bends, rows, optimizer)
        take(layer.trained.slope, rows, optimizer)
    if layer.norm is not None:
        norm, places = layer.norm, torch.from_numpy(rows).to(layer.bias.device)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean, norm.running_var = norm.running_mean[places].clone(), norm.running_var[places].clone()
        norm.num_features = len(rows)
        take(norm.weight, rows, optimizer)
        take(norm.bias, rows, optimizer)


def take(parameter: Tensor, rows: Words, optimizer: Optimizer | None, *, more: int = 0) -> None:
    """Keep some entries of a parameter, and of the optimizer's moments of it, in place.

    Args:
        rows: indices of the entries; those from the parameter's length on are new, and 0.
        more: number of new ones.
    """
    places = torch.from_numpy(rows).to(parameter.device)

    def part(values: Tensor) -> Tensor:
        return torch.cat([values, values.new_zeros(more)])[places]

    if optimizer is not None:
        state = optimizer.state.get(parameter, {})
        state.update({key: part(value) for key, value in state.items() if value.shape == parameter.shape})
    kept = part(parameter.data)
    parameter.grad = None
    # PyTorch keeps a parameter's old size for its gradients as long as an earlier loss is alive, and forgets it with
    # the type. Such a loss stays alive until garbage is collected, in the frames that compiled a kernel.
    parameter.data = kept.new_empty(0, dtype=torch.float32 if kept.dtype == torch.float64 else torch.float64)
    parameter.data = kept
