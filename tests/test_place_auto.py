"""The default method: its choice by size and density, its results, and placement after a small change."""

import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from netlists import dense, from_matrix, length_of

import netgen.place.auto
from netgen.ir.grid import Grid, Placement, auto_grid
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions
from netgen.place import METHODS, place

QAPLIB = Path(os.environ.get("NETGEN_QAPLIB", "qaplib"))
NEEDS_QAPLIB = pytest.mark.skipif(not (QAPLIB / "instances.json").exists(), reason="NETGEN_QAPLIB is not set")


def hypercube(dimensions: int) -> Netlist:
    order = np.random.default_rng(3).permutation(1 << dimensions)
    weight = np.zeros((1 << dimensions, 1 << dimensions), np.int64)
    for i, k in itertools.product(range(1 << dimensions), range(dimensions)):
        weight[order[i], order[i ^ 1 << k]] = 1
    return from_matrix(weight)


@pytest.mark.parametrize("method", ["anneal", "auto"])
@pytest.mark.parametrize(("sizes", "wires", "moves"), [((300, 150, 50), 3_000, 60_000), ((100, 70, 30), 600, 60_000)])
def test_few_moves_improve_a_placement_after_a_small_change(
    method: str, sizes: tuple[int, int, int], wires: int, moves: int
) -> None:
    """A few hundred moves for each neuron, from the old placement, after 7 % of the wires are removed and 1 % added."""
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
    improved = length_of(new, place(new, grid, method=method, start=start, moves=moves))
    assert improved < length_of(new, start)


@pytest.mark.parametrize("method", ["anneal", "auto", "tabu"])
def test_the_number_of_cores_changes_no_placement(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_auto_tries_two_methods_on_a_sparse_netlist_and_goes_on_with_the_better(
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
    netlist = from_matrix(both[1 if entry["distance_matrix"] == "A" else 0])
    return netlist, Grid((shape[0], shape[1], shape[2]), (pitch[0], pitch[1], pitch[2])), entry["wire_length_half"]


@NEEDS_QAPLIB
@pytest.mark.parametrize("name", ["nug12", "nug30", "scr20", "kra32", "ste36a", "sko42"])
def test_auto_reaches_the_best_known_length(name: str) -> None:
    netlist, grid, best_known = _instance(name)
    assert length_of(netlist, place(netlist, grid)) == best_known
