"""Modules that were left in training mode: what the circuit computes differs from what the user's module returns."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["in_training"]


def in_training(module: "torch.nn.Module") -> tuple[str, ...]:
    """Say that a module is in training mode, where evaluation mode computes something else.

    Returns: one line, or none where no normalization or dropout inside is in training mode.
    """
    from torch import nn
    from torch.nn.modules.batchnorm import _NormBase
    from torch.nn.modules.dropout import _DropoutNd

    norms, drops = set(), False
    for part in module.modules():
        if not part.training:
            continue
        if isinstance(part, _NormBase):
            if part.running_mean is not None:
                norms.add(type(part).__name__)
        elif isinstance(part, _DropoutNd):
            drops |= part.p > 0
        elif isinstance(part, nn.MultiheadAttention | nn.RNNBase):
            drops |= part.dropout > 0
    effects = [f"{' and '.join(sorted(norms))} with running statistics"] if norms else []
    if drops:
        effects.append("Dropout without effect")
    if not effects:
        return ()
    return (f"the module is in training mode, but is read as in evaluation mode: {', '.join(effects)}; call eval()",)
