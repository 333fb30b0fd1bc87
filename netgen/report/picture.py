"""The placed circuit as a still picture, in the colours of the page."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from netgen.errors import BuildError, refused
from netgen.ir.fixed import Reals, Words
from netgen.ir.grid import Placement, wire_lengths
from netgen.ir.netlist import Netlist
from netgen.report.palette import LENGTHS, STAGE, TIMES, layer_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

_INK, _QUIET = "#e8eef2", "#8496a4"
_EYE = np.array([2.9, 2.3, 1.5])
"""The point of view; the box around the origin has edges of at most 1."""


def picture(netlist: Netlist, placement: Placement, path: Path) -> None:
    """Write a PNG of 1200 x 900 pixels: neurons coloured by layer, wires by length; the same bytes every time.

    Raises: BuildError, when the file cannot be written.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 9), dpi=100, facecolor=STAGE)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_aspect("equal")
    flat, nearness = _project(_centred(placement, placement.site))
    lengths = wire_lengths(netlist, placement)
    colours = LinearSegmentedColormap.from_list("length", LENGTHS)
    longest = max(int(lengths.max(initial=0)), 2)
    _draw_box(axes, placement)
    _draw_wires(axes, netlist, flat, lengths, colours((lengths - 1) / (longest - 1)))
    _draw_neurons(axes, netlist, placement, flat, nearness)
    axes.autoscale_view()
    axes.margins(0.0)
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom - 0.09 * (top - bottom), top + 0.12 * (top - bottom))
    figure.text(0.045, 0.925, f"wire length {int(lengths.sum()):,}", color=_INK, fontsize=25)
    subtitle = (
        f"{netlist.neurons:,} neurons, {netlist.wires:,} wires, {TIMES.join(map(str, placement.grid.shape))} sites"
    )
    figure.text(0.046, 0.893, subtitle, color=_QUIET, fontsize=13)
    _draw_keys(figure, netlist, colours, longest)
    try:
        figure.savefig(path, format="png", facecolor=STAGE, metadata={"Software": None}, pil_kwargs={"optimize": True})
    except OSError as error:
        raise BuildError(refused(error, path, "choose a folder that can be written")) from error


def _centred(placement: Placement, points: Reals | Words) -> Reals:
    """Grid points, (n, 3), moved around the origin and scaled so that the box's longest edge is 1."""
    pitch = np.array(placement.grid.pitch)
    extent = np.array(placement.grid.shape) * pitch
    centred: Reals = ((points + 0.5) * pitch - extent / 2) / extent.max()
    return centred


def _project(points: Reals) -> tuple[Reals, Reals]:
    """Perspective view from `_EYE`: (n, 2) positions in the picture, and (n,) magnifications, 1 at the origin."""
    forward = -_EYE / np.linalg.norm(_EYE)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    basis = np.stack([right, np.cross(right, forward), forward], axis=1)
    seen = (points - _EYE) @ basis
    nearness: Reals = np.linalg.norm(_EYE) / seen[:, 2]
    return seen[:, :2] * nearness[:, None], nearness


def _draw_box(axes: "Axes", placement: Placement) -> None:
    """The edges of the grid's box."""
    from matplotlib.collections import LineCollection

    corners = np.indices((2, 2, 2)).reshape(3, -1).T
    flat, _ = _project(_centred(placement, corners * np.array(placement.grid.shape) - 0.5))
    apart = np.abs(corners[:, None] - corners[None]).sum(axis=2)
    edges = np.argwhere(np.triu(apart == 1))
    axes.add_collection(LineCollection(list(flat[edges]), colors="#2c3b48", linewidths=0.8))


def _draw_wires(axes: "Axes", netlist: Netlist, flat: Reals, lengths: Words, paint: Reals) -> None:
    """Lines; the few long ones last and least transparent, so that they stand out."""
    from matplotlib.collections import LineCollection

    faint = min(0.8, 40 / max(netlist.wires, 1) ** 0.68)
    part = lengths / max(int(lengths.max(initial=0)), 1)
    paint[:, 3] = faint + (0.9 - faint) * part**3
    order = np.argsort(lengths, kind="stable")
    ends = np.stack([flat[netlist.source], flat[netlist.target]], axis=1)
    axes.add_collection(LineCollection(list(ends[order]), colors=paint[order], linewidths=0.9))


def _draw_neurons(axes: "Axes", netlist: Netlist, placement: Placement, flat: Reals, nearness: Reals) -> None:
    """Dots, the farthest first; outputs are the largest, inputs the smallest."""
    from matplotlib.colors import to_rgba_array

    order = np.argsort(nearness, kind="stable")
    layer = netlist.layer[order]
    part = np.where(layer == 0, 0.8, np.where(layer == netlist.layers - 1, 1.8, 1.1))
    size = min(9.0, 62 / max(placement.grid.shape))
    colours = to_rgba_array([layer_colour(int(one)) for one in layer])
    colours[:, 3] = np.clip(0.55 + 3.0 * (nearness[order] - 0.85), 0.55, 1.0)
    axes.scatter(
        flat[order, 0],
        flat[order, 1],
        s=(part * size * nearness[order]) ** 2,
        c=colours,
        linewidths=0,
        zorder=3,
    )


def _draw_keys(figure: "Figure", netlist: Netlist, colours: "Colormap", longest: int) -> None:
    """Legend of the layers, and the scale of wire lengths."""
    from matplotlib.lines import Line2D

    last = netlist.layers - 1
    names = ["inputs" if one == 0 else "outputs" if one == last else f"layer {one}" for one in range(netlist.layers)]
    dots = [
        Line2D([], [], marker="o", linestyle="", markersize=8, markeredgewidth=0, color=layer_colour(one), label=name)
        for one, name in enumerate(names)
    ]
    figure.legend(
        handles=dots,
        loc="lower left",
        bbox_to_anchor=(0.035, 0.03),
        ncols=len(dots),
        frameon=False,
        labelcolor=_INK,
        fontsize=13,
        handletextpad=0.1,
        columnspacing=1.6,
    )
    bar = figure.add_axes((0.79, 0.065, 0.165, 0.009))
    bar.imshow(np.linspace(0, 1, 256)[None], cmap=colours, aspect="auto")
    bar.set_axis_off()
    for x, text, where in ((0.78, "1", "right"), (0.965, f"{longest}", "left")):
        figure.text(x, 0.0695, text, color=_INK, fontsize=13, ha=where, va="center")
    figure.text(0.8725, 0.036, "wire length", color=_QUIET, fontsize=13, ha="center")
