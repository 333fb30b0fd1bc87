"""netgen.report.picture: the placed circuit as a PNG."""

import struct
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from report_samples import placements, random_netlist

from netgen.errors import BuildError
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.report.picture import picture


def test_a_circuit_of_20000_wires_is_a_png_of_1200_by_900_below_1_mb(tmp_path: Path) -> None:
    netlist = random_netlist((784, 300, 106, 10), 20_000, seed=1)
    picture(netlist, placements(netlist, seed=2)[1], tmp_path / "a.png")
    png = (tmp_path / "a.png").read_bytes()
    assert struct.unpack(">II", png[16:24]) == (1200, 900)
    assert len(png) < 1_000_000


def test_the_same_placement_gives_the_same_bytes_and_another_gives_others(tmp_path: Path) -> None:
    netlist = random_netlist((20, 8, 3), 60, seed=1)
    before, after = placements(netlist, seed=2)
    for name, placement in (("a", after), ("b", after), ("c", before)):
        picture(netlist, placement, tmp_path / name)
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c
    assert b"Software" not in a


def test_wires_and_neurons_are_drawn_in_their_colours(tmp_path: Path) -> None:
    """One wire, the longest by definition, in the hot end of the ramp; one dot each of inputs and outputs."""
    netlist = Netlist(np.array([0, 1]), np.array([0, 0]), np.array([0]), np.array([1]), np.array([8]))
    placement = Placement(Grid((5, 5, 5)), np.array([[4, 4, 4], [4, 0, 4]]))
    picture(netlist, placement, tmp_path / "a.png")
    middle = np.rint(255 * imread(tmp_path / "a.png")[150:780, 200:1000, :3]).astype(int)
    for colour in ((0xF4, 0x71, 0x3B), (0xB9, 0xC6, 0xD2), (0xA4, 0x8D, 0xF6)):
        near = np.abs(middle - np.array(colour)).max(axis=2) < 60
        assert near.sum() > 20, colour


def test_a_netlist_without_wires_is_drawn(tmp_path: Path) -> None:
    nothing = np.zeros(0, dtype=np.int64)
    netlist = Netlist(np.array([0, 1]), np.array([0, 0]), nothing, nothing, nothing)
    picture(netlist, Placement(Grid((2, 1, 1)), np.array([[0, 0, 0], [1, 0, 0]])), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_a_folder_that_is_missing_is_one_line(tmp_path: Path) -> None:
    netlist = random_netlist((4, 2), 4, seed=1)
    path = tmp_path / "missing" / "a.png"
    with pytest.raises(BuildError) as caught:
        picture(netlist, placements(netlist, seed=2)[1], path)
    assert str(caught.value) == f"{path}: No such file or directory; choose a folder that can be written"
