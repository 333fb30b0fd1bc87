"""Remove dead neurons from an `Mlp`, so that its matrices become smaller as it is pruned."""

import torch
from torch import Tensor, nn

from netgen.errors import TrainError
from netgen.ir.dense import alive_of
from netgen.train.mlp import Mlp


def remove_dead_neurons(mlp: Mlp, optimizer: torch.optim.Optimizer | None = None) -> None:
    """Remove, in place, every neuron that lies on no path from an input to an output; outputs always stay.

    A removed neuron with inputs from nowhere has a constant output, which is added to the biases of the next layer.
    Scores in evaluation mode stay the same. The optimizer keeps its moments of the rows and columns that stay.

    Raises: TrainError, when no path from an input to an output is left.
    """
    masked = mlp.masked
    alive = [torch.from_numpy(a) for a in alive_of([layer.mask.cpu().numpy() > 0 for layer in masked])]
    if not alive[-1].any():
        raise TrainError("prune: no path from an input to an output is left; prune less or set scope: layer")
    alive[-1] = torch.ones_like(alive[-1])
    if all(bool(a.all()) for a in alive):
        return
    with torch.no_grad():
        constant = masked[0].bias.new_zeros(len(alive[0]))
        for depth, layer in enumerate(masked):
            layer.bias.data += (layer.weight * layer.mask) @ constant
            if depth < len(masked) - 1:
                value = layer.bias if not mlp.norms else _normalized(mlp.norms[depth], layer.bias)
                constant = mlp.activated(depth, value) * ~alive[depth + 1].to(value.device)
        for depth, layer in enumerate(masked):
            rows, columns = (torch.nonzero(a)[:, 0].to(layer.mask.device) for a in (alive[depth + 1], alive[depth]))
            layer.mask = layer.mask[rows][:, columns].contiguous()
            _slice(layer.weight, optimizer, rows, columns)
            _slice(layer.bias, optimizer, rows)
            layer.in_features, layer.out_features = len(columns), len(rows)
            if depth < len(mlp.norms):
                _slice_norm(mlp.norms[depth], optimizer, rows)
    mlp.kept = [kept[a] for kept, a in zip(mlp.kept, alive, strict=True)]


def _normalized(norm: nn.Module, values: Tensor) -> Tensor:
    """Batch normalization in evaluation mode of one sample's sums, (n_out,)."""
    assert isinstance(norm, nn.BatchNorm1d)
    result: Tensor = nn.functional.batch_norm(
        values[None], norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
    )[0]
    return result


def _slice_norm(norm: nn.Module, optimizer: torch.optim.Optimizer | None, rows: Tensor) -> None:
    assert isinstance(norm, nn.BatchNorm1d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean, norm.running_var = norm.running_mean[rows].clone(), norm.running_var[rows].clone()
    norm.num_features = len(rows)
    _slice(norm.weight, optimizer, rows)
    _slice(norm.bias, optimizer, rows)


def _slice(parameter: Tensor, optimizer: torch.optim.Optimizer | None, rows: Tensor, *columns: Tensor) -> None:
    """Keep some rows, and columns, of a parameter and of the optimizer's moments of it."""

    def part(values: Tensor) -> Tensor:
        return (values[rows][:, columns[0]] if columns else values[rows]).clone()

    if optimizer is not None:
        state = optimizer.state.get(parameter, {})
        state.update({key: part(value) for key, value in state.items() if value.shape == parameter.shape})
    parameter.data = part(parameter.data)
    parameter.grad = None
