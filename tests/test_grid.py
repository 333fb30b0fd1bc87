"""Grids, regions, placements and wire lengths, worked by hand."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netgen.errors import FitError
from netgen.ir.grid import (
    FACES,
    Face,
    Grid,
    Placement,
    Regions,
    auto_grid,
    face_regions,
    free_regions,
    obeys,
    wire_lengths,
)
from netgen.ir.netlist import Netlist


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
            r"grid shape \(1000, 1000, 101\) has 101,000,000 sites; at most 100,000,000 fit in memory",
        ),
        ((2, 2), (1, 1, 1), r"grid shape \(2, 2\); give three axes of at least 1 site"),
        ((2, 2, 2), (1, 1, 0), r"grid pitch \(1, 1, 0\); give three steps of at least 1"),
        ((2, 2, 2), (1,), r"grid pitch \(1,\); give three steps of at least 1"),
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


def test_free_neurons_may_use_every_site() -> None:
    regions = free_regions(layers(2, 1), Grid((3, 1, 1)))
    assert regions.region.tolist() == [0, 0, 0]
    assert regions.allowed.tolist() == [[True, True, True]]


def test_a_pinned_layer_may_use_its_face_only() -> None:
    """On 3 x 2 x 1: x0 is sites 0 and 3, y1 is sites 3, 4 and 5."""
    regions = face_regions(layers(2, 1, 2), Grid((3, 2, 1)), {0: "x0", 2: "y1"})
    allowed = [np.flatnonzero(regions.allowed[r]).tolist() for r in regions.region]
    assert allowed == [[0, 3], [0, 3], [0, 1, 2, 3, 4, 5], [3, 4, 5], [3, 4, 5]]


@pytest.mark.parametrize("face", FACES)
def test_a_face_is_the_sites_at_one_end_of_its_axis(face: Face) -> None:
    grid = Grid((2, 3, 4))
    regions = face_regions(layers(1), grid, {0: face})
    end = 0 if face[1] == "0" else {"x": 1, "y": 2, "z": 3}[face[0]]
    expected = [site for site in product(range(2), range(3), range(4)) if site["xyz".index(face[0])] == end]
    assert sorted(map(tuple, grid.coordinates[regions.allowed[1]].tolist())) == expected


def test_a_box_or_face_with_too_few_sites_is_refused() -> None:
    with pytest.raises(FitError, match=r"^4 sites for 5 neurons; enlarge one axis or set place\.grid to auto$"):
        free_regions(layers(5), Grid((2, 2, 1)))
    message = "face x1 has 2 sites for 3 neurons; enlarge the other two axes or set place.grid to auto"
    with pytest.raises(FitError, match=f"^{message}$"):
        face_regions(layers(3), Grid((2, 2, 1)), {0: "x1"})
    with pytest.raises(FitError, match=f"^{message}$"):  # two layers on one face add up
        face_regions(layers(2, 1), Grid((2, 2, 1)), {0: "x1", 1: "x1"})


def test_a_placement_obeys_its_regions_when_each_neuron_is_on_an_allowed_site() -> None:
    regions = Regions(np.array([0, 1]), np.array([[True, True, False], [False, False, True]]))
    grid = Grid((3, 1, 1))
    assert obeys(Placement(grid, np.array([[1, 0, 0], [2, 0, 0]])), regions)
    assert not obeys(Placement(grid, np.array([[2, 0, 0], [1, 0, 0]])), regions)


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
