"""Which files of a build folder a user has edited, as far as a check reads them."""

from pathlib import Path

from netgen.data import Dataset
from netgen.errors import CheckError, QuantizeError
from netgen.flow import files
from netgen.flow.built import load_report
from netgen.ir.circuit import Circuit
from netgen.ir.circuit_file import to_json
from netgen.ir.netlist import netlist_of
from netgen.ir.network import Network
from netgen.operators.design import Design
from netgen.spec.board import board_of
from netgen.spec.spec import Spec

__all__ = ["edits_of", "raise_if_unlike"]


def edits_of(folder: Path, spec: Spec, network: Network, design: Design, data: Dataset) -> dict[str, str]:
    """Compare `network.npz` and `top.v` with what the other files give, and the data with those of the build.

    Args:
        network, design, data: as they are on disk.
    Returns: for each file that differs, by name: where and how, beginning with its path.
    """
    found = {}
    if data.digest != load_report(folder).origin.digest:
        found["data"] = f"{spec.data.path or spec.data.source}: the data differ from those of the build"
    if _is_edited(network, design):
        found["network.npz"] = f"{folder / 'network.npz'}: the network differs from circuit.json"
    line = _edited_line(folder, spec, design)
    if line is not None:
        found["top.v"] = f"{folder / 'top.v'}: line {line}: the Verilog differs from what netgen wrote"
    return found


def raise_if_unlike(path: Path, network: Network, circuit: Circuit) -> None:
    """Check that a network has the layers of a circuit, so that both can be compared.

    Raises: CheckError, when sizes or activations differ, or when its numbers are too large for the circuit's formats.
    """
    from netgen import quantize

    found, wanted = _layers(network), _layers(circuit)
    if found != wanted:
        raise CheckError(f"{path}: layers {found}, where circuit.json has {wanted}; undo the edit, or build it again")
    try:
        quantize.QuantizedMlp(network, quantize.formats_of(circuit))
    except QuantizeError as error:
        raise CheckError(f"{path}: {str(error).partition('; ')[0]}; undo the edit, or build it again") from error


def _layers(noun: Network | Circuit) -> str:
    sizes, activations = map(str, noun.sizes), (layer.activation for layer in noun.layers)
    return f"{'-'.join(sizes)} ({', '.join(activations)})"


def _is_edited(network: Network, design: Design) -> bool:
    """Whether a network rounds to another circuit than that of a design."""
    from netgen import quantize

    circuit = design.circuit
    try:
        again = quantize.quantize(network, quantize.formats_of(circuit), circuit.input_scale)
    except QuantizeError:
        return True
    return to_json(again) != to_json(circuit)


def _edited_line(folder: Path, spec: Spec, design: Design) -> int | None:
    """The first line of `top.v` that netgen would write otherwise."""
    from netgen import hdl

    netlist = netlist_of(design.circuit)
    placement = files.read_placement(folder / "placement.csv", netlist, board_of(spec.place, netlist)[0])
    again = hdl.design_of(design.circuit, design.graph, design.timing, netlist, placement, title="")
    return hdl.first_edit(design.verilog, again.verilog)
