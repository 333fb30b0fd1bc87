"""The report page: one HTML file that loads nothing else, with the circuit in 3D."""

import json
from html import escape
from importlib.resources import files
from string import Template

import numpy as np

from netgen.ir.grid import Placement
from netgen.ir.netlist import Netlist
from netgen.report import palette
from netgen.report.build import BuildReport
from netgen.report.energy import energy_sections
from netgen.report.facts import logic_facts, origin_facts, size_line
from netgen.report.fragments import (
    accuracy_groups,
    check_items,
    fact_items,
    figures,
    format_rows,
    port_rows,
    warning_items,
    wire_rows,
)
from netgen.report.gating import gate_sections
from netgen.report.packed import packed, packed_plotly

SCRIPTS = ("page", "histograms", "circuit")
"""Joined in this order to one script, so that they share their names."""


def page(report: BuildReport, netlist: Netlist, before: Placement, after: Placement) -> str:
    """Write a self-contained HTML page of less than 2 MB, nearly all of it plotly.js, for up to 20,000 wires.

    Tables and figures are plain HTML; the browser draws the 3D view and the histograms from the netlist and its two
    placements, which the page holds as packed JSON (about 4 bytes a wire).
    """
    folder = files("netgen.report")
    rows, total = wire_rows(report.wires)
    values = {
        "name": escape(report.name),
        "sizes": size_line(report).replace("-", " &ndash; "),
        "verdict": "exact" if report.check.difference is None else "differs",
        "figures": figures(report),
        "wire_rows": rows,
        "wire_total": total,
        "energy": energy_sections(report.energy),
        "gates": gate_sections(report.gates),
        "warnings": warning_items(report),
        "claim": escape(report.wires.claim),
        "accuracy": accuracy_groups(report),
        "check": check_items(report.check),
        "logic": fact_items(logic_facts(report.logic)),
        "origin": fact_items(origin_facts(report)),
        "formats": format_rows(report),
        "ports": port_rows(report.ports),
        "latency": f"{report.latency} clock cycle{'s' * (report.latency != 1)}",
        "version": escape(report.netgen),
        "css": (folder / "page.css").read_text(encoding="utf-8"),
        "unpack": (folder / "unpack.js").read_text(encoding="utf-8"),
        "js": "".join((folder / f"{part}.js").read_text(encoding="utf-8") for part in SCRIPTS),
        "plotly": packed_plotly(),
        "data": packed(json.dumps(circuit_data(netlist, before, after), separators=(",", ":"), sort_keys=True)),
    }
    return Template((folder / "page.html").read_text(encoding="utf-8")).substitute(values)


def circuit_data(netlist: Netlist, before: Placement, after: Placement) -> dict[str, object]:
    """What the script of the page draws. Sites are flat lists, x y z neuron by neuron, in units of the pitch."""
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
