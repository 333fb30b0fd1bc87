"""What searching adds to the state that every placer passes: exact bookkeeping, known optima, interrupts, repeats."""

import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netgen.place.auto
import netgen.place.tabu
from netgen.ir.fixed import Words
from netgen.ir.grid import Grid, Placement, auto_grid, wire_lengths
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions, free_regions
from netgen.place import METHODS, place
from netgen.place.kernels.tabu import tabu_state_of, tabu_steps
from netgen.place.qap import problem_of

QAPLIB = Path(os.environ.get("NETGEN_QAPLIB", "qaplib"))
NEEDS_QAPLIB = pytest.mark.skipif(not (QAPLIB / "instances.json").exists(), reason="NETGEN_QAPLIB is not set")


def netlist_of(weight: np.ndarray[Any, np.dtype[np.int64]]) -> Netlist:
    """One wire for each non-zero entry above the diagonal."""
    source, target = np.nonzero(np.triu(weight, 1))
    ones, zeros = np.ones(len(source), np.int64), np.zeros(len(weight), np.int64)
    return Netlist(zeros, np.arange(len(weight)), source, target, ones, weight[source, target])


def dense(neurons: int, seed: int = 0) -> Netlist:
    return netlist_of(np.random.default_rng(seed).integers(0, 10, (neurons, neurons)))


def length_of(netlist: Netlist, placement: Placement) -> int:
    return int(wire_lengths(netlist, placement) @ netlist.weights)


def hypercube(dimensions: int) -> Netlist:
    order = np.random.default_rng(3).permutation(1 << dimensions)
    weight = np.zeros((1 << dimensions, 1 << dimensions), np.int64)
    for i, k in itertools.product(range(1 << dimensions), range(dimensions)):
        weight[order[i], order[i ^ 1 << k]] = 1
    return netlist_of(weight)


@pytest.mark.parametrize("whole", [np.int32, np.int64])
@pytest.mark.parametrize("reach", [1, 1 << 15])
def test_a_walk_keeps_what_a_recount_finds(whole: type, reach: int) -> None:
    """10 neurons and 2 free sites on 4 x 3; item 0 may not use site 5. Steps of 2**15 just fit 32 bits."""
    netlist, grid = dense(10), Grid((4, 3, 1), (reach, 2 * reach, 1))
    problem = problem_of(netlist, grid, free_regions(netlist, grid))
    flow: np.ndarray[Any, Any] = np.zeros((12, 12), whole)
    flow[:10, :10] = problem.adjacency.toarray()
    apart = np.abs(problem.point[:, None] - problem.point).sum(axis=2).astype(whole)
    may = np.ones((12, 12), bool)
    may[0, 5] = False
    state = tabu_state_of(flow, apart, may, np.arange(12), np.uint64(7))
    length = shortest = problem.length_of(np.arange(10))
    assert state.counts.tolist() == [0, length, length]
    for _ in range(300):
        tabu_steps(state, 1, 5, 3)
        now = int((flow.astype(np.int64) * apart[np.ix_(state.site, state.site)]).sum()) // 2
        shortest = min(shortest, now)
        assert state.counts[1:].tolist() == [now, shortest]
        assert state.site[0] != 5
    assert state.counts[0] == 300
    assert int((flow.astype(np.int64) * apart[np.ix_(state.best, state.best)]).sum()) // 2 == shortest < length


def test_every_step_of_a_walk_makes_the_least_lengthening_swap_that_is_open() -> None:
    """All swaps are recounted; for 5 steps after both items left, a swap back is closed, but for a record."""
    random = np.random.default_rng(4)
    flow = random.integers(0, 9, (9, 9)).astype(np.int32)
    flow += flow.T
    np.fill_diagonal(flow, 0)
    apart = np.abs(np.arange(9)[:, None] - np.arange(9)).astype(np.int32)

    def length(site: np.ndarray[Any, Any]) -> int:
        return int((flow * apart[np.ix_(site, site)]).sum()) // 2

    state = tabu_state_of(flow, apart, np.ones((9, 9), bool), np.arange(9), np.uint64(3))
    shortest, left = length(np.arange(9)), np.full((9, 9), -9)  # when an item left a site
    for step in range(60):
        before = state.site.copy()
        opened = []
        for i, j in itertools.combinations(range(9), 2):
            swapped = before.copy()
            swapped[[i, j]] = swapped[[j, i]]
            both_were_there = step - min(left[i, swapped[i]], left[j, swapped[j]]) < 5
            if not both_were_there or length(swapped) < shortest:
                opened.append(length(swapped))
        tabu_steps(state, 1, 5, 1)
        moved = np.flatnonzero(state.site != before)
        left[moved, before[moved]] = step
        assert length(state.site) == min(opened)
        shortest = min(shortest, length(state.site))


def test_a_child_takes_the_place_of_its_like_or_else_of_the_longest_only_if_it_is_shorter() -> None:
    """20 sites in a row: alike is what differs in less than two of them, mirror images counted as the same."""
    images = netgen.place.tabu._images(Grid((20, 1, 1), (1, 1, 1)))
    order, far = np.arange(20), np.roll(np.arange(20), 7)
    other = np.random.default_rng(1).permutation(20)
    family = [(10, order), (30, far)]

    def lengths(length: int, child: Words) -> list[int]:
        return [member for member, _ in netgen.place.tabu._replaced(family, [(length, child)], images)]

    assert lengths(9, order) == [9, 30]  # of its like
    assert lengths(9, order[::-1].copy()) == [9, 30]  # of its mirror image
    assert lengths(20, order) == [10, 30]  # longer than its like: it is not taken in the longest one's place
    assert lengths(20, other) == [10, 20]  # unlike all: of the longest
    assert lengths(30, other) == [10, 30]


def test_tabu_search_finds_what_trying_all_placements_finds() -> None:
    netlist, grid = dense(6, seed=1), Grid((4, 2, 1), (1, 3, 1))
    best = min(
        length_of(netlist, Placement(grid, grid.coordinates[list(choice)]))
        for choice in itertools.permutations(range(8), 6)
    )
    assert length_of(netlist, place(netlist, grid, method="tabu", moves=20_000)) == best


def test_tabu_search_is_exact_beyond_32_bits() -> None:
    """Lengths near 2**55, where floating point numbers are 8 apart."""
    netlist, grid = (
        netlist_of((1 << 22) + np.random.default_rng(1).integers(0, 9, (4, 4))),
        Grid((2, 2, 1), (1 << 30, 1, 1)),
    )
    best = min(
        length_of(netlist, Placement(grid, grid.coordinates[list(choice)]))
        for choice in itertools.permutations(range(4))
    )
    assert length_of(netlist, place(netlist, grid, method="tabu", moves=20_000)) == best


@pytest.mark.parametrize("method", ["anneal", "auto"])
@pytest.mark.parametrize(("sizes", "wires", "moves"), [((300, 150, 50), 3_000, 60_000), ((100, 70, 30), 600, 60_000)])
def test_few_moves_mend_a_placement_after_a_small_change(
    method: str, sizes: tuple[int, int, int], wires: int, moves: int
) -> None:
    """A few hundred moves a neuron, from the old placement, once 7 % of the wires are cut and 1 % are new ones."""
    random = np.random.default_rng(2)
    layer = np.repeat(np.arange(3), sizes)
    index = np.concatenate([np.arange(size) for size in sizes])
    depth = random.integers(0, 2, wires)
    first = np.cumsum([0, *sizes])
    source = first[depth] + random.integers(0, np.array(sizes)[depth])
    target = first[depth + 1] + random.integers(0, np.array(sizes)[depth + 1])
    ones = np.ones(wires, np.int64)
    old, new = (
        Netlist(layer, index, source[kept], target[kept], ones[kept])
        for kept in (slice(0, wires * 99 // 100), slice(wires * 7 // 100, None))
    )
    grid = auto_grid(old, slack=1.0, pitch=(1, 1, 1))
    start = place(old, grid, moves=2_000_000)
    mended = length_of(new, place(new, grid, method=method, start=start, moves=moves))
    assert mended < length_of(new, start)


@pytest.mark.parametrize("method", ["anneal", "auto", "tabu"])
def test_cores_change_nothing(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    netlist, grid = dense(24), Grid((3, 3, 3))
    results = []
    for cores in (1, 2, 5):
        monkeypatch.setattr("netgen.place.threads.cpu_count", lambda cores=cores: cores)
        results.append(place(netlist, grid, method=method, moves=2_000_000, seed=4).site.tolist())
    assert results[0] == results[1] == results[2]


def test_auto_chooses_by_size_and_density(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[str] = []

    def named(name: str) -> Callable[..., Placement]:
        def placer(netlist: Netlist, grid: Grid, _: Regions, **options: object) -> Placement:
            assert set(options) == {"start", "moves", "seed", "progress"}
            chosen.append(name)
            return Placement(grid, grid.coordinates[: netlist.neurons])

        return placer

    monkeypatch.setattr(netgen.place.auto, "METHODS", {m: named(m) for m in ("anneal", "embed", "tabu")})
    place(dense(150), Grid((6, 5, 5)), method="auto")
    place(dense(150), Grid((151, 1, 1)), method="auto")
    place(hypercube(8), Grid((8, 8, 4)), method="auto")
    assert chosen == ["tabu", "anneal", "anneal", "embed", "embed"]


@pytest.mark.parametrize(("shape", "better"), [((6, 6, 6), "embed"), (None, "anneal")])
def test_auto_finds_out_which_method_suits_a_sparse_netlist(
    shape: tuple[int, int, int] | None, better: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shuffled grid of neurons, and 600 random wires between two layers of 120 and 96."""
    random = np.random.default_rng(5)
    if shape is None:
        source, target = random.integers(0, 120, 600), random.integers(120, 216, 600)
    else:
        number = random.permutation(216).reshape(shape)
        source = np.concatenate([number.take(range(5), axis).ravel() for axis in range(3)])
        target = np.concatenate([number.take(range(1, 6), axis).ravel() for axis in range(3)])
    zeros = np.zeros(216, np.int64)
    netlist = Netlist(zeros, np.arange(216), source, target, np.ones(len(source), np.int64))
    chosen: list[str] = []

    def noted(name: str) -> Callable[..., Placement]:
        def placer(*args: Any, **options: Any) -> Placement:
            chosen.append(name)
            return METHODS[name](*args, **options)

        return placer

    monkeypatch.setattr(netgen.place.auto, "METHODS", {m: noted(m) for m in ("anneal", "embed")})
    place(netlist, Grid((6, 6, 6)), moves=400_000)
    assert chosen == ["anneal", "embed", better]


def test_auto_solves_a_shuffled_hypercube() -> None:
    """Q9 on 8 x 8 x 8: by Harper's inequality, 3 axes of 2**6 * 2**2 * (2**3 - 1) = 1,792."""
    assert length_of(hypercube(9), place(hypercube(9), Grid((8, 8, 8)))) == 5376


def _instance(name: str) -> tuple[Netlist, Grid, int]:
    entry = next(e for e in json.loads((QAPLIB / "instances.json").read_text()) if e["name"] == name)
    size, *numbers = map(int, (QAPLIB / f"{name}.dat").read_text().split())
    both = np.array(numbers).reshape(2, size, size)
    shape, pitch = ([*entry[key], 1, 1][:3] if key in entry else [1] * 3 for key in ("grid_shape", "axis_pitch"))
    netlist = netlist_of(both[1 if entry["distance_matrix"] == "A" else 0])
    return netlist, Grid((shape[0], shape[1], shape[2]), (pitch[0], pitch[1], pitch[2])), entry["wire_length_half"]


@NEEDS_QAPLIB
@pytest.mark.parametrize("name", ["nug12", "nug30", "scr20", "kra32", "ste36a", "sko42"])
def test_auto_reaches_the_best_known_length(name: str) -> None:
    netlist, grid, best_known = _instance(name)
    assert length_of(netlist, place(netlist, grid)) == best_known
