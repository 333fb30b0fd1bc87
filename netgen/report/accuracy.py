"""The accuracies of a build, one row for each network that was measured, named the same wherever they are shown."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from netgen.report.agreement import CheckReport
    from netgen.report.build import BuildReport


@dataclass(frozen=True)
class AccuracyRow:
    """The accuracy of one network on one set of samples.

    Attributes:
        network: which network.
        samples: which samples; accuracies on different samples differ by chance, too.
        accuracy: 0 to 1.
    """

    network: str
    samples: Literal["validation", "test"]
    accuracy: float


def validation_rows(report: "BuildReport") -> tuple[AccuracyRow, ...]:
    """The stages of training, on validation samples: what pruning and quantizing cost."""
    return (
        AccuracyRow("dense float network, as trained", "validation", report.dense_accuracy),
        AccuracyRow("pruned float network", "validation", report.pruned_accuracy),
        AccuracyRow("circuit in integers", "validation", report.circuit_accuracy),
    )


def tested_rows(check: "CheckReport") -> tuple[AccuracyRow, ...]:
    """The finished network, on test samples: the circuit's float weights, and the circuit computed in two ways."""
    return (
        AccuracyRow("float network, fine-tuned to be quantized", "test", check.finetuned_accuracy),
        AccuracyRow("quantized PyTorch", "test", check.quantized_accuracy),
        AccuracyRow("hardware, simulated", "test", check.hardware_accuracy),
    )
