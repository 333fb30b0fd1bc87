"""Where a build's network comes from: the data set, and the seed of everything random."""

from dataclasses import dataclass

from netgen.data import Dataset
from netgen.spec.spec import Spec


@dataclass(frozen=True)
class Origin:
    """The data set and the seed of a build.

    Attributes:
        source: the loader, as `data.source` of the spec names it.
        path: file or folder as the spec names it; None for data that come with a library.
        digest: SHA-256 of the raw arrays, in hexadecimal.
        features, classes: numbers of raw features and of classes.
        train, validation, test: numbers of samples.
    """

    source: str
    path: str | None
    digest: str
    features: int
    classes: int
    train: int
    validation: int
    test: int
    seed: int


def origin_of(spec: Spec, data: Dataset) -> Origin:
    """Describe the data set of a spec, as loaded."""
    return Origin(
        source=spec.data.source,
        path=spec.data.path,
        digest=data.digest,
        features=len(data.scale),
        classes=data.classes,
        train=len(data.train),
        validation=len(data.validation),
        test=len(data.test),
        seed=spec.seed,
    )
