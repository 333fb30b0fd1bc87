"""The FPGA resources of a circuit, as synthesis estimates them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Utilization:
    """The cells of a mapped netlist by class; docs/synthesis.md lists the cell types of each class.

    Each cell counts in exactly one class, so that the classes sum up to all cells, with one exception: where a target's
    carry cells contain look-up tables, these count in `lut` as well.

    Attributes:
        target: xcup, ecp5, ice40 or gowin.
        yosys: version of the Yosys that mapped it.
        lut: look-up tables, and inverters, each of which occupies one.
        registers: flip-flops and latches.
        carry: cells of carry chains.
        mux: multiplexers that join look-up tables to wider ones.
        dsp: multiplier blocks; netgen has synthesis use none.
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
