"""Regions: faces, pins, blocked sites and planes, worked by hand."""

from itertools import product

import numpy as np
import pytest

from netgen.errors import FitError
from netgen.ir.grid import FACES, Face, Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions, block, face_regions, free_regions, layered, obeys, pin

GRID = Grid((2, 2, 3))


def layers(*sizes: int) -> Netlist:
    layer = np.repeat(np.arange(len(sizes)), sizes)
    nothing = np.zeros(0, dtype=np.int64)
    return Netlist(layer, np.arange(len(layer)), nothing, nothing, nothing)


def test_a_pinned_neuron_has_one_site_and_no_other_neuron_may_use_it() -> None:
    """Site (1, 0, 2) of a 2 x 2 x 3 box is number 1 + 2 * (0 + 2 * 2) = 9."""
    regions = pin(free_regions(layers(3), GRID), GRID, {1: (1, 0, 2)})
    assert np.flatnonzero(regions.allowed[regions.region[1]]).tolist() == [9]
    assert not regions.allowed[regions.region[0], 9]
    assert regions.allowed[regions.region[0]].sum() == 11


def test_no_neuron_may_use_a_blocked_site() -> None:
    regions = block(free_regions(layers(3), GRID), GRID, [(0, 0, 0), (1, 1, 2)])
    assert np.flatnonzero(~regions.allowed[0]).tolist() == [0, 11]


def test_layers_get_planes_in_order_and_as_many_as_they_need() -> None:
    """Layers of 5 and 3 neurons on planes of 4 sites: planes 0 and 1, then plane 2."""
    netlist = layers(5, 3)
    regions = layered(free_regions(netlist, GRID), netlist, GRID)
    assert np.flatnonzero(regions.allowed[regions.region[0]]).tolist() == list(range(8))
    assert np.flatnonzero(regions.allowed[regions.region[7]]).tolist() == [8, 9, 10, 11]


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
    with pytest.raises(FitError, match=r"^4 sites for 5 neurons; enlarge one axis$"):
        free_regions(layers(5), Grid((2, 2, 1)))
    message = "face x1 has 2 sites for 3 neurons; enlarge the other two axes"
    with pytest.raises(FitError, match=f"^{message}$"):
        face_regions(layers(3), Grid((2, 2, 1)), {0: "x1"})
    with pytest.raises(FitError, match=f"^{message}$"):  # two layers on one face add up
        face_regions(layers(2, 1), Grid((2, 2, 1)), {0: "x1", 1: "x1"})


def test_a_placement_obeys_its_regions_when_each_neuron_is_on_an_allowed_site() -> None:
    regions = Regions(np.array([0, 1]), np.array([[True, True, False], [False, False, True]]))
    grid = Grid((3, 1, 1))
    assert obeys(Placement(grid, np.array([[1, 0, 0], [2, 0, 0]])), regions)
    assert not obeys(Placement(grid, np.array([[2, 0, 0], [1, 0, 0]])), regions)


def test_what_does_not_fit_is_refused_in_one_line() -> None:
    free = free_regions(layers(3), GRID)
    with pytest.raises(FitError, match=r"site \(2, 0, 0\) lies outside the \(2, 2, 3\) box; correct it"):
        pin(free, GRID, {0: (2, 0, 0)})
    with pytest.raises(FitError, match=r"two neurons are pinned to \(0, 0, 0\); pin one elsewhere"):
        pin(free, GRID, {0: (0, 0, 0), 1: (0, 0, 0)})
    with pytest.raises(FitError, match=r"neuron 0 is pinned to \(0, 0, 0\), outside its region; pin it elsewhere"):
        pin(block(free, GRID, [(0, 0, 0)]), GRID, {0: (0, 0, 0)})
    two = layers(5, 5)
    regions = free_regions(two, GRID)
    with pytest.raises(FitError, match="3 planes for layers that need 4; enlarge z or the planes"):
        layered(regions, two, GRID)


@pytest.mark.parametrize("site", [(1 << 70, 0, 0), (0, -(1 << 70), 0), (0, 0, 1 << 63)])
def test_a_site_beyond_64_bits_is_refused(site: tuple[int, int, int]) -> None:
    free = free_regions(layers(3), GRID)
    message = rf"^site \({site[0]}, {site[1]}, {site[2]}\) lies outside the \(2, 2, 3\) box; correct it$"
    with pytest.raises(FitError, match=message):
        block(free, GRID, [(0, 0, 0), site])
    with pytest.raises(FitError, match=message):
        pin(free, GRID, {0: site})


def test_a_layer_of_two_to_the_31_takes_no_memory_of_its_own() -> None:
    """The layers between 0 and 2**31 hold no neuron and get no plane: layer 2**31 lies on plane 1."""
    last = Netlist(*(np.array(part, dtype=np.int64) for part in ([0, 1 << 31], [0, 0], [0], [1], [1])))
    regions = layered(free_regions(last, GRID), last, GRID)
    assert np.flatnonzero(regions.allowed[regions.region[1]]).tolist() == [4, 5, 6, 7]


def test_more_pins_than_memory_holds_are_refused_at_once() -> None:
    """A region for each of 1,000 pinned neurons, beside that of the others, on 10**6 sites: 1,001 * 10**6 bytes."""
    grid, netlist = Grid((100, 100, 100)), layers(2_000)
    pins = {neuron: (neuron % 100, neuron // 100, 0) for neuron in range(1_000)}
    with pytest.raises(FitError, match=r"^1,001 regions on 1,000,000 sites need 1,001,000,000 bytes, more than "):
        pin(free_regions(netlist, grid), grid, pins)
