"""What a network learns from: one or more views of the same samples, with a teacher's soft labels if there is one."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, repeat
from typing import NamedTuple

import torch
from torch import Tensor

from netgen.data import Floats, Split
from netgen.ir.fixed import FixedPoint, Reals
from netgen.ir.thermometer import BIT, threshold_bits
from netgen.nn.defaults import torch_defaults

View = Tensor
"""(n, n_in), in bytes (steps of 1/256) or in single precision."""
BYTE = 1 / 256
"""The step of a view in bytes; it holds features from 0 to 255/256."""
UNDISTORTED = 0.2
"""Share of the epochs, the last ones under a decaying rate, that show the samples undistorted: batch normalization and
biases then adapt to the samples that will be classified, not to distorted copies."""


def undistorted_at_the_end(epochs: int, views: int) -> Iterator[int]:
    """The view for each epoch, without end: all in turn, then only the first, the undistorted samples."""
    plain = math.ceil(UNDISTORTED * epochs)
    yield from (epoch % views for epoch in range(epochs - plain))
    yield from repeat(0)


class Batch(NamedTuple):
    """Samples of one step: features (n, n_in), labels (n,), and what a teacher gives, (n, outputs), or None."""

    features: Tensor
    labels: Tensor
    soft_labels: Tensor | None


@dataclass(frozen=True, eq=False)
class Samples:
    """Views of the same samples, on the device that trains.

    Attributes:
        views: passes show them in turn.
        labels: (n,).
        soft_labels: for each view, (n, classes), the probabilities that a teacher gives, or (n, outputs), the outputs
            that a network reproduces; empty without a teacher.
    """

    views: tuple[View, ...]
    labels: Tensor
    soft_labels: tuple[Tensor, ...] = ()

    @classmethod
    def of(cls, split: Split, device: str = "cpu", more: Sequence[View] = ()) -> "Samples":
        """The samples of a split, undistorted, and more views of them."""
        views = (torch.tensor(split.features), *more)
        return cls(tuple(view.to(device) for view in views), torch.tensor(split.labels).to(device))

    @classmethod
    def of_outputs(cls, features: Floats, outputs: Reals) -> "Samples":
        """Samples without labels, (n, n_in), and the outputs to be reproduced, (n, outputs)."""
        none = torch.zeros(len(features), dtype=torch.int64)
        return cls((torch.from_numpy(features),), none, (torch.from_numpy(outputs),))

    def __len__(self) -> int:
        return len(self.labels)

    def features(self, view: int, rows: Tensor) -> Tensor:
        """Some samples of one view, (rows, n_in), in single precision."""
        return _real(self.views[view].index_select(0, rows))

    @torch_defaults()
    def with_teacher(self, teacher: Callable[[Tensor], Tensor], temperature: float) -> "Samples":
        """Add a teacher's probabilities for every view, softened by a temperature (Hinton et al. 2015).

        Args:
            teacher: maps features (n, n_in) to scores (n, classes).
        """
        rows = torch.split(torch.arange(len(self), device=self.labels.device), 4096)
        with torch.no_grad():
            probabilities = [
                torch.cat([torch.softmax(teacher(self.features(view, part)) / temperature, dim=1) for part in rows])
                for view in range(len(self.views))
            ]
        return replace(self, soft_labels=tuple(probabilities))

    def stream(
        self,
        size: int,
        seed: int,
        columns: Callable[[], Tensor] | None = None,
        view_order: Iterable[int] | None = None,
    ) -> Iterator[Batch]:
        """Yield batches of `size`, shuffled anew for every pass; a last batch that is smaller is dropped.

        Args:
            columns: returns the wanted features, ascending; called before every batch. All features when None.
            view_order: the view of each pass; all in turn, without end, when None.
        """
        generator = torch.Generator().manual_seed(seed)
        size = min(size, len(self))
        for view in cycle(range(len(self.views))) if view_order is None else view_order:
            order = torch.randperm(len(self), generator=generator).to(self.labels.device)
            for rows in torch.split(order[: len(order) // size * size], size):
                found = self.views[view].index_select(0, rows)
                if columns is not None:  # samples contiguous in memory, as the sparse layer reads them
                    found = found.t().index_select(0, columns().to(found.device)).t()
                soft_labels = self.soft_labels[view][rows] if self.soft_labels else None
                yield Batch(_real(found), self.labels[rows], soft_labels)


def coded(view: View, form: FixedPoint, thresholds: Sequence[int]) -> View:
    """Turn a view of bytes into its thermometer code, in bytes, as `Dataset.coded` does with features."""
    steps = torch.arange(256).double() * BYTE
    reached = torch.from_numpy(threshold_bits(form.encode(steps.numpy())[:, None], thresholds))  # (256, thresholds)
    bits = (reached * (BIT.step / BYTE)).to(torch.uint8).numpy()
    return torch.from_numpy(bits[view.numpy()]).flatten(1)


def _real(part: View) -> Tensor:
    """The values of a view, in single precision."""
    return part.float().mul_(BYTE) if part.dtype == torch.uint8 else part
