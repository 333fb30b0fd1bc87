"""No bound exceeds the wire length of any placement, and every certificate can be verified independently."""

import itertools
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from quadratic import NUG12, SCR12, random_instance, shortest, stated, weighted

from netgen.errors import FitError
from netgen.ir.grid import Grid, wire_lengths
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions, free_regions
from netgen.place import place
from netgen.place.bounds import BOUNDS, best
from netgen.place.certificate import Certificate
from netgen.place.verify import verify

EVERY = pytest.mark.parametrize("name", sorted(BOUNDS))
WITNESSED = pytest.mark.parametrize("name", sorted(set(BOUNDS) - {"pairs"}))


def grid_graph(*shape: int) -> Netlist:
    """A wire between any two neurons that are one step apart."""
    points = list(itertools.product(*map(range, shape)))
    pairs = itertools.combinations(range(len(points)), 2)
    near = [(i, j) for i, j in pairs if sum(abs(a - b) for a, b in zip(points[i], points[j], strict=True)) == 1]
    return weighted(len(points), [(i, j, 1) for i, j in near])


def hypercube(dimensions: int) -> Netlist:
    neurons = range(2**dimensions)
    return weighted(2**dimensions, [(i, i ^ 1 << k, 1) for i in neurons for k in range(dimensions) if i < i ^ 1 << k])


KNOWN = {
    "grid graph": (grid_graph(4, 3, 2), Grid((4, 3, 2)), 46),
    "hypercube": (hypercube(6), Grid((4, 4, 4)), 288),  # by Harper: 3 axes of 2**4 * 2**1 * (2**2 - 1)
    "nug12": (NUG12, Grid((4, 3, 1)), 289),
    "scr12": (SCR12, Grid((4, 3, 1)), 15_705),
    "star": (weighted(7, [(0, k, 1) for k in range(1, 7)]), Grid((3, 3, 3)), 6),
    "path": (weighted(9, [(k, k + 1, 3) for k in range(8)]), Grid((9, 1, 1)), 24),
    "path of steep pitch": (weighted(4, [(k, k + 1, 1) for k in range(3)]), Grid((2, 1, 2), (1, 1, 9)), 11),
    "two neurons": (weighted(2, [(0, 1, 7)]), Grid((2, 1, 1), (5, 1, 1)), 35),
    "no wire": (weighted(3, []), Grid((2, 2, 1)), 0),
    "weightless wire": (weighted(3, [(0, 1, 0), (1, 1, 4)]), Grid((2, 2, 1)), 0),
    "one neuron": (weighted(1, []), Grid((1, 1, 1)), 0),
    "no neuron": (weighted(0, []), Grid((2, 1, 1)), 0),
}
CASE = pytest.mark.parametrize("case", KNOWN)


def few_rounds(monkeypatch: pytest.MonkeyPatch, rounds: int) -> None:
    monkeypatch.setattr("netgen.place.bounds.relaxation.MANY_ROUNDS", rounds)


@pytest.mark.parametrize("seed", range(20))
def test_no_bound_exceeds_the_optimum_that_brute_force_finds(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """1,000 instances in all; few rounds of ADMM, which must not matter, keep them fast."""
    random = np.random.default_rng(seed)
    few_rounds(monkeypatch, int(random.integers(1, 20)))
    for _ in range(50):
        netlist, grid, regions = random_instance(random)
        optimum = shortest(netlist, grid, regions)
        for bound in BOUNDS.values():
            certificate = bound(stated(netlist, grid, regions))
            assert 0 <= certificate.bound <= optimum
            assert verify(certificate, netlist, grid, regions)


@pytest.mark.parametrize("seed", range(4))
def test_no_bound_exceeds_the_optimum_however_long_the_wires(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights of up to 2**57 times steps of up to 2**49, as far as lengths are below 2**60."""
    random = np.random.default_rng(seed)
    few_rounds(monkeypatch, 3)
    tried = 0
    while tried < 10:
        wires = random.integers(0, 5, (4, 2)).tolist()
        heaviest = 1 << int(random.integers(1, 58))
        netlist = weighted(5, [(a, b, int(random.integers(heaviest))) for a, b in wires])
        grid = Grid((3, 2, 1), (1 << int(random.integers(0, 50)), 1, 1))
        regions = free_regions(netlist, grid)
        try:
            problem = stated(netlist, grid)
        except FitError:
            continue
        tried += 1
        optimum = shortest(netlist, grid, regions)
        for bound in BOUNDS.values():
            certificate = bound(problem)
            assert 0 <= certificate.bound <= optimum
            assert verify(certificate, netlist, grid, regions)


@CASE
@EVERY
def test_no_bound_exceeds_a_known_optimum(name: str, case: str) -> None:
    netlist, grid, optimum = KNOWN[case]
    certificate = BOUNDS[name](stated(netlist, grid))
    assert certificate.method == name
    assert 0 <= certificate.bound <= optimum
    assert verify(certificate, netlist, grid, free_regions(netlist, grid))


@pytest.mark.parametrize(
    ("case", "name", "least"),
    [
        ("star", "degree", 6),
        ("star", "gilmore_lawler", 6),
        ("path", "pairs", 24),
        ("grid graph", "pairs", 46),
        ("path of steep pitch", "gilmore_lawler", 11),
        ("two neurons", "gilmore_lawler", 35),
        ("nug12", "gilmore_lawler", 247),  # 493 / 2, published (QAPLIB)
        ("nug12", "projection", 250),
        ("hypercube", "projection", 269),  # what the eigenvalues of both prove; stars prove 192
    ],
)
def test_bounds_are_tight_where_they_should_be(case: str, name: str, least: int) -> None:
    netlist, grid, _ = KNOWN[case]
    assert BOUNDS[name](stated(netlist, grid)).bound >= least


def test_the_best_bound_is_the_largest() -> None:
    problem = stated(NUG12, Grid((4, 3, 1)))
    assert best(problem).bound == max(bound(problem).bound for bound in BOUNDS.values())


def test_a_large_box_is_bounded_without_dense_matrices() -> None:
    """On 2 x 10^6 sites, a star of 8: six neighbors one step away, two of them two."""
    netlist, grid = weighted(9, [(0, k, 1) for k in range(1, 9)]), Grid((200, 100, 100))
    assert best(stated(netlist, grid)).bound == 10


def test_the_length_of_a_layered_network_is_within_half_of_the_bound() -> None:
    """60 + 40 + 10 neurons and some 480 wires, in 5 x 5 x 5."""
    random = np.random.default_rng(0)
    ends = {(int(random.integers(0, 60)), 60 + int(random.integers(0, 40))) for _ in range(420)}
    ends |= {(60 + int(random.integers(0, 40)), 100 + int(random.integers(0, 10))) for _ in range(100)}
    netlist, grid = weighted(110, [(a, b, 1) for a, b in sorted(ends)]), Grid((5, 5, 5))
    length = int(wire_lengths(netlist, place(netlist, grid, method="anneal", moves=500_000)).sum())
    assert best(stated(netlist, grid)).bound <= length <= 1.5 * best(stated(netlist, grid)).bound


def test_sites_that_no_neuron_may_use_raise_the_bound() -> None:
    """Two neurons pinned to the ends of a row of 5: their wire is 4 long; free, it would be 1."""
    netlist, grid = weighted(2, [(0, 1, 3)]), Grid((5, 1, 1))
    allowed = np.zeros((2, 5), np.bool_)
    allowed[0, 0] = allowed[1, 4] = True
    pinned = Regions(np.array([0, 1]), allowed)
    assert best(stated(netlist, grid, pinned)).bound == 12
    assert best(stated(netlist, grid)).bound == 3


def test_a_pin_raises_the_bound_of_a_star() -> None:
    """Two leaves of a neuron in a row of 5 are 1 + 1 away, or 1 + 2 when it is pinned to the end."""
    netlist, grid = weighted(3, [(0, 1, 1), (0, 2, 1)]), Grid((5, 1, 1))
    allowed = np.ones((2, 5), np.bool_)
    allowed[1, 1:] = False
    assert BOUNDS["gilmore_lawler"](stated(netlist, grid)).bound == 2
    assert BOUNDS["gilmore_lawler"](stated(netlist, grid, Regions(np.array([1, 0, 0]), allowed))).bound == 3


@EVERY
def test_a_larger_bound_than_the_witness_proves_is_rejected(name: str) -> None:
    certificate, netlist, grid = certified(name)
    assert verify(certificate, netlist, grid, free_regions(netlist, grid))
    greedy = replace(certificate, bound=certificate.bound + 1)
    assert not verify(greedy, netlist, grid, free_regions(netlist, grid))


@EVERY
def test_a_certificate_of_a_heavier_graph_is_rejected(name: str) -> None:
    certificate, netlist, grid = certified(name)
    lighter = replace(netlist, weight=netlist.weights - (np.arange(netlist.wires) < 10))
    assert not verify(certificate, lighter, grid, free_regions(netlist, grid))


@EVERY
def test_a_certificate_of_a_larger_pitch_is_rejected(name: str) -> None:
    certificate, netlist, grid = certified(name)
    flat = replace(grid, pitch=(1, 1, 1))
    assert not verify(certificate, netlist, flat, free_regions(netlist, grid))


@cache
def certified(name: str) -> tuple[Certificate, Netlist, Grid]:
    grid = Grid((4, 3, 1), (2, 1, 1))
    return BOUNDS[name](stated(NUG12, grid)), NUG12, grid


def rejects(name: str, **changed: Any) -> bool:
    certificate, netlist, grid = certified(name)
    forged = replace(certificate, witness={**certificate.witness, **changed})
    return not verify(forged, netlist, grid, free_regions(netlist, grid))


@pytest.mark.parametrize("name", ["gilmore_lawler", "projection"])
def test_a_tampered_split_or_price_is_rejected(name: str) -> None:
    witness = certified(name)[0].witness
    one = np.zeros_like(witness["split"])
    one[3, 5] = 5 * int(witness["scale"])
    first = np.arange(12) == 0
    assert rejects(name, split=witness["split"] + one)
    assert rejects(name, split=witness["split"] - one)
    assert rejects(name, split=witness["split"][:11, :11])
    assert rejects(name, split=witness["split"] + np.int64(1 << 56))
    assert rejects(name, price=witness["price"] - first * 100 * int(witness["scale"]))
    assert rejects(name, price=witness["price"] + first * np.int64(1 << 62))
    assert rejects(name, price=witness["price"][:11])
    assert rejects(name, scale=witness["scale"] * 2)
    assert rejects(name, scale=np.array(0))
    assert rejects(name, scale=-witness["scale"])


def test_tampered_shares_are_rejected() -> None:
    witness = certified("degree")[0].witness
    assert rejects("degree", share=witness["share"] * 2)
    assert rejects("degree", share=-witness["share"])
    assert rejects("degree", share=witness["share"][:-1])
    assert rejects("degree", shares=np.array(1))
    assert rejects("degree", shares=np.array(0))
    doubled = {key: np.concatenate([witness[key]] * 2) for key in ("source", "target", "share")}
    assert rejects("degree", **doubled)
    mirrored = {
        "source": np.concatenate([witness["source"], witness["target"]]),
        "target": np.concatenate([witness["target"], witness["source"]]),
        "share": np.concatenate([witness["share"]] * 2),
    }
    assert rejects("degree", **mirrored)
    assert rejects("degree", source=np.zeros_like(witness["source"]), target=np.ones_like(witness["target"]))


@WITNESSED
def test_a_witness_that_is_lost_proves_nothing(name: str) -> None:
    certificate, netlist, grid = certified(name)
    assert not verify(replace(certificate, witness={}), netlist, grid, free_regions(netlist, grid))


def test_a_bound_of_a_search_cannot_be_verified() -> None:
    grid = Grid((4, 3, 1))
    assert not verify(Certificate(289, "exact"), NUG12, grid, free_regions(NUG12, grid))


def test_a_ratio_is_length_over_bound() -> None:
    assert Certificate(200, "pairs").ratio(300) == 1.5
    assert Certificate(0, "pairs").ratio(0) == 1
    assert Certificate(0, "pairs").ratio(3) == float("inf")
