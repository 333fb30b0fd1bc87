"""Draw accuracy against wire length, perceptrons and convolutions side by side, from a table of built networks.

Usage: python benchmarks/pareto.py docs/experiments/pareto-mnist.json docs/pareto_mnist.svg
The table is a JSON list with one row for each build: `kind` (a key of `COLOURS`), `source` (its spec or script),
`seed`, `accuracy` (of the hardware on test data, 0 to 1) and `length` (wire length, in units of the pitch). Dots are
builds, diamonds the means of a source over its seeds; a line joins the means that no other of its kind beats in both.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from statistics import mean
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

COLOURS = {"perceptron": "#2b6cb0", "convolution": "#c05621", "perceptron, trained functions": "#2f855a"}
"""By kind of network."""


@dataclass(frozen=True, order=True)
class Row:
    """A built network: `length` in units of the pitch, `accuracy` of the hardware on test data, 0 to 1."""

    kind: str
    source: str
    seed: int
    accuracy: float
    length: int


def read(path: Path) -> list[Row]:
    """Read and check a table, sorted by kind, source and seed.

    Raises: ValueError, for a row that is none, or given twice.
    """
    rows = sorted(_row(number, given) for number, given in enumerate(json.loads(path.read_text(encoding="utf-8")), 1))
    for before, after in pairwise(rows):
        if (before.kind, before.source, before.seed) == (after.kind, after.source, after.seed):
            raise ValueError(f"{after.source}, seed {after.seed}: given twice; keep one")
    return rows


def _row(number: int, given: dict[str, Any]) -> Row:
    keys = {"kind", "source", "seed", "accuracy", "length"}
    if set(given) != keys:
        raise ValueError(f"row {number}: keys {', '.join(sorted(given))}; give {', '.join(sorted(keys))}")
    if given["kind"] not in COLOURS:
        raise ValueError(f"row {number}: kind {given['kind']!r}; give one of {', '.join(COLOURS)}")
    if not 0 < given["accuracy"] <= 1 or given["length"] <= 0:
        raise ValueError(f"row {number}: accuracy {given['accuracy']}, length {given['length']}; give 0 to 1, above 0")
    return Row(**given)


def means(rows: Sequence[Row], kind: str) -> list[tuple[float, float]]:
    """Mean length and accuracy of each source of a kind, by length."""
    own = [row for row in rows if row.kind == kind]
    parts = [list(part) for _, part in groupby(own, key=lambda row: row.source)]
    return sorted((mean(r.length for r in part), mean(r.accuracy for r in part)) for part in parts)


def front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Those of the points (length, accuracy), by length, that no other beats in both."""
    kept: list[tuple[float, float]] = []
    for length, accuracy in sorted(points, key=lambda point: (point[0], -point[1])):
        if not kept or accuracy > kept[-1][1]:
            kept.append((length, accuracy))
    return kept


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write the plot as an SVG, the same bytes every time."""
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "netgen", "font.family": "sans-serif"}):
        figure = Figure(figsize=(7.5, 4.5), layout="constrained")
        axes = figure.subplots()
        axes.set_xscale("log")
        for kind, colour in COLOURS.items():
            own, found = [row for row in rows if row.kind == kind], means(rows, kind)
            if not own:
                continue
            name = f"{kind}: {len(own)} build{'s'[: len(own) > 1]} of {len(found)} spec{'s'[: len(found) > 1]}"
            axes.plot([r.length for r in own], [100 * r.accuracy for r in own], "o", color=colour, alpha=0.35, ms=3)
            axes.plot([x for x, _ in found], [100 * y for _, y in found], "D", color=colour, ms=6, label=name)
            best = front(found)
            axes.plot([x for x, _ in best], [100 * y for _, y in best], "-", color=colour, lw=1)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
        axes.set_xlabel("wire length, in units of the pitch")
        axes.set_ylabel("accuracy of the hardware on test data, %")
        axes.grid(visible=True, which="major", alpha=0.3)
        axes.legend(loc="lower right")
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def main() -> None:
    """Draw a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()
    try:
        draw(read(options.table), options.picture)
    except (OSError, ValueError) as error:
        sys.exit(f"{options.table}: {error}")


if __name__ == "__main__":
    main()
