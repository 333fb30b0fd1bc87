# amaranth: UnusedElaboratable=no
# (a component is elaborated only by Amaranth's own simulator)
"""From an operator graph to a design: the Amaranth component and its Verilog text."""

from dataclasses import replace

from netgen.hdl.header import header_of
from netgen.hdl.top import Top
from netgen.hdl.verilog import module_of
from netgen.ir.circuit import Circuit
from netgen.ir.fixed import bits_of
from netgen.ir.grid import Placement
from netgen.ir.netlist import Netlist
from netgen.ir.ranked import ranked
from netgen.operators.design import Design
from netgen.operators.graph import OperatorGraph
from netgen.operators.schedule import Schedule
from netgen.operators.wiring import sites_of

LARGE = 200_000
"""Operators beyond which the Verilog holds what neurons have in common once, as functions."""


def design_of(
    circuit: Circuit,
    graph: OperatorGraph,
    timing: Schedule,
    netlist: Netlist,
    placement: Placement,
    *,
    title: str,
    comments: bool = False,
    kernels: bool | None = None,
) -> Design:
    """Write a placed circuit as hardware; about 20 us for each operator.

    Args:
        graph: the circuit's operators; timing: the cycles in which they compute.
        netlist, placement: of the circuit; sites become attributes of the neurons' words (`(* site = "3,0,5" *)`).
        title: first lines of the Verilog's head.
        comments: whether each line ends with the range of its values.
        kernels: whether neurons that compute the same call one function; by default where there are more than `LARGE`
            operators.
    """
    sites = sites_of(netlist, placement)
    design = design_with(circuit, graph, timing, verilog="")
    repeated = len(graph.operators) > LARGE if kernels is None else kernels
    body = module_of(design, sites=sites, comments=comments, kernels=repeated)
    return replace(design, verilog=header_of(design, netlist, title, kernels=repeated) + body)


def design_with(circuit: Circuit, graph: OperatorGraph, timing: Schedule, *, verilog: str) -> Design:
    """The design of a circuit whose Verilog was written before."""
    class_width = 0 if graph.best is None else bits_of(0, len(circuit.scores[ranked(circuit)]) - 1)[0]
    score = circuit.score_format
    return Design(
        circuit=circuit,
        graph=graph,
        timing=timing,
        score=score,
        class_width=class_width,
        component=Top(graph, timing, word=circuit.input, score=score, class_width=class_width),
        verilog=verilog,
    )
