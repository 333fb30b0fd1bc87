"""Accuracy against the energy of a sample, as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO

from netgen.ir.energy import Picojoules

__all__ = ["EnergyPoint", "energy_plot"]

_COLOURS = ("#2b8a9b", "#f4713b", "#66737f")
_WIDTH, _HEIGHT = 7.5, 4.5
"""Inches."""


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
            for at, (point, high) in enumerate(zip(own, height, strict=True)):
                shift = (4, 3 - 12 * (at % 2))  # above and below in turn, so that neighbours do not overlap
                end = (point.picojoules[1] / 1000, high)
                axes.annotate(point.name, end, xytext=shift, textcoords="offset points", fontsize=7, color=colour)
        axes.margins(x=0.15, y=0.1)
        axes.set_xlabel("energy of a sample, nJ")
        axes.set_ylabel("accuracy on test data, %")
        axes.grid(visible=True, which="major", alpha=0.3)
        if groups:
            axes.legend(loc="lower center", fontsize=8)
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()
