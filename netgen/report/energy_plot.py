"""Accuracy against the energy of a sample, as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from netgen.ir.energy import Picojoules

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["EnergyPoint", "energy_plot"]

_COLOURS = ("#2b8a9b", "#f4713b", "#66737f")
_WIDTH, _HEIGHT = 7.5, 4.5
"""Inches."""
_FONT, _LINE, _LETTER = 7, 8.5, 4.2
"""Points: size of the names, from line to line, and the width of a letter at most."""


@dataclass(frozen=True)
class EnergyPoint:
    """One mark.

    Attributes:
        name: written beside it; empty for none.
        group: marks of one group have one colour.
        accuracy: 0 to 1.
        picojoules: of one sample; a range is drawn as a line.
    """

    name: str
    group: str
    accuracy: float
    picojoules: Picojoules


def energy_plot(points: Sequence[EnergyPoint]) -> str:
    """Draw accuracy over energy on a logarithmic axis as SVG text, the same for the same points."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    groups = list(dict.fromkeys(point.group for point in points))
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "netgen", "font.family": "sans-serif"}):
        figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
        axes = figure.subplots()
        axes.set_xscale("log")
        for number, group in enumerate(groups):
            own = [point for point in points if point.group == group]
            colour = _COLOURS[number % len(_COLOURS)]
            height = [100 * point.accuracy for point in own]
            ends = [[end / 1000 for end in side] for side in zip(*(point.picojoules for point in own), strict=True)]
            axes.hlines(height, ends[0], ends[1], color=colour, alpha=0.6, lw=2)
            middle = [(low * high) ** 0.5 for low, high in zip(*ends, strict=True)]
            axes.plot(middle, height, "o", color=colour, ms=4, label=group)
        axes.margins(x=0.2, y=0.1)
        axes.set_xlabel("energy of a sample, nJ")
        axes.set_ylabel("accuracy on test data, %")
        axes.grid(visible=True, which="major", alpha=0.3)
        if groups:
            axes.legend(loc="lower center", fontsize=8)
        figure.draw_without_rendering()
        for point, place in zip(points, _places(axes, points), strict=True):
            colour = _COLOURS[groups.index(point.group) % len(_COLOURS)]
            line = {"arrowstyle": "-", "color": colour, "lw": 0.4, "shrinkA": 0, "shrinkB": 0}
            axes.annotate(
                point.name,
                (point.picojoules[1] / 1000, 100 * point.accuracy),
                xytext=place,
                textcoords="offset points",
                fontsize=_FONT,
                color=colour,
                va="center",
                arrowprops=line if point.name else None,
            )
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


def _places(axes: "Axes", points: Sequence[EnergyPoint]) -> list[tuple[float, float]]:
    """Where names are written, in points from the ends of their marks: from above down, below those in their way."""
    scale = 72 / axes.figure.dpi
    begins, ends = (
        axes.transData.transform([(one.picojoules[end] / 1000, 100 * one.accuracy) for one in points]) * scale
        for end in (0, 1)
    )
    taken = [(float(a[0]), float(b[0]), float(b[1])) for a, b in zip(begins, ends, strict=True)]
    found = [(0.0, 0.0)] * len(points)
    for number in sorted(range(len(points)), key=lambda k: (-ends[k][1], ends[k][0])):
        name, (x, height) = points[number].name, ends[number]
        if not name:
            continue
        left, right, top = x + 8, x + 8 + _LETTER * len(name), height
        for low, high, line in sorted(taken, key=lambda one: -one[2]):
            if low < right and left < high and abs(line - top) < _LINE:
                top = line - _LINE
        taken.append((left, right, top))
        found[number] = (8.0, float(top - height))
    return found
