"""What the checks of all builds share: what they depend on, how the hardware is simulated, and the file they write."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from netgen.flow.stage import Work

if TYPE_CHECKING:
    from netgen.report import CheckReport

__all__ = ["check_key", "compared", "described"]


def check_key(work: Work) -> dict[str, object]:
    """What a check depends on beside its samples."""
    earlier = {stage: work.store.digest(stage) for stage in ("quantize", "emit")}
    return earlier | {"check": work.spec.check.model_dump()}


def described(work: Work, tested: int) -> str:
    """Say how many of the test samples are simulated, and by what."""
    check = work.spec.check
    samples = tested if check.samples == "all" else min(check.samples, tested)
    return f"{samples:,} samples in {check.simulator}"


def compared(work: Work, folder: Path, compare: "Callable[..., CheckReport]") -> "CheckReport":
    """Simulate as the spec says, compare, and write `check.json` into a folder.

    Args:
        compare: `check` or `check_read` of a network, its design and samples.
    Raises: CheckError, for a difference; SimulatorError, when the simulator is not installed or fails.
    """
    from netgen.report import agreement, record

    check = work.spec.check
    report = compare(
        simulator=check.simulator,
        count=check.samples,
        jobs=work.jobs,
        cache=work.folder / "simulator",
        progress=work.progress,
    )
    agreement.raise_if_different(report)
    (folder / "check.json").write_text(record.write(report), encoding="utf-8")
    return report
