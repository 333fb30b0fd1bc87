"""Simulators that make a program of the Verilog text: it is built once, then reads samples from files."""

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os.path import abspath
from pathlib import Path

import numpy as np

from netgen.errors import SimulatorError, refused
from netgen.ir.fixed import Words
from netgen.operators.design import Design, Payloads, Simulated
from netgen.progress import Progress
from netgen.simulate.kept import keep_program, kept_program
from netgen.simulate.recipe import ProgramRecipe, words_of
from netgen.simulate.simulator import Cost
from netgen.tools import Processes, scratch_folder

_FIX = "mend it or use --simulator amaranth"


@dataclass(frozen=True)
class Compiled:
    """A `Simulator` by a recipe.

    Attributes:
        cost: what it costs.
        recipe_of: how its program is made of a design; raises SimulatorError when a tool is not installed.
    """

    cost: Cost
    recipe_of: Callable[[Design], ProgramRecipe]

    def is_built(self, design: Design, cache: Path | None) -> bool:
        """Whether the cache holds the program of this design, undamaged."""
        recipe = self.recipe_of(design)
        return cache is not None and kept_program(recipe, cache) is not None

    def run(self, design: Design, inputs: Words, *, jobs: int, cache: Path | None, progress: Progress) -> Simulated:
        """Build the program or find it in the cache, and run `jobs` slices of the samples at once."""
        recipe = self.recipe_of(design)
        with scratch_folder(SimulatorError) as scratch:
            try:
                return _run(recipe, design, inputs, scratch, jobs=max(jobs, 1), cache=cache, progress=progress)
            except OSError as error:
                place = f"{recipe.name}: {error.filename or scratch}"
                raise SimulatorError(refused(error, place, "set TMPDIR to another folder")) from error


def _run(
    recipe: ProgramRecipe,
    design: Design,
    inputs: Words,
    scratch: Path,
    *,
    jobs: int,
    cache: Path | None,
    progress: Progress,
) -> Simulated:
    starts = range(0, max(len(inputs), 1), recipe.slice)
    folders = [scratch / f"slice{number}" for number in range(len(starts))]
    results: list[Payloads] = []
    # Whatever ends this block ends the processes first: threads that wait for them then end as well.
    with ThreadPoolExecutor(jobs) as pool, Processes(SimulatorError) as processes:
        program = None if cache is None else kept_program(recipe, cache)
        if program is None:
            program = built(recipe, scratch / "build", processes, jobs, progress)
            if cache is not None:
                keep_program(recipe, cache, program)
        command: list[str | Path] = [*recipe.starter, program]
        progress("simulate", 0.0)

        def run(start: int, folder: Path) -> Payloads:
            return _run_slice(recipe, command, design, inputs[start : start + recipe.slice], folder, processes)

        for result in pool.map(run, starts, folders):
            results.append(result)
            progress("simulate", len(results) / len(folders))
    return design.unpack_outputs(np.concatenate(results))


def built(recipe: ProgramRecipe, folder: Path, processes: Processes, jobs: int, progress: Progress) -> Path:
    """Make the program of a recipe in a new folder.

    Args:
        jobs: processes that `make` may run at once.
    """
    folder.mkdir()
    for name, text in recipe.files:
        (folder / name).write_text(text, encoding="utf-8")
    for number, (tool, command) in enumerate(recipe.steps):
        progress(tool, number / (len(recipe.steps) + 1))
        call(processes, tool, command, folder, jobs)
    program = folder / recipe.made
    program.chmod(0o755)
    return program


def _run_slice(
    recipe: ProgramRecipe,
    command: Sequence[str | Path],
    design: Design,
    inputs: Words,
    folder: Path,
    processes: Processes,
) -> Payloads:
    """Run the program on some samples, in a new folder."""
    folder.mkdir()
    design.pack_inputs(inputs).astype("<u4").tofile(folder / "inputs")
    call(processes, f"{recipe.name}'s program", command, folder)
    words = np.fromfile(folder / "outputs", dtype="<u4")
    row = words_of(design.output_width)
    if len(words) != len(inputs) * row:
        raise SimulatorError(f"{recipe.name} gave {len(words) // row} results for {len(inputs)} samples; {_FIX}")
    shutil.rmtree(folder)
    return words.reshape(-1, row).astype(np.uint32)


def call(processes: Processes, tool: str, command: Sequence[str | Path], folder: Path, jobs: int = 1) -> None:
    """Run a tool.

    Raises: SimulatorError with the tool's own words, when it fails.
    """
    done = processes.run(command, folder, environment={"MAKEFLAGS": f"-j{jobs}"})
    if done.status:
        raise SimulatorError(f"{tool} failed: {done.reason}; {_FIX}")


def require(tool: str, install: str) -> str:
    """Find a tool on the PATH.

    Args:
        install: the command that installs it.
    Returns: its absolute path.
    Raises: SimulatorError, when it is not installed.
    """
    path = shutil.which(tool)
    if path is None:
        raise SimulatorError(f"{tool} not found; install it ({install}) or use --simulator amaranth")
    return abspath(path)


def version_of(tool: str, option: str) -> str:
    """What a tool prints about its version.

    Raises: SimulatorError, when it does not start.
    """
    with scratch_folder(SimulatorError) as scratch, Processes(SimulatorError) as processes:
        done = processes.run([tool, option], scratch)
    if done.status:
        raise SimulatorError(f"{tool} does not start: {done.reason}; {_FIX}")
    return done.out
