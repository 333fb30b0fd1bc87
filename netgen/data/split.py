"""Splitting samples in two, with every class in proportion."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Literal

import numpy as np

from netgen.data.raw import Array
from netgen.errors import DataError
from netgen.ir.fixed import Words


def split(
    path: Path,
    features: Array,
    labels: Words,
    share: float,
    seed: int,
    *,
    key: Literal["test", "validation"],
    names: Sequence[str] = (),
) -> tuple[Array, Array, Words, Words]:
    """Split off a share of the samples at random, classes in proportion.

    Args:
        features: (n, n_in).
        labels: (n,) class numbers.
        share: of the samples to split off, 0 to 1.
        key: of the `data` section, which set the share.
        names: label of each class, for messages; the class number where there is none.
    Returns: features that stay, features split off, labels that stay, labels split off.
    Raises: DataError, when a class has too few samples for both parts.
    """
    from sklearn.model_selection import train_test_split

    present, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2:
        few = int(present[counts.argmin()])
        label = names[few] if names else few
        found = f"{len(labels)} samples cannot be split: label {label} has 1 sample"
        raise DataError(f"{path}: {found}; give more samples of each label")
    off = ceil(share * len(labels))
    if min(off, len(labels) - off) < len(present):
        where = f"of which data.{key} ({share:g}) splits off {off}"
        fix = f"give more samples or change data.{key}"
        raise DataError(f"{path}: {len(labels)} samples of {len(present)} classes, {where}; {fix}")
    left_x, off_x, left_y, off_y = train_test_split(
        features, labels, test_size=share, random_state=seed, stratify=labels
    )
    return left_x, off_x, left_y, off_y
