"""Read ONNX files, QONNX and QDQ ones too, into a `Network` that is compared with the file before it is given away."""

from pathlib import Path

from netgen.errors import ModelError, NetgenError
from netgen.importer.fuse import fuse
from netgen.importer.onnx_batch import check_batches
from netgen.importer.onnx_compare import compare
from netgen.importer.onnx_graph import read_graph
from netgen.importer.onnx_load import load_model
from netgen.ir.imported import ImportReport
from netgen.ir.network import Network
from netgen.text import shown_path

__all__ = ["read_onnx"]


def read_onnx(path: Path, *, seed: int = 0) -> tuple[Network, ImportReport]:
    """Read an ONNX file and compare the network with what ONNX Runtime computes.

    Args:
        seed: of the random inputs on which both are compared.
    Returns: the network, of one sample, without the batch axis; and how closely it agrees.
    Raises: ModelError, with the file and the node, for a file that is damaged, or computes what layers of weighted
        sums, maxima and functions of single values cannot express; for outputs of one sample that depend on another's;
        and for a network that differs from the file.
    """
    model = load_model(path)
    try:
        reading = read_graph(model)
        network = fuse(reading.builder.finish())
        report = compare(model, reading, network, source=str(path), seed=seed)
        check_batches(model, reading, seed=seed)
        return network, report
    except NetgenError as found:
        raise ModelError(f"{shown_path(path)}: {found}") from found
