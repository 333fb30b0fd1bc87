"""Progress as a user sees it: a live line in a terminal, a log elsewhere."""

import contextlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from netgen.cli.interrupt import check_interrupt
from netgen.progress import Progress, silent


@contextmanager
def progress_on_stderr(quiet: bool) -> Iterator[Progress]:
    """Show progress on stderr: a live line in a terminal; elsewhere a line per stage and, within one, every 5 seconds.

    An interrupted command ends at its next progress call at the latest.
    """
    with _shown(quiet) as show:

        def progress(what: str, fraction: float) -> None:
            check_interrupt()
            with contextlib.suppress(OSError):  # a stderr that cannot be written is no reason to stop
                show(what, fraction)

        yield progress


@contextmanager
def _shown(quiet: bool) -> Iterator[Progress]:
    if quiet or sys.stderr is None:
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    bars = Bars(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console, transient=True)
    with bars:
        task = bars.add_task("netgen", total=1.0)

        def show(what: str, fraction: float) -> None:
            bars.update(task, description=what, completed=fraction)
            if fraction >= 1.0:
                bars.console.print(what, highlight=False)

        yield show


class _Lines:
    """Progress as lines of a log."""

    def __init__(self) -> None:
        self.last = 0.0

    def __call__(self, what: str, fraction: float) -> None:
        now = time.monotonic()
        if fraction in {0.0, 1.0} or now - self.last > 5:
            self.last = now
            print(f"{what} [{fraction:.0%}]", file=sys.stderr, flush=True)
