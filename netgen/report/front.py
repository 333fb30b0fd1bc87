"""The Pareto front of a search, as data, as a table for the terminal, and as a picture."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netgen.errors import BuildError, refused
from netgen.report.palette import LENGTHS, STAGE

if TYPE_CHECKING:
    from rich.console import RenderableType

_INK, _QUIET = "#e8eef2", "#8496a4"


@dataclass(frozen=True)
class FrontPoint:
    """A trial that reached placement.

    Attributes:
        wire_length: in units of the pitch.
        accuracy: of the integer circuit on validation samples, 0 to 1.
        values: dotted spec key to the value that this trial tried.
    """

    trial: int
    wire_length: int
    accuracy: float
    values: dict[str, Any]

    def __str__(self) -> str:
        return f"wire length {self.wire_length:,}, validation accuracy {self.accuracy:.2%}"


@dataclass(frozen=True)
class Front:
    """The result of a search.

    Attributes:
        trials: number of all trials.
        pruned: number of trials that ended early, below the accuracy floor.
        failures: one line for each trial that failed.
        points: all trials that reached placement, sorted by wire length.
        front: the points that no other point beats in both wire length and accuracy, sorted by wire length.
        warnings: one line for each thing that the user should know first.
    """

    name: str
    trials: int
    pruned: int
    failures: tuple[str, ...]
    points: tuple[FrontPoint, ...]
    front: tuple[FrontPoint, ...]
    warnings: tuple[str, ...] = ()


def render_front(front: Front) -> "RenderableType":
    """Draw the front as a table: one point a line, with the values of the searched keys."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False, collapse_padding=True)
    table.add_column("trial", justify="right", no_wrap=True)
    table.add_column("wire length", justify="right", no_wrap=True, style="bold")
    table.add_column("accuracy", justify="right", no_wrap=True, style="bold")
    keys = list(front.front[0].values) if front.front else []
    for key in keys:
        table.add_column(key.replace(".", ".\n"), justify="right", overflow="fold")
    for point in front.front:
        cells = (_short(point.values[key]) for key in keys)
        table.add_row(str(point.trial), f"{point.wire_length:,}", f"{point.accuracy:.2%}", *cells)
    ends = f"{len(front.points):,} placed, {front.pruned:,} below the floor, {len(front.failures):,} failed"
    title = Text.assemble((front.name, "bold"), (f"  {front.trials:,} trials: {ends}", "dim"))
    return Group(title, table)


def front_picture(front: Front, path: Path) -> None:
    """Write a PNG of 900 x 600 pixels: accuracy over wire length, the front as a line; the same bytes every time.

    Raises: BuildError, when the file cannot be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    figure = Figure(figsize=(9, 6), dpi=100, facecolor=STAGE)
    axes = figure.add_axes((0.1, 0.12, 0.86, 0.76), facecolor=STAGE)
    axes.scatter([p.wire_length for p in front.points], [100 * p.accuracy for p in front.points], c=_QUIET, s=14)
    best = ([p.wire_length for p in front.front], [100 * p.accuracy for p in front.front])
    axes.step(*best, where="post", color=LENGTHS[-1], linewidth=1.2)
    axes.scatter(*best, c=LENGTHS[-1], s=36, zorder=3)
    axes.set_xscale("log")
    for ticks in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        ticks(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("wire length", color=_INK)
    axes.set_ylabel("validation accuracy, %", color=_INK)
    axes.tick_params(which="both", colors=_QUIET)
    for spine in axes.spines.values():
        spine.set_color(_QUIET)
    about = f"{front.name}: {front.trials:,} trials, {len(front.front):,} on the front"
    figure.text(0.1, 0.92, about, color=_INK, fontsize=14)
    try:
        figure.savefig(path, format="png", facecolor=STAGE, metadata={"Software": None}, pil_kwargs={"optimize": True})
    except OSError as error:
        raise BuildError(refused(error, path, "choose a folder that can be written")) from error


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value)
