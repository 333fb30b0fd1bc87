"""Verilator: compiles the emitted Verilog text itself to a program, for whole test sets.

The program is built once and kept; samples go through it as packed words in files, in slices, a process each.
"""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from netgen.design import Design, Payloads, Simulated
from netgen.errors import SimulatorError
from netgen.fixed import Words
from netgen.progress import Progress, silent

_HARNESS = Path(__file__).parent / "harness.cpp"

_VERILATE = (
    *("--cc", "--exe", "--top-module", "top", "--Mdir", "build", "-o", "simulator", "-Wno-fatal"),
    *("-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert"),
    *("--output-split", "20000", "--output-split-cfuncs", "500"),  # short functions compile in a quarter less time
)
_COMPILE = ("OPT_FAST=-O1", "OPT_SLOW=-O0", "OPT_GLOBAL=-O0")  # -O0 runs at a tenth of the speed, -O2 no faster

_SLICE = 2500
"""Samples a process; not a matter of `jobs`, so that results cannot be either."""


def run_verilator(
    design: Design, inputs: Words, *, jobs: int = 1, cache: Path | None = None, progress: Progress = silent
) -> Simulated:
    """Run samples through the verilated `top.v`, one per clock, `jobs` slices of them at once.

    A network of 13,000 weights takes about 20 s to build on 2 cores, then does 70,000 samples/s.

    Raises: SimulatorError, when Verilator, make or a C++ compiler is missing or fails.
    """
    with tempfile.TemporaryDirectory(prefix="netgen-") as scratch:
        program = _program_of(design, Path(scratch) if cache is None else cache, jobs, progress)
        slices = [inputs[start : start + _SLICE] for start in range(0, max(len(inputs), 1), _SLICE)]
        results: list[Payloads] = []
        progress("simulate", 0.0)
        with ThreadPoolExecutor(max(jobs, 1)) as pool:
            paths = [Path(scratch) / f"slice{number}" for number in range(len(slices))]
            for result in pool.map(lambda part, path: _run(program, design, part, path), slices, paths):
                results.append(result)
                progress("simulate", len(results) / len(slices))
    return design.unpack_outputs(np.concatenate(results))


def _run(program: Path, design: Design, inputs: Words, path: Path) -> Payloads:
    """Put one slice through the program; `path` is the beginning of the names of its files."""
    sent, received = path.with_suffix(".in"), path.with_suffix(".out")
    design.pack_inputs(inputs).astype("<u4").tofile(sent)
    _call([program.absolute(), sent, received], path.parent)
    rows = np.fromfile(received, dtype="<u4").reshape(-1, -(-design.output_width // 32))
    sent.unlink()
    received.unlink()
    return rows.astype(np.uint32)


def _program_of(design: Design, cache: Path, jobs: int, progress: Progress) -> Path:
    """The simulator of a design: from the cache, or built into it."""
    if shutil.which("verilator") is None:
        raise SimulatorError(
            "verilator not found; install it (Debian: apt-get install verilator) or use --simulator amaranth"
        )
    defines = (
        f"-DINPUT_WORDS={-(-design.input_width // 32)} -DOUTPUT_WORDS={-(-design.output_width // 32)} "
        f"-DLATENCY={design.latency}"
    )
    version = _call(["verilator", "--version"], Path.cwd())
    parts = [design.verilog, _HARNESS.read_text(encoding="utf-8"), *_VERILATE, *_COMPILE, defines, version]
    kept = cache / f"verilator-{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}"
    if not (kept / "simulator").is_file():
        with _new_folder(kept) as folder:
            (folder / "top.v").write_text(design.verilog, encoding="utf-8")
            shutil.copy(_HARNESS, folder)
            progress("verilate", 0.0)
            _call(["verilator", *_VERILATE, "-CFLAGS", defines, "top.v", _HARNESS.name], folder)
            progress("compile", 0.25)
            _call(["make", "-C", "build", "-f", "Vtop.mk", f"-j{max(jobs, 1)}", *_COMPILE], folder)
            (folder / "build" / "simulator").rename(folder / "simulator")
            shutil.rmtree(folder / "build")
    return kept / "simulator"


@contextmanager
def _new_folder(place: Path) -> Iterator[Path]:
    """A folder to fill, that is at `place` as soon as it is complete, and never before."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix="building-", dir=place.parent))
    except OSError as error:
        raise SimulatorError(f"{place.parent}: {error.strerror}; choose a folder that can be written") from error
    try:
        yield beside
        with suppress(OSError):  # another process was faster; its folder holds the same
            beside.rename(place)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _call(command: list[str | Path], folder: Path) -> str:
    """Run a tool and return what it prints.

    Raises: SimulatorError with the first line in which the tool names an error, when it fails.
    """
    tool = Path(command[0]).name
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - no shell
    except FileNotFoundError as error:
        raise SimulatorError(f"{tool} not found; install it (Debian: apt-get install make g++)") from error
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        told = [line for line in lines if "error" in line.lower() or "not found" in line.lower()] or lines
        why = told[0] if told else f"exit status {done.returncode}"
        raise SimulatorError(f"{tool} failed: {why}; mend it or use --simulator amaranth")
    return done.stdout
