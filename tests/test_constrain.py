import numpy as np
import pytest

from netgen.errors import FitError
from netgen.ir.grid import Grid, free_regions
from netgen.ir.netlist import Netlist
from netgen.ir.regions import block, layered, layered_grid, pin

GRID = Grid((2, 2, 3))


def _netlist(*sizes: int) -> Netlist:
    layer = np.repeat(np.arange(len(sizes)), sizes)
    nothing = np.zeros(0, dtype=np.int64)
    return Netlist(layer, np.arange(len(layer)), nothing, nothing, nothing)


def test_a_pinned_neuron_has_one_site_and_no_other_neuron_may_use_it() -> None:
    """Site (1, 0, 2) of a 2 x 2 x 3 box is number 1 + 2 * (0 + 2 * 2) = 9."""
    regions = pin(free_regions(_netlist(3), GRID), GRID, {1: (1, 0, 2)})
    assert np.flatnonzero(regions.allowed[regions.region[1]]).tolist() == [9]
    assert not regions.allowed[regions.region[0], 9]
    assert regions.allowed[regions.region[0]].sum() == 11


def test_blocked_sites_are_nobodys() -> None:
    regions = block(free_regions(_netlist(3), GRID), GRID, [(0, 0, 0), (1, 1, 2)])
    assert np.flatnonzero(~regions.allowed[0]).tolist() == [0, 11]


def test_layers_get_planes_in_order_and_as_many_as_they_need() -> None:
    """Layers of 5 and 3 neurons on planes of 4 sites: planes 0 and 1, then plane 2."""
    netlist = _netlist(5, 3)
    regions = layered(free_regions(netlist, GRID), netlist, GRID)
    assert np.flatnonzero(regions.allowed[regions.region[0]]).tolist() == list(range(8))
    assert np.flatnonzero(regions.allowed[regions.region[7]]).tolist() == [8, 9, 10, 11]


def test_the_box_for_layers_has_a_plane_for_each_that_holds_the_largest() -> None:
    assert layered_grid(_netlist(10, 3, 7), slack=1.0, pitch=(1, 1, 2)) == Grid((4, 3, 3), (1, 1, 2))
    assert layered_grid(_netlist(9), slack=1.0, pitch=(1, 1, 1)) == Grid((3, 3, 1))


def test_what_does_not_fit_is_refused_in_one_line() -> None:
    free = free_regions(_netlist(3), GRID)
    with pytest.raises(FitError, match=r"site \(2, 0, 0\) lies outside the \(2, 2, 3\) box; correct it"):
        pin(free, GRID, {0: (2, 0, 0)})
    with pytest.raises(FitError, match=r"two neurons are pinned to \(0, 0, 0\); pin one elsewhere"):
        pin(free, GRID, {0: (0, 0, 0), 1: (0, 0, 0)})
    with pytest.raises(FitError, match=r"neuron 0 is pinned to \(0, 0, 0\), where it may not go; pin it elsewhere"):
        pin(block(free, GRID, [(0, 0, 0)]), GRID, {0: (0, 0, 0)})
    two = _netlist(5, 5)
    regions = free_regions(two, GRID)
    with pytest.raises(FitError, match="3 planes for layers that need 4; enlarge z, or x and y"):
        layered(regions, two, GRID)
