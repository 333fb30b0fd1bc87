"""What a circuit takes of an FPGA, as synthesis estimates it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Utilization:
    """The cells of a mapped netlist, by what they take; docs/synthesis.md says which cells count as what.

    Each cell counts in exactly one of the classes, so they sum up to all cells; only `lut` holds more: the look-up
    tables inside `carry` cells, where a target's carry cells have some.

    Attributes:
        target: xcup, ecp5, ice40 or gowin.
        yosys: version of the Yosys that mapped it.
        lut: look-up tables, inverters included, for each takes one.
        registers: flip-flops and latches.
        carry: cells of carry chains.
        mux: multiplexers that join look-up tables to wider ones.
        dsp: multiplier blocks; synthesis is told to use none.
        memory: block RAM, look-up tables used as RAM or as shift registers.
        pads: input and output buffers, clock buffers, constants.
        other: cells of no known class, such as black boxes.
        depth: look-up tables in series on the longest path between registers or ports; a carry chain adds none
            beyond the one at which the path enters it. None, when there is a combinational loop.
        cells: number of cells of each type, by name.
    """

    target: str
    yosys: str
    lut: int
    registers: int
    carry: int
    mux: int
    dsp: int
    memory: int
    pads: int
    other: int
    depth: int | None
    cells: dict[str, int]
