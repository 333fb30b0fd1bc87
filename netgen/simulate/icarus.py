"""Icarus Verilog: interprets the emitted Verilog text itself, with unknown bits; built in an instant, slow to run."""

from pathlib import Path

from netgen.ir.fixed import Words
from netgen.operators.design import Design, Simulated
from netgen.progress import Progress, silent
from netgen.simulate.program import Recipe, call, require, run_program, text_of

_SLICE = 250
"""Samples a process; to start one on a circuit of 2,000 wires costs as much as 100 samples."""


def run_icarus(
    design: Design, inputs: Words, *, jobs: int = 1, cache: Path | None = None, progress: Progress = silent
) -> Simulated:
    """Run samples through `top.v` in Icarus Verilog, one per clock, `jobs` slices of them at once.

    The only simulator here that knows unknown bits: it stops when one comes out.

    Raises: SimulatorError, when Icarus is missing or fails.
    """
    return run_program(icarus_recipe(design), design, inputs, jobs=jobs, cache=cache, progress=progress)


def icarus_recipe(design: Design) -> Recipe:
    """How Icarus makes a program of a design, which its `vvp` interprets.

    Raises: SimulatorError, when Icarus is missing.
    """
    iverilog = require("iverilog", "Debian: apt-get install iverilog")
    parameters = {"INPUT_WIDTH": design.input_width, "OUTPUT_WIDTH": design.output_width, "LATENCY": design.latency}
    defined = (f"-Pbench.{name}={value}" for name, value in parameters.items())
    return Recipe(
        name="icarus",
        version=call([iverilog, "-V"], Path.cwd(), tool="iverilog").partition("\n")[0],
        files=(("top.v", design.verilog), ("bench.v", text_of("bench.v"))),
        steps=(
            ("iverilog", ("iverilog", "-g2005-sv", "-s", "bench", *defined, "-o", "bench.vvp", "bench.v", "top.v")),
        ),
        made="bench.vvp",
        starter=("vvp", "-n"),
        slice=_SLICE,
    )
