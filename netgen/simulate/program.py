"""What compiled simulators share: a program is built once and kept, and samples go through it as packed words in files.

A back end says in a `Recipe` how its program is made and started; everything that the program depends on is in it.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from netgen.errors import SimulatorError
from netgen.ir.fixed import Words
from netgen.operators.design import Design, Payloads, Simulated
from netgen.progress import Progress

HOME = Path(__file__).parent


@dataclass(frozen=True)
class Recipe:
    """How to make a program of a design, and how to start it.

    The program reads a file `inputs` in the folder where it is started and writes a file `outputs` beside it: for each
    sample a row of 32-bit words, the lowest first.

    Attributes:
        name: of the back end.
        version: of its tools, as they tell it.
        files: name and text of what lies in the folder where the program is made, `top.v` among it.
        steps: name of a tool and the command that runs it there, one after the other; no matter of jobs.
        made: the file that is the program then; only this one is kept.
        starter: the words that start it, before its path.
        slice: samples a process; not a matter of `jobs`, so that results cannot be either.
    """

    name: str
    version: str
    files: tuple[tuple[str, str], ...]
    steps: tuple[tuple[str, tuple[str, ...]], ...]
    made: str
    starter: tuple[str, ...] = ()
    slice: int = 2500

    def folder_in(self, cache: Path) -> Path:
        """Where the program is kept: a folder named after everything that the program depends on."""
        depends = repr((self.version, self.files, self.steps, self.made))
        return cache / f"{self.name}-{hashlib.sha256(depends.encode()).hexdigest()[:16]}"

    def is_built(self, cache: Path | None) -> bool:
        """Whether the cache holds the program, whole."""
        return cache is not None and _is_whole(self.folder_in(cache) / "simulator")


def run_program(
    recipe: Recipe, design: Design, inputs: Words, *, jobs: int, cache: Path | None, progress: Progress
) -> Simulated:
    """Run samples through the program of a recipe, one per clock, `jobs` slices of them at once.

    Raises: SimulatorError, when the program cannot be made, or stops.
    """
    with tempfile.TemporaryDirectory(prefix="netgen-") as scratch:
        program = _program_of(recipe, Path(scratch) if cache is None else cache, jobs, progress)
        slices = [inputs[start : start + recipe.slice] for start in range(0, max(len(inputs), 1), recipe.slice)]
        folders = [Path(scratch) / f"slice{number}" for number in range(len(slices))]
        results: list[Payloads] = []
        progress("simulate", 0.0)
        with ThreadPoolExecutor(max(jobs, 1)) as pool:
            for result in pool.map(lambda part, folder: _run(recipe, program, design, part, folder), slices, folders):
                results.append(result)
                progress("simulate", len(results) / len(slices))
    return design.unpack_outputs(np.concatenate(results))


def _run(recipe: Recipe, program: Path, design: Design, inputs: Words, folder: Path) -> Payloads:
    """Put one slice through the program, in a folder of its own."""
    folder.mkdir()
    design.pack_inputs(inputs).astype("<u4").tofile(folder / "inputs")
    call([*recipe.starter, program.absolute()], folder, tool=f"{recipe.name}'s program")
    words = np.fromfile(folder / "outputs", dtype="<u4")
    row = words_of(design.output_width)
    if len(words) != len(inputs) * row:
        raise SimulatorError(f"{recipe.name} gave {len(words) // row} results for {len(inputs)} samples; {_WAY_OUT}")
    shutil.rmtree(folder)
    return words.reshape(-1, row).astype(np.uint32)


def _program_of(recipe: Recipe, cache: Path, jobs: int, progress: Progress) -> Path:
    """The program of a recipe: from the cache, or built into it."""
    kept = recipe.folder_in(cache)
    program = kept / "simulator"
    if not _is_whole(program):
        with _new_folder(cache) as folder:
            work = folder / "work"
            work.mkdir()
            for name, text in recipe.files:
                (work / name).write_text(text, encoding="utf-8")
            for number, (tool, command) in enumerate(recipe.steps):
                progress(tool, number / (len(recipe.steps) + 1))
                call(command, work, tool=tool, jobs=jobs)
            (work / recipe.made).rename(folder / "simulator")
            shutil.rmtree(work)
            (folder / "simulator").chmod(0o755)  # vvp's too, so that one rule holds for what is whole
            (folder / "simulator.sha256").write_text(_digest_of(folder / "simulator") + "\n", encoding="utf-8")
            if not _is_whole(program):  # otherwise another process was faster, and its program is the same
                shutil.rmtree(kept, ignore_errors=True)
                with suppress(OSError):
                    folder.rename(kept)
    return program


def _is_whole(program: Path) -> bool:
    """Whether the program is there, and is what was once built."""
    try:
        told = program.with_name("simulator.sha256").read_text(encoding="utf-8")
        return told == _digest_of(program) + "\n" and os.access(program, os.X_OK)
    except (OSError, UnicodeDecodeError):
        return False


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _new_folder(place: Path) -> Iterator[Path]:
    """A folder to fill in some place, which does not outlast its use unless it is renamed."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="building-", dir=place))
    except OSError as error:
        raise SimulatorError(f"{place}: {error.strerror}; choose a folder that can be written") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


_WAY_OUT = "mend it or use --simulator amaranth"


def call(command: Sequence[str | Path], folder: Path, *, tool: str, jobs: int = 1) -> str:
    """Run a tool in a folder and return what it prints.

    Args:
        jobs: processes that `make` may run at once.
    Raises: SimulatorError with the first line in which the tool names an error, when it fails.
    """
    environment = {**os.environ, "MAKEFLAGS": f"-j{max(jobs, 1)}"}
    try:
        done = subprocess.run(  # noqa: S603 - no shell
            command, cwd=folder, env=environment, capture_output=True, text=True, errors="replace", check=False
        )
    except FileNotFoundError as error:
        raise SimulatorError(f"{tool} not found; install it (Debian: apt-get install make g++)") from error
    if done.returncode:
        lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        told = [line for line in lines if any(word in line.lower() for word in ("error", "not found"))] or lines
        why = told[0] if told else f"exit status {done.returncode}"
        raise SimulatorError(f"{tool} failed: {why}; {_WAY_OUT}")
    return done.stdout


def require(tool: str, install: str) -> str:
    """The path of a tool.

    Args:
        install: how to get it.
    Raises: SimulatorError, when it is missing.
    """
    path = shutil.which(tool)
    if path is None:
        raise SimulatorError(f"{tool} not found; install it ({install}) or use --simulator amaranth")
    return path


def words_of(width: int) -> int:
    """32-bit words that a payload takes in a file."""
    return -(-width // 32)


def text_of(name: str) -> str:
    """The text of a file that lies beside this one."""
    return (HOME / name).read_text(encoding="utf-8")
