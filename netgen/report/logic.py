"""The operators of a build: their number and cost, the wires between them, and the proof."""

from dataclasses import dataclass

from netgen.ir.grid import Placement
from netgen.ir.netlist import Netlist
from netgen.operators.cost import LogicCost, cost_of
from netgen.operators.design import Design
from netgen.operators.prove import Proof
from netgen.operators.wiring import operator_wire_lengths, sites_for, sites_of


@dataclass(frozen=True)
class LogicReport:
    """The operator graph of a build.

    Attributes:
        sharing: how adders are shared, as `emit.sharing` of the spec.
        wires: wires between operators on different sites. A value needs one wire to each site where it is read.
        wire_length: their total length. An operator lies at the site of the neuron that it serves. One that serves
            several neurons lies in the middle of them or, with sharing `local`, on the way to them.
        proof: what is proved for all inputs.
    """

    sharing: str
    cost: LogicCost
    wires: int
    wire_length: int
    proof: Proof


def logic_report(design: Design, netlist: Netlist, placement: Placement, *, sharing: str, proof: Proof) -> LogicReport:
    """Count a design's operators and measure the wires between them."""
    sites = sites_of(netlist, placement)
    at = sites_for(sharing)(design.graph, sites)
    lengths = operator_wire_lengths(design.graph, at, placement.grid.pitch)
    return LogicReport(
        sharing=sharing,
        cost=cost_of(design.graph, design.timing),
        wires=sum(length > 0 for length in lengths),
        wire_length=sum(lengths),
        proof=proof,
    )
