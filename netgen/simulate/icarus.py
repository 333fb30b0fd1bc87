"""Icarus Verilog: interprets the emitted Verilog text, with unknown bits; quick to build, slow to run."""

from collections.abc import Mapping
from types import MappingProxyType

from netgen.operators.design import Design
from netgen.simulate.compiled import Compiled, require, version_of
from netgen.simulate.recipe import ProgramRecipe, text_of
from netgen.simulate.simulator import Cost

_INSTALL = "Debian: apt-get install iverilog"
_SLICE = 250
"""Samples for each process; starting one takes as long as 100 samples on a circuit of 2,000 wires."""
_NONE: Mapping[str, int] = MappingProxyType({})


def recipe_of(design: Design, parameters: Mapping[str, int] = _NONE) -> ProgramRecipe:
    """How Icarus makes a program of a design, which its `vvp` interprets.

    Unlike the other simulators, it models unknown bits, and fails when a result has one.

    Args:
        parameters: of `bench.v`, besides those that every run needs.
    Raises: SimulatorError, when Icarus is not installed.
    """
    iverilog, vvp = require("iverilog", _INSTALL), require("vvp", _INSTALL)
    sizes = {"INPUT_WIDTH": design.input_width, "OUTPUT_WIDTH": design.output_width, "LATENCY": design.latency}
    defined = (f"-Pbench.{name}={value}" for name, value in {**sizes, **parameters}.items())
    return ProgramRecipe(
        name="icarus",
        version=version_of(iverilog, "-V").partition("\n")[0],
        files=(("top.v", design.verilog), ("bench.v", text_of("bench.v"))),
        steps=(("iverilog", (iverilog, "-g2005-sv", "-s", "bench", *defined, "-o", "bench.vvp", "bench.v", "top.v")),),
        made="bench.vvp",
        starter=(vvp, "-n"),
        slice=_SLICE,
    )


ICARUS = Compiled(
    cost=Cost(start=0.1, build=1e-4, square=5e-9, run=1.5e-6, memory=8e3, functions=True), recipe_of=recipe_of
)
"""Processor seconds measured on 2026-11-26, on networks of 543, 2,119 and 13,284 wires: 0.1, 0.5 and 10 s to build;
0.06, 0.2 and 1.4 s to start a slice; then 0.3, 1.7 and 29 ms a sample. 1.35 million operators in
place took more than 14 GB. With functions, 318,000 assignments took 2.2 GB, and more than 158 s to build: it looks for
each wire among all others."""
