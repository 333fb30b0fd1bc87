"""The four idx files of MNIST's layout, plain or gzipped."""

import gzip
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from netgen.data import load_dataset
from netgen.data.idx import read_idx
from netgen.errors import DataError
from netgen.ir.fixed import FixedPoint
from netgen.spec.sections import DataSpec


def _idx(shape: tuple[int, ...], blob: bytes) -> bytes:
    return bytes([0, 0, 8, len(shape)]) + b"".join(k.to_bytes(4, "big") for k in shape) + blob


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Twenty 2x2 training and ten test images of two classes; image k holds the bytes k, k+1, k+2, 255."""
    folder = tmp_path / "images"
    folder.mkdir()
    for split, count in (("train", 20), ("t10k", 10)):
        pixels = b"".join(bytes([k, k + 1, k + 2, 255]) for k in range(count))
        (folder / f"{split}-images-idx3-ubyte").write_bytes(_idx((count, 2, 2), pixels))
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(_idx((count,), bytes(k % 2 for k in range(count))))
    return folder


def _zip(folder: Path) -> None:
    for file in list(folder.iterdir()):
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()


@pytest.mark.parametrize("zipped", [False, True])
def test_idx_files_are_read_plain_or_zipped(images: Path, zipped: bool) -> None:
    if zipped:
        _zip(images)
    raw = read_idx(images)
    assert raw.features.shape == (20, 4)
    assert raw.test_features is not None
    assert raw.test_features[3].tolist() == [3, 4, 5, 255]
    assert raw.test_labels is not None
    assert raw.test_labels.tolist() == [0, 1] * 5


def test_bytes_reach_an_eight_bit_port_unchanged(images: Path) -> None:
    data = load_dataset(DataSpec(source="idx", path="images", validation=0.2), seed=1, base=images.parent)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [16, 4, 10]
    form = data.input_format(8)
    assert form == FixedPoint(8, 8, signed=False)
    assert form.encode(data.test.features[7]).tolist() == [7, 8, 9, 255]


def test_labels_from_1_on_make_as_many_classes_as_there_are_labels(images: Path) -> None:
    """As in EMNIST's letters, whose labels are 1 to 26."""
    for split, count in (("train", 20), ("t10k", 10)):
        labels = bytes(1 + k % 2 for k in range(count))
        (images / f"{split}-labels-idx1-ubyte").write_bytes(_idx((count,), labels))
    data = load_dataset(DataSpec(source="idx", path="images", validation=0.2), seed=1, base=images.parent)
    assert (data.classes, data.names) == (2, ("1", "2"))
    assert data.test.labels.tolist() == [0, 1] * 5


def _write(name: str, blob: bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_bytes(blob)

    return write


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            _write("train-images-idx3-ubyte", _idx((20, 2, 2), bytes(75))),
            "images/train-images-idx3-ubyte: 75 bytes of data where (20, 2, 2) needs 80; fetch it again",
        ),
        (
            _write("train-images-idx3-ubyte", _idx((20, 2, 2), bytes(81))),
            "images/train-images-idx3-ubyte: more bytes of data where (20, 2, 2) needs 80; fetch it again",
        ),
        (
            _write("t10k-labels-idx1-ubyte", b"PK\x03\x04...."),
            "images/t10k-labels-idx1-ubyte: starts with 50 4b 03 04; an idx file of bytes here starts with 00 00 08 01",
        ),
        (
            _write("t10k-labels-idx1-ubyte", b""),
            "images/t10k-labels-idx1-ubyte: starts with nothing; an idx file of bytes here starts with 00 00 08 01",
        ),
        (
            _write("train-labels-idx1-ubyte", _idx((2,), b"\x00\x01")),
            "images: 20 samples but 2 labels; give one label a sample",
        ),
        (
            _write("train-images-idx3-ubyte", _idx((0, 28, 28), b"")),
            "images/train-images-idx3-ubyte: an array (0, 28, 28), which is empty; fetch it again",
        ),
        (
            _write("train-images-idx3-ubyte", _idx((2**32 - 1,) * 3, bytes(80))),
            "images/train-images-idx3-ubyte: (4294967295, 4294967295, 4294967295) needs "
            "79,228,162,458,924,105,385,300,197,375 bytes; at most 1,073,741,824 are read: give fewer samples or a "
            "smaller type",
        ),
        (
            _write("train-images-idx3-ubyte", _idx((2**31, 2**31, 4), b"")),
            "images/train-images-idx3-ubyte: (2147483648, 2147483648, 4) needs 18,446,744,073,709,551,616 bytes; at "
            "most 1,073,741,824 are read: give fewer samples or a smaller type",
        ),
        (
            lambda folder: (folder / "t10k-images-idx3-ubyte").unlink(),
            "images: no t10k-images-idx3-ubyte and no t10k-images-idx3-ubyte.gz; "
            "data.path must be the folder of the four idx files",
        ),
    ],
    ids=["truncated", "longer", "not idx", "no bytes", "too few labels", "no images", "huge", "wraps", "missing"],
)
def test_damaged_idx_files_are_named(images: Path, damage: Callable[[Path], None], message: str) -> None:
    """(2^31 x 2^31 x 4) bytes are 2^64, which wrap around to 0 in 64 bits."""
    damage(images)
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        load_dataset(DataSpec(source="idx", path="images"), seed=1, base=images.parent)
    assert str(caught.value) == f"{images.parent}/{message}"


def test_a_damaged_gzip_file_is_named(images: Path) -> None:
    _zip(images)
    file = images / "train-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:-12])
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz: damaged or unreadable .*; fetch it again"):
        read_idx(images)


def test_no_more_of_a_gzip_file_is_unpacked_than_its_header_announces(images: Path) -> None:
    """A gigabyte of zeros in a megabyte; (20, 2, 2) needs 80 bytes."""
    _zip(images)
    zeros = gzip.compress(_idx((20, 2, 2), bytes(1 << 26)), compresslevel=1)
    (images / "train-images-idx3-ubyte.gz").write_bytes(zeros)
    with pytest.raises(DataError, match="more bytes of data where"):
        read_idx(images)


def test_a_gzip_file_needs_no_more_memory_than_its_array(images: Path) -> None:
    """2^14 images of 64 x 64 pixels are 64 MiB; a read of all at once would hold them twice."""
    _zip(images)
    (images / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(_idx((2**14, 64, 64), b"")))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="0 bytes of data where"):
            read_idx(images)
        assert tracemalloc.get_traced_memory()[1] < 80 << 20
    finally:
        tracemalloc.stop()


def test_a_file_where_the_folder_should_be_is_refused(images: Path) -> None:
    with pytest.raises(DataError, match=r"data\.path must be the folder of the four idx files"):
        read_idx(images / "train-images-idx3-ubyte")


def test_pixels_keep_their_order(images: Path) -> None:
    assert np.array_equal(read_idx(images).features[5], [5, 6, 7, 255])
