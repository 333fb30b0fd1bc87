"""Weights of a multilayer perceptron from a file of others, under the names of netgen's own."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from netgen.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["read_perceptron"]


def read_perceptron(path: Path, sizes: Sequence[int], *, batch_norm: bool) -> "dict[str, Tensor]":
    """Read a `state_dict`, which `torch.save` or safetensors wrote, by the names and shapes of its modules.

    A linear layer without a bias gets the bias 0, a batch normalization without weight and bias 1 and 0. Masks of
    `torch.nn.utils.prune` are applied.

    Args:
        sizes: number of inputs, then of neurons in each layer.
        batch_norm: whether each hidden layer is directly followed by a batch normalization.
    Returns: `linears.K.weight` and `.bias`, `norms.K.weight`, `.bias`, `.running_mean` and `.running_var`, for the
        layers K from 0, in single precision.
    Raises: WeightsError, when the file cannot be read, does not fit the network or fits in more than one way.
    """
    import torch

    from netgen.importer.state_file import read_state
    from netgen.importer.state_match import linears_in_order, modules_of, norms_in_order

    linears, norms = modules_of(path, read_state(path))
    linears = linears_in_order(path, linears, sizes)
    norms = norms_in_order(path, norms, linears, wanted=batch_norm)
    state: dict[str, Tensor] = {}
    for depth, module in enumerate(linears):
        weight, bias = module.pruned("weight"), module.pruned("bias")
        assert weight is not None
        state[f"linears.{depth}.weight"] = weight
        state[f"linears.{depth}.bias"] = torch.zeros(len(weight)) if bias is None else bias
    for depth, module in enumerate(norms):
        for key, default in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            values = module.tensor(key)
            if key == "running_var" and values is not None and (values < 0).any():
                raise WeightsError(f"{path}: {module} has a running_var below 0; save the state_dict again")
            state[f"norms.{depth}.{key}"] = torch.full(module.shape, default) if values is None else values
    return state
