"""What a network learns from: one or more views of the same samples, with a teacher's answers if there is one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from typing import NamedTuple

import torch
from torch import Tensor

from netgen.data import Split
from netgen.ir.fixed import FixedPoint
from netgen.ir.thermometer import BIT, code

View = Tensor
"""(n, n_in), in bytes (steps of 1/256) or in single precision."""
BYTE = 1 / 256
"""What a byte of a view counts in steps of; features below 1 fit."""


class Batch(NamedTuple):
    """Samples of one step: features (n, n_in), labels (n,), and the teacher's probabilities (n, classes) or None."""

    features: Tensor
    labels: Tensor
    taught: Tensor | None


@dataclass(frozen=True, eq=False)
class Samples:
    """Views of the same samples, on the device that computes.

    Attributes:
        views: one for each pass, in turn.
        labels: (n,).
        taught: for each view, (n, classes), the probabilities that a teacher gives; or none at all.
    """

    views: tuple[View, ...]
    labels: Tensor
    taught: tuple[Tensor, ...] = ()

    @classmethod
    def of(cls, split: Split, device: str = "cpu", more: Sequence[View] = ()) -> "Samples":
        """The samples of a split as they are, and more views of them."""
        views = (torch.tensor(split.features), *more)
        return cls(tuple(view.to(device) for view in views), torch.tensor(split.labels).to(device))

    def __len__(self) -> int:
        return len(self.labels)

    def features(self, view: int, rows: Tensor) -> Tensor:
        """Some samples in one view, (rows, n_in), in single precision."""
        return _real(self.views[view].index_select(0, rows))

    def taught_by(self, teacher: Callable[[Tensor], Tensor], temperature: float) -> "Samples":
        """With what a teacher answers to every view, softened (Hinton et al. 2015).

        Args:
            teacher: maps features (n, n_in) to scores (n, classes).
        """
        rows = torch.split(torch.arange(len(self), device=self.labels.device), 4096)
        with torch.no_grad():
            answers = [
                torch.cat([torch.softmax(teacher(self.features(view, part)) / temperature, dim=1) for part in rows])
                for view in range(len(self.views))
            ]
        return replace(self, taught=tuple(answers))

    def stream(
        self,
        size: int,
        seed: int,
        columns: Callable[[], Tensor] | None = None,
        turns: Iterable[int] | None = None,
    ) -> Iterator[Batch]:
        """Batches, in a new order for every pass; what is left of a pass is dropped.

        Args:
            columns: tells which features are wanted, ascending; asked before every batch, all when None.
            turns: the view of each pass; one after the other, without end, when None.
        """
        generator = torch.Generator().manual_seed(seed)
        size = min(size, len(self))
        for view in cycle(range(len(self.views))) if turns is None else turns:
            order = torch.randperm(len(self), generator=generator).to(self.labels.device)
            for rows in torch.split(order[: len(order) // size * size], size):
                found = self.views[view].index_select(0, rows)
                if columns is not None:  # samples side by side in memory, as sparse layers want them
                    found = found.t().index_select(0, columns().to(found.device)).t()
                taught = self.taught[view][rows] if self.taught else None
                yield Batch(_real(found), self.labels[rows], taught)


def coded(view: View, form: FixedPoint, thresholds: Sequence[int]) -> View:
    """A view of bytes as a thermometer code, in bytes: what `Dataset.coded` makes of the same features."""
    steps = torch.arange(256).double() * BYTE
    reached = torch.from_numpy(code(form.encode(steps.numpy())[:, None], thresholds))  # (256, thresholds)
    bits = (reached * (BIT.step / BYTE)).to(torch.uint8).numpy()
    return torch.from_numpy(bits[view.numpy()]).flatten(1)


def _real(part: View) -> Tensor:
    return part.float().mul_(BYTE) if part.dtype == torch.uint8 else part
