"""The grid that a spec asks for, and the sites on which each neuron of a netlist may be placed."""

from netgen.errors import FitError
from netgen.ir.grid import Face, Grid, auto_grid, layered_grid
from netgen.ir.netlist import Netlist
from netgen.ir.regions import Regions, block, face_regions, layered
from netgen.spec.hardware import PlaceSpec


def board_of(place: PlaceSpec, netlist: Netlist) -> tuple[Grid, Regions]:
    """Make the grid that a spec asks for, and the regions in which the neurons of a netlist may be placed.

    Raises: FitError, when the grid, a face or a layer's planes have fewer sites than neurons.
    """
    faces = faces_of(place, netlist.layers)
    try:
        if place.grid != "auto":
            grid = Grid(place.grid, place.pitch)
        elif place.layered:
            grid = layered_grid(netlist, slack=place.slack, pitch=place.pitch)
        else:
            grid = auto_grid(netlist, slack=place.slack, pitch=place.pitch, faces=faces, blocked=len(place.blocked))
        regions = face_regions(netlist, grid, faces)
        if place.layered:
            regions = layered(regions, netlist, grid)
        return grid, block(regions, grid, place.blocked)
    except FitError as error:
        otherwise = " or set place.grid to auto" if place.grid != "auto" and "; enlarge" in str(error) else ""
        raise FitError(f"place.grid: {error}{otherwise}") from error


def faces_of(place: PlaceSpec, layers: int) -> dict[int, Face]:
    """Map layer numbers to the faces on which the layers are placed; free layers are left out.

    Args:
        layers: number of layers, that of the inputs included.
    """
    ends = {0: place.inputs, layers - 1: place.outputs}
    return {layer: face for layer, face in ends.items() if face != "free"}
