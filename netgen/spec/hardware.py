"""The sections of a spec about hardware: placement, operators and Verilog, simulation."""

from math import prod
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from netgen.ir.grid import MOST_SITES, Face
from netgen.spec.base import Moves, PositiveInt, Section, SmallCount

Side = Annotated[int, Field(ge=1, le=10_000_000)]
Axes = tuple[Side, Side, Side]
Pitch = Annotated[int, Field(ge=1, le=1_000_000)]
Coordinate = Annotated[int, Field(ge=0, lt=10_000_000)]
SimulatorName = Literal["auto", "verilator", "icarus", "cxxrtl", "amaranth"]
"""The simulators by name, and `auto`; what each is, `netgen.simulate` says."""
VectorCount = Annotated[int, Field(ge=1, le=1_000_000)]


class PlaceSpec(Section):
    """Placement of neurons on the sites of a 3D grid, for the least total Manhattan wire length."""

    method: Literal["auto", "index", "spectral", "matching", "anneal", "embed", "exact", "tabu"] = Field(
        "auto",
        description="placer (docs/placement.md describes each); auto chooses by the numbers of sites and wires; "
        "matching is the layer-by-layer assignment of Blake et al. 2018; exact proves the optimum of small netlists",
    )
    grid: Literal["auto"] | Axes = Field(
        "auto", description="number of sites along x, y and z; auto for the smallest near-cube"
    )
    slack: float = Field(1.0, ge=1, le=100, description="with grid auto: at least this many sites for each neuron")
    pitch: tuple[Pitch, Pitch, Pitch] = Field(
        (1, 1, 1), description="distance between neighboring sites along x, y and z, in units of wire length"
    )
    inputs: Literal["free"] | Face = Field(
        "free",
        description="face of the grid on which all inputs are placed (x0 is the one at x = 0); free for any site",
    )
    outputs: Literal["free"] | Face = Field(
        "free", description="face of the grid on which all outputs are placed; free for any site"
    )
    layered: bool = Field(
        False, description="place each layer in planes of its own, in order along z, as in Blake et al. 2018"
    )
    blocked: tuple[tuple[Coordinate, Coordinate, Coordinate], ...] = Field(
        (), description="sites [x, y, z], from 0, on which no neuron is placed"
    )
    moves: Moves = Field(
        10_000_000, description="effort: proposed moves of simulated annealing, about 0.3 us each on one core"
    )
    weigh: Literal["length", "toggles"] = Field(
        "length",
        description="what the placement minimizes: the length of all wires, or their energy: the length of each times "
        "how many bits of its signal toggle from one training sample to the next, in the order of the data; the wire "
        "length that is reported, and its certificate, are plain lengths",
    )
    certificate: bool = Field(
        True, description="prove a lower bound on the wire length, which limits how far the placement is from optimal"
    )

    @field_validator("grid")
    @classmethod
    def _fits_in_memory(cls, grid: Literal["auto"] | Axes) -> Literal["auto"] | Axes:
        if grid != "auto" and prod(grid) > MOST_SITES:
            raise ValueError(f"{list(grid)} has {prod(grid):,} sites; give it at most {MOST_SITES:,}")
        return grid


class EmitSpec(Section):
    """Operators, pipeline and Verilog of the hardware."""

    sharing: Literal["none", "csd", "shared", "local", "alkaid"] = Field(
        "shared",
        description="how weighted sums become operators: none, a multiplication for each weight, as a readable "
        "baseline; csd, additions of shifted inputs (canonical signed digits) in balanced trees; shared, as csd, but "
        "terms that occur in several neurons are computed once; local, as shared, but additions lie along the wires, "
        "and a term is shared only where that shortens them; alkaid, the solver of that name (pip install "
        "netgen[alkaid])",
    )
    tables: int = Field(
        6,
        ge=0,
        le=8,
        description="a neuron whose inputs have at most this many bits in total becomes one look-up table; 0 for none",
    )
    pipeline: Literal["none", "layer", "levels", "cycles"] = Field(
        "layer",
        description="where pipeline registers are inserted: none, nowhere; layer, after each layer; levels, after "
        "every `steps` levels of operators; cycles, such that the latency is `steps` cycles",
    )
    steps: SmallCount = Field(
        1, description="pipeline levels: levels of operators between registers; pipeline cycles: latency in cycles"
    )
    longest_wire: PositiveInt | None = Field(
        None,
        description="a wire between operators that is longer than this, in units of wire length, gets one more "
        "register; null for no limit",
    )
    comments: bool = Field(False, description="write the range of each value as a comment into the Verilog")
    axis: Literal["none", "parallel", "serial"] = Field(
        "none",
        description="AXI4-Stream wrapper top_axis.v: parallel, one sample in each beat; serial, one input word in each "
        "beat, in order, with tlast on the last; none, no wrapper",
    )
    axis_output: Literal["all", "class"] = Field(
        "all", description="payload of the wrapper's output: all scores, and the class with argmax; or the class only"
    )
    argmax: bool = Field(False, description="append the class, the number of the greatest score, to the output payload")
    vectors: VectorCount = Field(
        16,
        description="samples of the test split with which the self-checking testbench begins; further vectors reach "
        "the entries of tables and the limits of operators that these leave out",
    )

    @model_validator(mode="after")
    def _class_is_there(self) -> Self:
        if self.axis_output == "class" and not self.argmax:
            raise ValueError("axis_output class needs the class; set argmax to true")
        return self


class CheckSpec(Section):
    """Simulation of the hardware on test samples, compared with integer and PyTorch evaluation."""

    simulator: SimulatorName = Field(
        "auto",
        description="verilator compiles the Verilog and is the fastest on whole test sets; icarus interprets the "
        "Verilog, for some hundred samples; cxxrtl compiles it by Yosys; amaranth interprets the component in Python "
        "and needs no installation; auto chooses, of those installed whose build takes at most 60 % of the machine's "
        "memory, the one that should finish first, and asks for verilator where the others would need more than a "
        "minute",
    )
    samples: Literal["all"] | PositiveInt = Field(
        "all", description="number of test samples to simulate, from the first; all"
    )
