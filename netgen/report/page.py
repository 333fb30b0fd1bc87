"""The report page: one HTML file that needs no network, with the circuit in 3D."""

import json
from html import escape
from importlib.resources import files
from string import Template

import numpy as np

from netgen.ir.grid import Placement
from netgen.ir.netlist import Netlist
from netgen.report import palette
from netgen.report.build import BuildReport
from netgen.report.fragments import accuracy_rows, check_facts, figures, format_rows, port_rows, wire_rows


def page(report: BuildReport, netlist: Netlist, before: Placement, after: Placement) -> str:
    """A self-contained HTML page; about 5 MB, nearly all of it plotly.js.

    Tables and figures are plain HTML; the browser draws the 3D view and the histograms from the netlist and its two
    placements, which the page holds as JSON (about 12 bytes a wire).
    """
    from plotly.offline import get_plotlyjs

    folder = files("netgen.report")
    rows, total = wire_rows(report.wires)
    values = {
        "name": escape(report.name),
        "sizes": " &ndash; ".join(map(str, report.sizes)),
        "verdict": "exact" if report.check.difference is None else "differs",
        "figures": figures(report),
        "wire_rows": rows,
        "wire_total": total,
        "accuracy": accuracy_rows(report),
        "check": check_facts(report.check),
        "formats": format_rows(report),
        "ports": port_rows(report.ports),
        "latency": f"{report.latency} clock cycle{'s' * (report.latency != 1)}",
        "version": escape(report.netgen),
        "css": (folder / "page.css").read_text(encoding="utf-8"),
        "js": (folder / "page.js").read_text(encoding="utf-8"),
        "plotly": get_plotlyjs(),
        "data": json.dumps(circuit_data(netlist, before, after), separators=(",", ":"), sort_keys=True),
    }
    return Template((folder / "page.html").read_text(encoding="utf-8")).substitute(values)


def circuit_data(netlist: Netlist, before: Placement, after: Placement) -> dict[str, object]:
    """What the page's script draws: sites flat, x y z neuron by neuron, in units of the pitch; no text of the user."""
    pitch = np.array(after.grid.pitch)
    return {
        "names": netlist.names,
        "layer": netlist.layer.tolist(),
        "layers": netlist.layers,
        "source": netlist.source.tolist(),
        "target": netlist.target.tolist(),
        "shape": list(after.grid.shape),
        "pitch": pitch.tolist(),
        "before": (before.site * pitch).ravel().tolist(),
        "after": (after.site * pitch).ravel().tolist(),
        "lengths": list(palette.LENGTHS),
        "colours": [palette.layer_colour(layer) for layer in range(netlist.layers)],
    }
