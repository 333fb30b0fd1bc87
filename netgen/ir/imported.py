"""What is known of a network that was read: from where, and how close it is to its source."""

from dataclasses import dataclass, field

__all__ = ["ImportReport"]


@dataclass(frozen=True)
class ImportReport:
    """How a network that was read compares with its source.

    Attributes:
        source: what was read: `module LeNet`, or the name of a file.
        reference: what computed the right outputs, and in which precision.
        worst: the greatest difference of an output, over the greatest right value of that output.
        samples: number of samples that were compared.
        assumed: what the source states and the network leaves out, such as casts to fewer bits; one line each.
        flips: rounding steps that fell to the other side of a tie, as the source computes in float32 and the network in
            double precision; the input of each lies within float32's error of the tie.
        kept: whether it is built as it was read; False where it was pruned or trained afterwards.
        trained: whether netgen trained it as it is built, and read nothing.
    """

    source: str
    reference: str
    worst: float
    samples: int
    assumed: tuple[str, ...] = ()
    flips: int = 0
    kept: bool = True
    trained: bool = field(default=False, metadata={"later": True})
