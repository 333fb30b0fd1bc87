"""A build as its user sees it: the folder, and the nouns in it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from netgen.errors import BuildError
from netgen.flow import files
from netgen.flow.array_files import read_arrays
from netgen.flow.folder import load_circuit, load_spec_of, parsed
from netgen.flow.imported import has_float
from netgen.ir.circuit import Circuit
from netgen.ir.dense import network_of
from netgen.ir.grid import Placement
from netgen.ir.netlist import Netlist, netlist_of
from netgen.ir.network import Network
from netgen.ir.network_file import network_from
from netgen.spec.board import board_of
from netgen.spec.spec import Spec

if TYPE_CHECKING:
    from netgen.report import BuildReport

__all__ = ["Build", "load_build", "load_report"]


@dataclass(frozen=True, eq=False)
class Build:
    """A build folder and what is in it; each noun is read from its file when it is first used.

    Attributes:
        spec: what was built.
    Raises: BuildError, from every attribute whose file is missing, damaged, or not made yet.
    """

    folder: Path
    spec: Spec

    @cached_property
    def network(self) -> Network:
        """The float network that the circuit was rounded from."""
        path = self.folder / "network.npz"
        if not has_float(self.spec):
            what = "truth tables, which have" if self.spec.network.tables else "a circuit, which has"
            raise BuildError(f"{self.folder}: built from {what} no float network; use its circuit")
        if self.spec.network.reads_graph:
            return read_arrays(path, "network", network_from)
        return network_of(files.read_network(path))

    @cached_property
    def circuit(self) -> Circuit:
        """The integer circuit."""
        return load_circuit(self.folder)

    @cached_property
    def netlist(self) -> Netlist:
        """The neurons of the circuit, and their wires."""
        return netlist_of(self.circuit)

    @cached_property
    def placement(self) -> Placement:
        """The site of every neuron."""
        grid, _ = board_of(self.spec.place, self.netlist)
        return files.read_placement(self.folder / "placement.csv", self.netlist, grid)

    @cached_property
    def report(self) -> "BuildReport":
        """What the build says about itself."""
        return load_report(self.folder)


def load_build(folder: Path | str) -> Build:
    """Read a finished build, all of it.

    Raises: BuildError, when something in it is missing or damaged.
    """
    build = Build(Path(folder), load_spec_of(Path(folder)))
    _ = (
        build.network if has_float(build.spec) else build.circuit,
        build.placement,
        build.report,
    )  # damage raises here, not at first use
    return build


def load_report(folder: Path) -> "BuildReport":
    """Read the report of a build folder.

    Raises: BuildError, when it is missing or damaged.
    """
    from netgen.report import from_json

    return parsed(folder / "report.json", from_json)
