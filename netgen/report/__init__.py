"""The report of a build (wire lengths, agreement, accuracy, sizes), as data, JSON, text, a page and a picture."""

from netgen.report import record
from netgen.report.agreement import CheckReport, Difference, check, check_model, raise_if_different
from netgen.report.bound import error_bound
from netgen.report.bound_graph import graph_error_bound
from netgen.report.build import BuildReport, build_report, from_json, to_json
from netgen.report.drawing import drawing
from netgen.report.energy import render_energy
from netgen.report.fidelity import HeadFidelity, fidelity, head_fidelity
from netgen.report.front import Front, FrontPoint, front_picture, render_front
from netgen.report.gating import render_gates
from netgen.report.inspection import Inspection, inspection_of, render_inspection
from netgen.report.logic import LogicReport, logic_report
from netgen.report.origin import Origin, origin_of
from netgen.report.page import page
from netgen.report.picture import picture
from netgen.report.routed import render_host, render_routed
from netgen.report.saturation import saturation
from netgen.report.synthesis import render_utilization
from netgen.report.text import render, render_check
from netgen.report.toggles import render_toggles
from netgen.report.wires import LayerWires, WireReport, wire_report

__all__ = [
    "BuildReport",
    "CheckReport",
    "Difference",
    "Front",
    "FrontPoint",
    "HeadFidelity",
    "Inspection",
    "LayerWires",
    "LogicReport",
    "Origin",
    "WireReport",
    "build_report",
    "check",
    "check_model",
    "drawing",
    "error_bound",
    "fidelity",
    "from_json",
    "front_picture",
    "graph_error_bound",
    "head_fidelity",
    "inspection_of",
    "logic_report",
    "origin_of",
    "page",
    "picture",
    "raise_if_different",
    "record",
    "render",
    "render_check",
    "render_energy",
    "render_front",
    "render_gates",
    "render_host",
    "render_inspection",
    "render_routed",
    "render_toggles",
    "render_utilization",
    "saturation",
    "to_json",
    "wire_report",
]
