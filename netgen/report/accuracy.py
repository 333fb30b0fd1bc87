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
    return _measured(
        "validation",
        {
            "dense float network, as trained": report.dense_accuracy,
            "pruned float network": report.pruned_accuracy,
            "circuit in integers": report.circuit_accuracy,
        },
    )


def tested_rows(check: "CheckReport") -> tuple[AccuracyRow, ...]:
    """The finished network, on test samples: the circuit's float weights, and the circuit computed in two ways."""
    return _measured(
        "test",
        {
            "your model, in float": check.model_accuracy,
            "the trained network, in float": check.trained_accuracy,
            "the pruned network, in float": check.pruned_accuracy,
            "float network after quantization-aware training": check.finetuned_accuracy,
            "quantized PyTorch": check.quantized_accuracy,
            "hardware, simulated": check.hardware_accuracy,
        },
    )


def _measured(samples: Literal["validation", "test"], found: dict[str, float | None]) -> tuple[AccuracyRow, ...]:
    """A row for each accuracy that was measured."""
    return tuple(AccuracyRow(name, samples, value) for name, value in found.items() if value is not None)
