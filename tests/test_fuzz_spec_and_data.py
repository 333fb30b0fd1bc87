"""Specs and data sets with a few bytes changed: each is read, or refused in one short line."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from broken_text import broken

from netgen.data import load_dataset
from netgen.errors import NetgenError
from netgen.spec.sections import DataSpec
from netgen.spec.spec import load_spec

ROWS = [(k, k * 7 % 11, k % 3) for k in range(45)]


def _ends_in_one_line(read: Callable[[], object]) -> bool:
    """Whether reading succeeds; if not, the message is held against what messages must be."""
    message = ""
    try:
        read()
    except NetgenError as error:
        message = str(error)
    assert message.isprintable()
    assert len(message) < 700
    return not message


def test_fuzz_specs(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    samples = [spec.read_bytes() for spec in sorted((Path(__file__).parent.parent / "specs").glob("*.yaml"))]
    good = 0
    for blob in broken(samples, seed=1):
        path.write_bytes(blob)
        good += _ends_in_one_line(lambda: load_spec(path))
    assert good > 0


def _npz(save: Callable[..., None]) -> bytes:
    out = io.BytesIO()
    save(out, x=np.arange(80.0).reshape(40, 2), y=np.arange(40) % 2)
    return out.getvalue()


SAMPLES = {
    "csv": [
        ("a,b,class\n" + "".join(f"{a},{b},{c}\n" for a, b, c in ROWS)).encode(),
        "".join(f'{a};{b / 2};"kind {c}"\n' for a, b, c in ROWS).encode(),
    ],
    "npz": [_npz(np.savez), _npz(np.savez_compressed)],
}


@pytest.mark.parametrize("source", ["csv", "npz"])
def test_fuzz_data_in_one_file(tmp_path: Path, source: str) -> None:
    spec = DataSpec.model_validate({"source": source, "path": "a"})
    good = 0
    for blob in broken(SAMPLES[source], seed=2):
        (tmp_path / "a").write_bytes(blob)
        good += _ends_in_one_line(lambda: load_dataset(spec, seed=1, base=tmp_path))
    assert good > 0


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_fuzz_data_of_idx_files(tmp_path: Path, name: str) -> None:
    for part, count in (("train", 20), ("t10k", 10)):
        head = count.to_bytes(4, "big")
        images = bytes([0, 0, 8, 3]) + head + bytes([0, 0, 0, 2, 0, 0, 0, 2]) + bytes(range(4 * count))
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(images)
        labels = bytes([0, 0, 8, 1]) + head + bytes(k % 2 for k in range(count))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(labels)
    spec = DataSpec(source="idx", path=".", validation=0.2)
    good = 0
    for blob in broken([(tmp_path / name).read_bytes()], seed=3):
        (tmp_path / name).write_bytes(blob)
        good += _ends_in_one_line(lambda: load_dataset(spec, seed=1, base=tmp_path))
    assert good > 0
