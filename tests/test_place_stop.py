"""A search ends early only when its progress callback raises Stopped; interrupts leave every placer and bound."""

import importlib
import itertools
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netgen.ir.grid import Grid, Placement, wire_lengths
from netgen.ir.netlist import Netlist
from netgen.ir.regions import free_regions
from netgen.place import METHODS, place
from netgen.place.bounds import BOUNDS, best
from netgen.place.exact import solve
from netgen.place.qap import problem_of
from netgen.progress import Progress, Stopped

EVERY = pytest.mark.parametrize("method", sorted(METHODS))
SEARCHES = pytest.mark.parametrize("method", ["anneal", "auto", "embed", "exact", "tabu"])
GRID = Grid((3, 3, 3))


def dense(neurons: int) -> Netlist:
    """A wire of weight 1 to 9 between any two neurons."""
    source, target = np.triu_indices(neurons, 1)
    weight = np.random.default_rng(0).integers(1, 10, len(source))
    zeros, ones = np.zeros(neurons, np.int64), np.ones(len(source), np.int64)
    return Netlist(zeros, np.arange(neurons), source, target, ones, weight)


def length_of(netlist: Netlist, placement: Placement) -> int:
    return int(wire_lengths(netlist, placement) @ netlist.weights)


def raising(error: type[BaseException], call: int) -> Progress:
    """A callback that raises an error at its `call`-th call, counted from 0, and at every later one."""
    calls = itertools.count()

    def progress(_: str, __: float) -> None:
        if next(calls) >= call:
            raise error

    return progress


def calls_of(run: Callable[[Progress], object]) -> int:
    """How often a whole run calls its progress callback."""
    seen: list[str] = []
    run(lambda what, _: seen.append(what))
    return len(seen)


@EVERY
def test_a_placer_that_is_stopped_at_any_call_still_gives_a_placement(method: str) -> None:
    netlist = dense(12)
    calls = calls_of(lambda progress: place(netlist, GRID, method=method, moves=3_000, progress=progress))
    for call in sorted({0, 1, 2, 3, calls // 2, max(calls - 1, 0)}):
        placement = place(netlist, GRID, method=method, moves=3_000, progress=raising(Stopped, call))
        assert len(np.unique(placement.site, axis=0)) == 12


@EVERY
def test_a_stopped_placer_never_lengthens_its_start(method: str) -> None:
    netlist = dense(12)
    start = place(netlist, GRID, method="anneal", moves=500)
    for call in range(4):
        stopped = place(netlist, GRID, method=method, start=start, moves=3_000, progress=raising(Stopped, call))
        if method not in ("index", "spectral"):  # these ignore a start
            assert length_of(netlist, stopped) <= length_of(netlist, start)


@pytest.mark.parametrize("method", ["anneal", "auto", "embed", "tabu"])
@pytest.mark.parametrize("patience", [1, 3])
def test_a_stopped_search_gives_the_best_placement_that_it_has_reported(method: str, patience: int) -> None:
    netlist = dense(24)
    seen: list[int] = []

    def progress(what: str, _: float) -> None:
        if "length" in what:
            seen.append(int(what.rsplit(maxsplit=1)[-1].replace(",", "")))
        if len(seen) >= patience:
            raise Stopped

    placement = place(netlist, GRID, method=method, moves=2_000_000, progress=progress)
    assert length_of(netlist, placement) <= min(seen)


@EVERY
def test_an_interrupt_at_any_call_leaves_the_placer(method: str) -> None:
    netlist = dense(12)
    calls = calls_of(lambda progress: place(netlist, GRID, method=method, moves=3_000, progress=progress))
    for call in sorted({0, 1, 2, calls // 2, calls - 1} & set(range(calls))):
        with pytest.raises(KeyboardInterrupt):
            place(netlist, GRID, method=method, moves=3_000, progress=raising(KeyboardInterrupt, call))


def test_an_exact_search_that_is_stopped_gives_a_placement_and_a_bound_below_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("netgen.place.bounds.relaxation.MANY_ROUNDS", 5)
    netlist, regions = dense(8), free_regions(dense(8), GRID)
    calls = calls_of(lambda progress: solve(netlist, GRID, regions, moves=3_000, progress=progress))
    for call in (0, 1, 2, calls // 3, calls // 2, calls - 20, calls - 2, calls - 1):
        placement, certificate, _ = solve(netlist, GRID, regions, moves=3_000, progress=raising(Stopped, call))
        assert 0 < certificate.bound <= length_of(netlist, placement)


def test_bounds_that_are_stopped_give_the_largest_so_far_and_an_interrupt_leaves_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("netgen.place.bounds.relaxation.MANY_ROUNDS", 20)
    problem = problem_of(dense(8), GRID, free_regions(dense(8), GRID))
    calls = calls_of(lambda progress: best(problem, progress=progress))
    assert calls > 80  # one for each round of every bound: 30 of `degree`, twice, and 20 of `projection`
    tried = [0, 1, 20, 31, 32, 63, 64, calls - 10, calls - 2, calls - 1]
    found = [best(problem, progress=raising(Stopped, call)).bound for call in tried]
    assert found[0] == BOUNDS["pairs"](problem).bound
    assert found == sorted(found)
    assert found[-1] == best(problem).bound
    for call in tried:
        with pytest.raises(KeyboardInterrupt):
            best(problem, progress=raising(KeyboardInterrupt, call))


@SEARCHES
def test_the_size_of_chunks_changes_no_placement(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    netlist = dense(12)
    whole = place(netlist, GRID, method=method, moves=60_000, seed=3)
    monkeypatch.setattr("netgen.place.kernels.chunks.CHUNK", 77)
    assert np.array_equal(place(netlist, GRID, method=method, moves=60_000, seed=3).site, whole.site)


@pytest.mark.parametrize(
    ("method", "kernel", "work_of"),
    [
        ("anneal", "metropolis", lambda args: args[1]),
        ("embed", "local_metropolis", lambda args: args[2]),
        ("tabu", "tabu_steps", lambda args: 5.5 * args[1]),  # a step on 27 sites takes as long as 4 + 27**2 / 480 moves
        ("exact", "search", lambda args: args[4] - args[1].counts[2]),  # effort until it returns, less what is spent
    ],
)
def test_no_call_of_a_kernel_does_more_than_a_chunk(
    method: str, kernel: str, work_of: Callable[[tuple[Any, ...]], float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupts are noticed between two calls only."""
    module = importlib.import_module(f"netgen.place.{method}")
    compiled, work = getattr(module, kernel), []

    def noted(*args: Any) -> object:
        work.append(work_of(args))
        return compiled(*args)

    monkeypatch.setattr(module, kernel, noted)
    monkeypatch.setattr("netgen.place.kernels.chunks.CHUNK", 1_000)
    place(dense(20), GRID, method=method, moves=300_000)
    assert len(work) > 100
    assert max(work) <= 1_000


@SEARCHES
def test_ctrl_c_ends_a_search_of_any_length(method: str) -> None:
    """10**15 moves take years; without an end to each kernel's call, the process would not be back within a minute."""
    script = f"""
from test_place_stop import *
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job inherits that SIGINT is ignored
def progress(what, fraction):
    if "wire length" in what and ({method!r} != "exact" or "branch" in what):
        print("searching", flush=True)
try:
    place(dense(24), GRID, method={method!r}, moves=10**15, progress=progress)
except KeyboardInterrupt:
    print("interrupted")
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=Path(__file__).parent, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "searching\n"
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert output.splitlines()[-1] == "interrupted"
    assert process.returncode == 0
