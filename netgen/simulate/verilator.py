"""Verilator: compiles the emitted Verilog text to a program, for whole test sets."""

import re

from netgen.operators.design import Design
from netgen.simulate.compiled import Compiled, require, version_of
from netgen.simulate.recipe import ProgramRecipe, text_of, words_of
from netgen.simulate.simulator import Cost

_VERILATE = (
    *("--cc", "--exe", "--top-module", "top", "--Mdir", "build", "-o", "simulator", "-Wno-fatal"),
    *("-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert"),
    *("--output-split-cfuncs", "500"),  # short functions compile in 25 % less time
)
_SPLIT = 2
"""Parts of expressions in a C++ file for each assignment, 200,000 at least. That makes about 13 files: each reads a
header that takes 1.2 s at 127,000 assignments, and 5 s at 318,000."""
_WITHOUT_GRAPH = "-fno-dfg"
"""Leaves out a pass that came with version 5, and which takes most of the time and memory of a large circuit: without
it, 87,000 operators take 71 s and 1.1 GB, with it more than 200 s and 2.4 GB."""
_COMPILE = ("OPT_FAST=-O1", "OPT_SLOW=-O0", "OPT_GLOBAL=-O0")  # -O0 runs ten times slower, -O2 no faster


def _recipe_of(design: Design) -> ProgramRecipe:
    """How Verilator, make and a C++ compiler make a program of a design.

    Raises: SimulatorError, when Verilator or make is not installed.
    """
    verilator = require("verilator", "Debian: apt-get install verilator")
    make = require("make", "Debian: apt-get install make g++")
    defines = (
        f"-DINPUT_WORDS={words_of(design.input_width)} -DOUTPUT_WORDS={words_of(design.output_width)} "
        f"-DLATENCY={design.latency} -I.."
    )
    version = version_of(verilator, "--version")
    split = ("--output-split", str(max(200_000, _SPLIT * design.assignments)))
    flags = (*_VERILATE, *split, *([_WITHOUT_GRAPH] if _major(version) >= 5 else []))
    return ProgramRecipe(
        name="verilator",
        version=version,
        files=(
            ("top.v", design.verilog),
            ("harness.cpp", text_of("harness.cpp")),
            ("ports.hpp", text_of("ports_verilator.hpp")),
        ),
        steps=(
            ("verilator", (verilator, *flags, "-CFLAGS", defines, "top.v", "harness.cpp")),
            ("make", (make, "-C", "build", "-f", "Vtop.mk", *_COMPILE)),
        ),
        made="build/simulator",
    )


def _major(version: str) -> int:
    """The first number of what Verilator prints about its version; 0 when it prints none."""
    found = re.search(r"\d+", version)
    return int(found[0]) if found else 0


VERILATOR = Compiled(cost=Cost(start=5.0, build=1.5e-3, run=3e-9, memory=9e3, functions=True), recipe_of=_recipe_of)
"""Processor seconds measured on 2026-11-26, on networks of 543, 2,119 and 13,284 wires: 11, 22 and 49 s to build, of
which 6 s whatever the design; then 4, 2 and 16 us a sample. On 2026-11-28, 127,000 assignments took 1.1 GB; 318,000
with 1,281 functions took 2.6 GB, and 461 s with 16 samples."""
