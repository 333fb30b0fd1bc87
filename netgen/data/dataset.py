"""The data set: three splits of samples, and what scaling and numbering did to the user's values."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from netgen.ir.arrays import frozen
from netgen.ir.fixed import FixedPoint, Reals, Words
from netgen.ir.thermometer import BIT, threshold_bits

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Split:
    """Samples of one purpose.

    Attributes:
        features: (n, n_in) float32.
        labels: (n,) int64, class numbers from 0.
    """

    features: Floats
    labels: Words

    def __post_init__(self) -> None:
        self.features.setflags(write=False)
        object.__setattr__(self, "labels", frozen(self.labels, np.int64))

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training, validation and test split, with features scaled by powers of two.

    Attributes:
        classes: number of classes.
        scale: (features,) float64, powers of two; a feature here is the raw feature times its scale, rounded to
            float32. Training features are below 1 in magnitude; others may exceed it, and saturate in hardware.
        digest: SHA-256 of the raw arrays, for fingerprints.
        names: the label of each class in the user's data, by class number; empty where labels are class numbers.
    """

    train: Split
    validation: Split
    test: Split
    classes: int
    scale: Reals
    digest: str
    names: tuple[str, ...] = ()

    @property
    def signed(self) -> bool:
        """Whether any feature of the training split is negative."""
        return bool((self.train.features < 0).any())

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user must know to read the circuit's class: a line, or none where labels are class numbers."""
        if not self.names:
            return ()
        few = self.names if len(self.names) <= 12 else (*self.names[:10], "...", self.names[-1])
        return (f"data: classes 0 to {self.classes - 1} are the labels {', '.join(few)}",)

    def input_format(self, width: int) -> FixedPoint:
        """The fixed-point format of `width` bits for features below 1 in magnitude."""
        return FixedPoint(width, width - self.signed, self.signed)

    def coded(self, form: FixedPoint, thresholds: Sequence[int]) -> "Dataset":
        """Replace each feature by the bits of its thermometer code; a bit is 0 or one half.

        Args:
            form: format to which features are rounded first.
            thresholds: words of `form`, ascending; one bit for each.
        """

        def coded(split: Split) -> Split:
            bits = threshold_bits(form.encode(split.features), thresholds)
            return replace(split, features=BIT.decode(bits).astype(np.float32))

        return replace(self, train=coded(self.train), validation=coded(self.validation), test=coded(self.test))

    def rounded_to(self, form: FixedPoint) -> "Dataset":
        """Round every feature to a fixed-point format, as the hardware does."""

        def rounded(split: Split) -> Split:
            return replace(split, features=form.decode(form.encode(split.features)).astype(np.float32))

        return replace(self, train=rounded(self.train), validation=rounded(self.validation), test=rounded(self.test))
