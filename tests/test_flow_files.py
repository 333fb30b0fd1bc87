"""netgen.flow.files: damaged files of a build end in one line, at once."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from netgen.errors import BuildError
from netgen.flow.files import placement_csv, read_network, read_placement, read_text, write_network
from netgen.ir.dense import DenseLayer, DenseNetwork
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist

NETLIST = Netlist(np.array([0, 1]), np.array([0, 0]), np.array([0]), np.array([1]), np.array([8]))
PLACED = Placement(Grid((2, 1, 1)), np.array([[1, 0, 0], [0, 0, 0]]))


def test_a_placement_survives_its_file(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(placement_csv(NETLIST, PLACED))
    assert read_placement(tmp_path / "p.csv", NETLIST, PLACED.grid).site.tolist() == [[1, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1,0,0\n", f"{2**70},0,0\n", "line 2: 'n0_0,0,0,1180591620717411303424,0,0' is no site; build it again"),
        ("1,0,0\n", "1,0\n", "line 2: 'n0_0,0,0,1,0' is no site; build it again"),
        ("1,0,0\n", "5,0,0\n", "outside"),
        ("n1_0", "n9_0", "line 3: 'n9_0' where the circuit has 'n1_0'; build it again"),
        ("n1_0", "n" * 200_000, "line 3: a cell is longer than 131,072 characters; correct the row"),
        ("n1_0", '"n1_0', "a quote is not closed; correct the row"),
        ("neuron,", "", "line 1: need the columns neuron,layer,index,x,y,z; build it again"),
    ],
)
def test_a_damaged_placement_is_one_short_line_with_file_and_place(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "p.csv").write_text(placement_csv(NETLIST, PLACED).replace(old, new, 1))
    with pytest.raises(BuildError) as caught:
        read_placement(tmp_path / "p.csv", NETLIST, PLACED.grid)
    assert str(caught.value).startswith(f"{tmp_path / 'p.csv'}: ")
    assert message in str(caught.value)
    assert len(str(caught.value)) < 200 + len(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_pipe_or_a_folder_in_place_of_a_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "report.json")
    for path in (tmp_path / "report.json", tmp_path):
        with pytest.raises(BuildError, match=r"; build it again$"):
            read_text(path)
    with pytest.raises(BuildError, match=r"circuit\.json: not found; run netgen build first$"):
        read_text(tmp_path / "circuit.json")


def _network_with(path: Path, old: bytes, new: bytes) -> None:
    """Write a network of one layer, (2, 3), with something else in the header of its weights."""
    layer = DenseLayer(np.ones((2, 3)), np.zeros(2), np.ones((2, 3), dtype=np.bool_), "identity")
    write_network(path, DenseNetwork((layer,)))
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert old in parts["weight1.npy"]
    parts["weight1.npy"] = parts["weight1.npy"].replace(old, new)
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)


def test_a_network_whose_headers_python_2_wrote_is_read_without_a_warning(tmp_path: Path) -> None:
    """Python 2 wrote long integers as 3L; numpy reads them, and warns, which is an error in these tests."""
    path = tmp_path / "network.npz"
    _network_with(path, b"(2, 3), } ", b"(2, 3L), }")
    assert read_network(path).layers[0].weight.tolist() == [[1, 1, 1], [1, 1, 1]]


def test_a_network_that_claims_more_numbers_than_it_has_is_refused_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "network.npz"
    _network_with(path, b"(2, 3), }        ", b"(2, 4000000000), }")
    with pytest.raises(
        BuildError, match=r"network\.npz: not a network \(weight1\.npy claims 64,000,000,000 bytes\); build"
    ):
        read_network(path)


def test_a_network_of_complex_numbers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "network.npz"
    mask = np.ones((1, 2), dtype=np.bool_)
    np.savez(path, weight1=mask * 1j, bias1=np.zeros(1), mask1=mask, activation1=np.array("identity"))
    with pytest.raises(BuildError, match=r"network\.npz: not a network \(complex numbers where real ones"):
        read_network(path)
