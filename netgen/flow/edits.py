"""Which files of a build folder, and which data, have changed since the build."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from netgen.data import Dataset
from netgen.errors import CheckError, QuantizeError
from netgen.flow import files
from netgen.flow.built import load_report
from netgen.flow.store import LEDGER, digest_of_file, recorded_files
from netgen.ir.chain import activation_name
from netgen.ir.circuit import Circuit, CircuitLayer
from netgen.ir.circuit_file import to_json
from netgen.ir.dense import DenseNetwork
from netgen.ir.netlist import netlist_of
from netgen.ir.thermometer import thresholds_in
from netgen.operators.design import Design
from netgen.spec.board import board_of
from netgen.spec.spec import Spec
from netgen.text import shown

__all__ = ["edits_of", "raise_if_unlike"]


READ = ("spec.yaml", "circuit.json", "network.npz", "operators.json", "placement.csv", "top.v", "report.json")
"""Files that a check reads."""


def edits_of(
    folder: Path, spec: Spec, design: Design, data: Dataset | None, network: DenseNetwork | None = None
) -> dict[str, str]:
    """Compare a build folder with what the build recorded of it, with its data, and with what its files give.

    Every file that the ledger `build.json` records is compared with its digest there, whether or not a check reads it.
    Where the ledger records nothing of a file, an edit of it is found only as far as other files and the data show it.

    Args:
        design, data: as they are on disk; None for samples that a program gave, which the folder holds.
        network: of a network that netgen trained, as it is on disk.
    Returns: for each file that differs, by name: where and how, beginning with its path.
    """
    recorded = recorded_files(folder)
    found = {}
    if missing := [name for name in READ if name not in recorded and (folder / name).exists()]:
        found[LEDGER] = f"{folder / LEDGER}: no record of {', '.join(missing)}: not every edit can be found"
    found |= _changed_files(folder, recorded)

    def suspect(name: str) -> bool:
        return name in found or name not in recorded

    if data is not None and "report.json" not in found and data.digest != _digest_of_data(folder):
        found["data"] = f"{spec.data.path or spec.data.source}: the data differ from those of the build"
    elif data is not None and network is not None and "spec.yaml" not in found:
        unlike = _unlike_data(design.circuit, spec, data)
        found |= {"circuit.json": f"{folder / 'circuit.json'}: {unlike}"} if unlike else {}
    if network is not None and suspect("network.npz") and _is_edited(network, design):
        found["network.npz"] = f"{folder / 'network.npz'}: the network differs from circuit.json"
    if suspect("top.v"):
        found.pop("top.v", None)  # an edit of comments is none
        line = _edited_line(folder, spec, design)
        if line is not None:
            found["top.v"] = f"{folder / 'top.v'}: line {line}: the Verilog differs from what netgen wrote"
    return found


def _changed_files(folder: Path, recorded: Mapping[str, str]) -> dict[str, str]:
    """The files of a build whose digest is not that which the ledger records."""
    found = {}
    for name, digest in sorted(recorded.items()):
        try:
            if digest_of_file(folder / name) != digest:
                found[name] = f"{folder / name}: the file differs from what netgen wrote"
        except OSError:
            found[name] = f"{folder / name}: the file that netgen wrote is no longer there"
    return found


def _digest_of_data(folder: Path) -> str | None:
    """Digest of the data that a build used, as its report has it."""
    origin = load_report(folder).origin
    return None if origin is None else origin.digest


def _unlike_data(circuit: Circuit, spec: Spec, data: Dataset) -> str | None:
    """How the inputs of a circuit differ from what the data and the spec make of them."""
    word = data.input_format(spec.quantize.input_width)
    if circuit.input != word:
        return f"input {circuit.input}, where the spec and the data give {word}"
    if circuit.features != len(data.scale):
        return f"{circuit.features} factors in input_scale, where the data have {len(data.scale)} features"
    unlike = np.flatnonzero(circuit.input_scale != data.scale)
    if len(unlike):
        given, wanted = circuit.input_scale[unlike[0]], data.scale[unlike[0]]
        return f"input_scale[{unlike[0]}] {given!s}, where the data give {wanted!s}"
    thresholds = thresholds_in(word, spec.data.thresholds)
    if circuit.thresholds != thresholds:
        return f"thresholds {shown(circuit.thresholds)}, where the spec gives {shown(thresholds)}"
    return None


def raise_if_unlike(path: Path, network: DenseNetwork, circuit: Circuit) -> None:
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


def _layers(noun: DenseNetwork | Circuit) -> str:
    sizes = map(str, noun.sizes)
    activations = (activation_name(one) if isinstance(one, CircuitLayer) else one.activation for one in noun.layers)
    return f"{'-'.join(sizes)} ({', '.join(activations)})"


def _is_edited(network: DenseNetwork, design: Design) -> bool:
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
