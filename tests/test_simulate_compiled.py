"""Compiled simulators in trouble: odd folders, missing tools, full disks, damaged caches, Ctrl-C."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import skip_or_fail
from strategies import designed_as, random_circuit

from netgen.errors import SimulatorError
from netgen.ir.circuit import evaluate
from netgen.operators.design import Design
from netgen.simulate import SIMULATORS, simulate
from netgen.simulate.compiled import Compiled
from netgen.simulate.kept import keep_program, kept_program
from netgen.simulate.recipe import ProgramRecipe

CIRCUIT = random_circuit((3, 4, 2), seed=12)
INPUTS = np.random.default_rng(5).integers(0, 256, (4, 3))
COMPILED = {name: simulator for name, simulator in SIMULATORS.items() if isinstance(simulator, Compiled)}


@pytest.fixture(scope="module")
def design() -> Design:
    return designed_as(CIRCUIT)


def raise_if_different(design: Design, simulator: str, cache: Path | None) -> set[str]:
    """Simulate four samples; return what progress named."""
    heard: set[str] = set()
    found = simulate(design, INPUTS, simulator=simulator, cache=cache, progress=lambda what, _: heard.add(what))
    assert np.array_equal(found.scores, evaluate(CIRCUIT, INPUTS))
    return heard


def needs(simulator: str, design: Design) -> None:
    try:
        COMPILED[simulator].recipe_of(design)
    except SimulatorError as error:
        skip_or_fail(str(error))


@pytest.mark.native
@pytest.mark.parametrize("simulator", COMPILED)
def test_a_simulator_works_in_folders_of_any_name(
    simulator: str, design: Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder for temporary files, the cache and the working folder; the program is built, kept and used again."""
    needs(simulator, design)
    odd = tmp_path / "my work" / '$HOME `id` #1 100% o\'hara "x" \\n ü\n-z;&|*'
    odd.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(odd))
    monkeypatch.chdir(odd)
    assert raise_if_different(design, simulator, Path("cache")) > {"simulate"}
    assert raise_if_different(design, simulator, Path("cache")) == {"simulate"}
    assert [path.name for path in odd.iterdir()] == ["cache"]


@pytest.mark.native
@pytest.mark.parametrize("damage", ["a file", "a link", "no digest", "not executable"])
def test_a_damaged_cache_is_built_again(damage: str, design: Design, tmp_path: Path) -> None:
    """By Icarus, the quickest to build; that a program was changed, all simulators find in `test_simulate`."""
    needs("icarus", design)
    recipe = COMPILED["icarus"].recipe_of(design)
    raise_if_different(design, "icarus", tmp_path)
    folder = tmp_path / recipe.digest
    if damage == "a file":
        folder.rename(tmp_path / "old")
        folder.write_text("")
    elif damage == "a link":
        folder.rename(tmp_path / "old")
        folder.symlink_to(tmp_path / "nowhere")
    elif damage == "no digest":
        (folder / "simulator.sha256").write_bytes(b"\xff\xfe")
    else:
        (folder / "simulator").chmod(0o644)
    if damage != "not executable" or os.geteuid():  # for root, nothing is without permission but what nobody may run
        assert kept_program(recipe, tmp_path) is None
    assert raise_if_different(design, "icarus", tmp_path) > {"simulate"}
    assert kept_program(recipe, tmp_path) == folder / "simulator"


@pytest.mark.native
def test_a_cache_that_cannot_be_written_keeps_nothing_and_changes_no_result(design: Design, tmp_path: Path) -> None:
    needs("icarus", design)
    (tmp_path / "file").write_text("")
    for _ in range(2):
        assert raise_if_different(design, "icarus", tmp_path / "file" / "cache") > {"simulate"}


def test_a_program_is_kept_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full, or Ctrl-C arrives, when the program is copied, or when its digest is written."""
    (tmp_path / "program").write_text("a program")
    recipe = ProgramRecipe("icarus", "1", (), (), "program")
    for error in (OSError(28, "No space left on device"), KeyboardInterrupt()):
        for victim in ("netgen.simulate.kept.shutil.copyfile", "netgen.simulate.kept._digest_of"):
            with monkeypatch.context() as patch:
                patch.setattr(victim, _raiser(error))
                with contextlib.suppress(KeyboardInterrupt):
                    keep_program(recipe, tmp_path / "cache", tmp_path / "program")
            assert not list((tmp_path / "cache").iterdir())
    keep_program(recipe, tmp_path / "cache", tmp_path / "program")
    program = kept_program(recipe, tmp_path / "cache")
    assert program is not None
    assert program.read_text() == "a program"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [recipe.digest]


def _raiser(error: BaseException) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


def _with_tools(folder: Path, tools: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A PATH with nothing on it but these."""
    for tool in tools:
        (folder / tool).symlink_to(str(shutil.which(tool)))
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.native
@pytest.mark.parametrize(
    ("simulator", "tools", "message"),
    [
        ("icarus", ["iverilog"], "vvp not found; install it (Debian: apt-get install iverilog)"),
        ("verilator", ["verilator", "perl"], "make not found; install it (Debian: apt-get install make g++)"),
        ("cxxrtl", ["yosys"], "g++ not found; install it (Debian: apt-get install g++)"),
    ],
)
def test_a_tool_that_is_missing_is_named_before_anything_is_built(
    simulator: str, tools: list[str], message: str, design: Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs(simulator, design)
    _with_tools(tmp_path, tools, monkeypatch)
    with pytest.raises(SimulatorError) as caught:
        raise_if_different(design, simulator, None)
    assert str(caught.value) == f"{message} or use --simulator amaranth"


@pytest.mark.parametrize(
    ("printed", "knows"),
    [("Verilator 4.038 2020-07-11 rev v4.036-114", False), ("Verilator 5.006 2023-01-22 rev (Debian 5.006-3)", True)],
)
def test_verilator_gets_no_option_that_came_later(
    printed: str, *, knows: bool, design: Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pass that `-fno-dfg` leaves out came with version 5.0."""
    for tool, line in (("verilator", f"echo '{printed}'"), ("make", "exit 1")):
        (tmp_path / tool).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    verilator = SIMULATORS["verilator"]
    assert isinstance(verilator, Compiled)
    assert any("-fno-dfg" in command for _, command in verilator.recipe_of(design).steps) == knows


@pytest.mark.native
def test_a_compiler_that_is_missing_or_fails_is_named(
    design: Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Verilator's makefile starts g++, through a shell."""
    needs("verilator", design)
    _with_tools(tmp_path, ["verilator", "perl", "make", "sh", "python3", "cat", "echo", "uname"], monkeypatch)
    with pytest.raises(SimulatorError) as caught:
        raise_if_different(design, "verilator", None)
    assert re.fullmatch(
        r"make failed: .*g\+\+.*([Nn]o such file|not found).*; mend it or use --simulator amaranth", str(caught.value)
    )
    (tmp_path / "g++").write_text("#!/bin/sh\necho 'top.cpp:1: fatal error: out of disk' >&2\nexit 1\n")
    (tmp_path / "g++").chmod(0o755)
    with pytest.raises(SimulatorError) as caught:
        raise_if_different(design, "verilator", None)
    assert str(caught.value) == (
        "make failed: top.cpp:1: fatal error: out of disk; mend it or use --simulator amaranth"
    )


RUN = """
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job inherits that SIGINT is ignored
sys.path.insert(0, {tests!r})
from test_simulate_compiled import CIRCUIT, INPUTS
from strategies import designed_as
from netgen.errors import NetgenError
from netgen.simulate import simulate
design = designed_as(CIRCUIT)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    inputs = INPUTS.repeat({times}, axis=0)
    say = lambda *words: print(*words, flush=True)
    simulate(design, inputs, simulator={simulator!r}, jobs=2, cache=Path("cache"), progress=say)
except NetgenError as error:
    print("one line:", error)
"""


def _script(simulator: str, *, limit: int = -1, times: int = 1) -> list[str]:
    code = RUN.format(tests=str(Path(__file__).parent), simulator=simulator, limit=limit, times=times)
    return [sys.executable, "-c", code]


@pytest.mark.native
def test_a_full_disk_is_one_line(design: Design, tmp_path: Path) -> None:
    """No file may be longer than 1,000 bytes; `top.v` is, and is the first to be written."""
    needs("icarus", design)
    command = _script("icarus", limit=1000)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert re.search(
        r"^one line: icarus: \S+: the file would become larger than ulimit -f or the file system allows; "
        r"raise the limit or set TMPDIR to another folder$",
        done.stdout,
        re.MULTILINE,
    )


@pytest.mark.native
@pytest.mark.parametrize(("simulator", "moment"), [("icarus", "simulate 0"), ("verilator", "make"), ("cxxrtl", "g++")])
def test_an_interrupt_ends_every_process_and_leaves_nothing(
    simulator: str, moment: str, design: Design, tmp_path: Path
) -> None:
    """Ctrl-C during the build of the compiled ones, and during 200,000 samples of Icarus, which take a minute."""
    needs(simulator, design)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = os.environ | {"TMPDIR": str(scratch)}
    command = _script(simulator, times=50_000)
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while not (line := process.stdout.readline()).startswith(moment):
            assert line, "it ended before it could be interrupted"
        while not _working_in(scratch):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert not _working_in(scratch)
    assert not list(scratch.iterdir())
    assert [path.name.partition("-")[0] for path in tmp_path.glob("cache/*")] == ["icarus"] * (simulator == "icarus")


def _working_in(folder: Path) -> list[str]:
    """The processes whose working folder lies in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append(process.name)
    return found
