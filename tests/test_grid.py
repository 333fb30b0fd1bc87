"""Grids, placements and wire lengths, worked by hand."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netgen.errors import FitError
from netgen.ir.grid import FACES, Face, Grid, Placement, auto_grid, layered_grid, wire_lengths
from netgen.ir.netlist import Netlist
from netgen.ir.regions import face_regions


def layers(*sizes: int, wires: Sequence[tuple[int, int]] = ()) -> Netlist:
    ends = np.array(wires, dtype=np.int64).reshape(-1, 2)
    layer = np.repeat(np.arange(len(sizes)), sizes)
    return Netlist(layer, np.arange(len(layer)), ends[:, 0], ends[:, 1], np.ones(len(ends), np.int64))


def test_sites_are_numbered_x_first_then_y_then_z() -> None:
    grid = Grid((2, 1, 3))
    assert grid.sites == 6
    assert grid.coordinates.tolist() == [[0, 0, 0], [1, 0, 0], [0, 0, 1], [1, 0, 1], [0, 0, 2], [1, 0, 2]]


@given(st.tuples(*[st.integers(1, 6)] * 3))
def test_number_of_inverts_coordinates(shape: tuple[int, int, int]) -> None:
    grid = Grid(shape)
    assert sorted(map(tuple, grid.coordinates.tolist())) == sorted(product(*map(range, shape)))
    assert grid.number_of(grid.coordinates).tolist() == list(range(grid.sites))


@pytest.mark.parametrize(
    ("shape", "pitch", "message"),
    [
        ((2, 0, 2), (1, 1, 1), r"grid shape \(2, 0, 2\); give three axes of at least 1 site"),
        (
            (1000, 1000, 101),
            (1, 1, 1),
            r"grid shape \(1000, 1000, 101\) has more than 10,000,000 sites; shorten an axis",
        ),
        (
            (1 << 70, 1, 1),
            (1, 1, 1),
            rf"grid shape \({1 << 70}, 1, 1\) has more than 10,000,000 sites; shorten an axis",
        ),
        ((2, 2), (1, 1, 1), r"grid shape \(2, 2\); give three axes of at least 1 site"),
        ((2, 2, 2), (1, 1, 0), r"grid pitch \(1, 1, 0\); give three steps of at least 1"),
        ((2, 2, 2), (1,), r"grid pitch \(1,\); give three steps of at least 1"),
        (
            (2, 1, 1),
            (1, 1, 1 << 70),
            rf"pitch \(1, 1, {1 << 70}\): wire lengths could exceed 64 bits; .*",
        ),
        (
            (3, 1, 1),
            (1 << 59, 1, 1),
            rf"pitch \({1 << 59}, 1, 1\): wire lengths could exceed 64 bits; .*",
        ),
    ],
)
def test_a_grid_needs_three_positive_axes_and_steps(
    shape: tuple[int, int, int], pitch: tuple[int, int, int], message: str
) -> None:
    with pytest.raises(FitError, match=f"^{message}$"):
        Grid(shape, pitch)


def test_wire_lengths_are_manhattan_distances_in_units_of_the_pitch() -> None:
    """From (0, 0, 0) to (2, 1, 3) at pitch 1, 10, 100: 2 + 10 + 300; to (2, 0, 0): 2; to itself: 0."""
    netlist = layers(3, wires=[(0, 1), (1, 0), (0, 2), (2, 2)])
    placement = Placement(Grid((3, 2, 4), (1, 10, 100)), np.array([[0, 0, 0], [2, 1, 3], [2, 0, 0]]))
    assert wire_lengths(netlist, placement).tolist() == [312, 312, 2, 0]


def test_a_placement_cannot_be_changed() -> None:
    placement = Placement(Grid((2, 1, 1)), np.array([[0, 0, 0]]))
    with pytest.raises(ValueError, match="read-only"):
        placement.site[0, 0] = 1


@pytest.mark.parametrize(
    ("site", "message"),
    [
        ([[0, 0]], r"sites of shape \(1, 2\); a placement needs \(n, 3\)"),
        ([[0, 0, -1]], r"a neuron lies outside the \(2, 2, 1\) box"),
        ([[0, 2, 0]], r"a neuron lies outside the \(2, 2, 1\) box"),
        ([[0, 0, 0], [1, 1, 0], [1, 1, 0]], r"site \(1, 1, 0\) holds more than one neuron"),
    ],
)
def test_a_placement_has_distinct_sites_inside_the_box(site: list[list[int]], message: str) -> None:
    with pytest.raises(FitError, match=f"^{message}$"):
        Placement(Grid((2, 2, 1)), np.array(site))


@pytest.mark.parametrize(
    ("neurons", "slack", "shape"),
    [
        (1, 1.0, (1, 1, 1)),
        (2, 1.0, (2, 1, 1)),
        (3, 1.0, (2, 2, 1)),
        (8, 1.0, (2, 2, 2)),
        (8, 1.1, (3, 2, 2)),  # 8.8 sites asked, 12 are the next near-cube
        (1194, 1.0, (11, 11, 10)),
        (1000, 1.0, (10, 10, 10)),
    ],
)
def test_the_automatic_box_is_the_smallest_near_cube(neurons: int, slack: float, shape: tuple[int, int, int]) -> None:
    assert auto_grid(layers(neurons), slack=slack, pitch=(1, 2, 3)) == Grid(shape, (1, 2, 3))


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=4),
    st.sampled_from([1.0, 1.1, 2.0]),
    st.dictionaries(st.integers(0, 3), st.sampled_from(FACES), max_size=2),
)
def test_the_automatic_box_holds_all_neurons_and_every_face_its_layers(
    sizes: list[int], slack: float, faces: dict[int, Face]
) -> None:
    netlist = layers(*sizes)
    grid = auto_grid(netlist, slack=slack, pitch=(1, 1, 1), faces=faces)
    assert grid.sites >= slack * netlist.neurons
    assert face_regions(netlist, grid, faces).region.shape == (netlist.neurons,)


def test_a_grid_holds_lengths_just_below_two_to_the_sixty() -> None:
    assert Grid((2, 1, 1), ((1 << 60) - 1, 1, 1)).diagonal == (1 << 60) - 1


def test_a_grid_of_axes_too_long_to_print_multiplied_is_refused() -> None:
    """Python prints no number of more than 4,300 digits: the product of these three has 9,000."""
    with pytest.raises(FitError, match=r"has more than 10,000,000 sites; shorten an axis$"):
        Grid((10**3000,) * 3)


@pytest.mark.parametrize(("slack", "blocked"), [(1e300, 0), (float("inf"), 0), (float("nan"), 0), (1.0, 1 << 70)])
def test_an_automatic_box_that_would_be_too_large_is_refused_at_once(slack: float, blocked: int) -> None:
    with pytest.raises(
        FitError, match=r"^3 neurons with slack .* need more than 10,000,000 sites; reduce one of them$"
    ):
        auto_grid(layers(3), slack=slack, pitch=(1, 1, 1), blocked=blocked)


def test_the_box_for_layers_has_a_plane_for_each_that_holds_the_largest() -> None:
    assert layered_grid(layers(10, 3, 7), slack=1.0, pitch=(1, 1, 2)) == Grid((4, 3, 3), (1, 1, 2))
    assert layered_grid(layers(9), slack=1.0, pitch=(1, 1, 1)) == Grid((3, 3, 1))


@pytest.mark.parametrize("slack", [1.0, 1e300, float("nan")])
def test_a_box_of_more_planes_than_memory_holds_is_refused_at_once(slack: float) -> None:
    """Layer 2**31 needs 2**31 + 1 planes."""
    last = Netlist(*(np.array(part, dtype=np.int64) for part in ([0, 1 << 31], [0, 0], [0], [1], [1])))
    with pytest.raises(
        FitError, match=r"^2,147,483,649 planes of .* are more than 10,000,000 sites; number the layers"
    ):
        layered_grid(last, slack=slack, pitch=(1, 1, 1))
