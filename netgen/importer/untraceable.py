"""Why a module could not be traced: it branches on its data, or does not compute samples of the shape it was given."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from netgen.importer.export import quiet, reason_of

if TYPE_CHECKING:
    import torch

__all__ = ["untraceable"]

LAYOUTS: tuple[tuple[str, int, "Callable[[torch.Tensor], torch.Tensor]"], ...] = (
    ("channels come first: give x.transpose(0, 3, 1, 2)", 4, lambda x: x.permute(0, 3, 1, 2)),
    ("channels come first: give x.transpose(0, 2, 1)", 3, lambda x: x.permute(0, 2, 1)),
    ("the channel has an axis: give x[:, None]", 3, lambda x: x.unsqueeze(1)),
    ("the channel has an axis: give x[:, None]", 2, lambda x: x.unsqueeze(1)),
    ("it reads flat features: give x.reshape(len(x), -1)", 3, lambda x: x.flatten(1)),
    ("it reads flat features: give x.reshape(len(x), -1)", 4, lambda x: x.flatten(1)),
    ("it reads a sample without the axis of length 1: give x[:, 0]", 3, lambda x: x[:, 0]),
)
"""How samples may have been meant: what to write, the number of axes before, and what it does."""


def untraceable(module: "torch.nn.Module", inputs: Sequence["torch.Tensor"], failure: Exception) -> str:
    """Say why a module could not be traced, and what to do.

    Args:
        module: a copy of the user's.
        inputs: one sample of each, as it was given.
        failure: what PyTorch raised when it was traced.
    """
    if "DataDependent" in type(failure).__name__ or "data-dependent" in str(failure):
        return "it branches on its data, which no fixed network can; take the branch out of the forward pass"
    found = _raised(module, inputs)
    if found is None or "more than 1 value per channel" in str(found):
        if found is not None:
            return "a batch norm without running statistics, which computes over the batch; give it some"
        return f"torch.export cannot trace it: {reason_of(failure)}; check the example's shape and type"
    shapes = ", ".join(str(tuple(one.shape)) for one in inputs)
    fix = "give samples of the shape and type that it reads"
    if len(inputs) == 1:
        x = inputs[0]
        fits = (text for text, axes, moved in LAYOUTS if x.ndim == axes and _raised(module, [moved(x)]) is None)
        fix = next(fits, fix)
    return f"it cannot compute a sample of shape {shapes}: {reason_of(found).rstrip('.')}; {fix}"


def _raised(module: "torch.nn.Module", inputs: Sequence["torch.Tensor"]) -> Exception | None:
    """What a module raises when it computes a sample; None when it does compute it."""
    import torch

    try:
        with quiet(), torch.no_grad():
            module(*(one.clone() for one in inputs))
    except Exception as found:  # whatever PyTorch or the module raises
        return found
    return None
