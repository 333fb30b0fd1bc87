"""Read a trained network and compare it with its source: `network.npz`, `imported.json`; and given samples.

A circuit that a program gave has no float network; the stage `quantize` writes it as it is.
"""

from pathlib import Path

from netgen.errors import ModelError, refused
from netgen.flow import imported
from netgen.flow.array_files import write_arrays
from netgen.flow.stage import Stage, Work
from netgen.flow.store import LARGEST, digest_of, digest_of_file
from netgen.ir.network_file import arrays_of


def _depends(work: Work) -> dict[str, object]:
    source = work.spec.network.model_dump(include={"source", "scale", "mean", "std"})
    if work.spec.network.source == imported.CIRCUIT:
        found = work.get(imported.given)
        return source | {"samples": found.samples.digest, "report": vars(found.report)}
    if work.spec.network.source == imported.GIVEN:
        found = work.get(imported.given)
        assert found.network is not None
        arrays = arrays_of(found.network)
        parts = [
            part
            for name, array in sorted(arrays.items())
            for part in (f"{name} {array.dtype} {array.shape}".encode(), array.tobytes())
        ]
        return source | {"network": digest_of(*parts), "samples": found.samples.digest, "report": vars(found.report)}
    path = _file(work)
    return source | {"file": _digest(path), "weights": [(file.name, _digest(file)) for file in _weights(path)]}


def _weights(path: Path) -> list[Path]:
    """The files in which an ONNX file keeps its weights."""
    from netgen.importer.onnx_load import weight_files

    return weight_files(path) if path.suffix.lower() == ".onnx" else []


def _digest(path: Path) -> str:
    """The digest of a file; nothing of one that is not there, which the importer refuses."""
    if not path.is_file():
        return ""
    if path.stat().st_size > LARGEST:
        raise ModelError(f"network.source: {path}: longer than {LARGEST:,} bytes; give a smaller file")
    try:
        return digest_of_file(path)
    except OSError as error:
        raise ModelError(f"network.source: {refused(error, path, 'give a file that can be read')}") from error


def _describe(work: Work) -> str:
    source = work.spec.network.source
    if source == imported.CIRCUIT:
        return "a circuit from memory"
    return "a network from memory" if source == imported.GIVEN else f"{source}, and compare with it"


def _file(work: Work) -> Path:
    path = work.base / str(work.spec.network.source)
    if not path.is_file():
        raise ModelError(f"network.source: {path}: no such file; give an .onnx or .pt2 file, as seen from the spec")
    return path


def _make(work: Work, folder: Path) -> None:
    from netgen.importer.inputs import of_raw_features
    from netgen.importer.read import read_with_report
    from netgen.report import record

    spec = work.spec.network
    if spec.source in {imported.GIVEN, imported.CIRCUIT}:
        found = work.get(imported.given)
        network, report = found.network, found.report
        write_arrays(folder / "samples.npz", imported.samples_arrays(found.samples))
    else:
        network, report = read_with_report(_file(work))
    if network is not None:
        raw = of_raw_features(network, scale=spec.scale, mean=spec.mean, std=spec.std)
        write_arrays(folder / imported.first_file(work.spec), arrays_of(raw))
    (folder / "imported.json").write_text(record.write(report), encoding="utf-8")


STAGE = Stage("read", _depends, _make, _describe)
