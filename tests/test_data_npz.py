"""Arrays of .npz archives: which are read, and which are refused by their header alone."""

import io
import os
import pickle
import re
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from netgen.data.load import load_dataset
from netgen.data.npz import read_npz
from netgen.errors import DataError
from netgen.spec.sections import DataSpec

GOOD = {"x": np.ones((20, 2)), "y": np.arange(20) % 2}


def _load(path: Path) -> None:
    load_dataset(DataSpec(source="npz", path=path.name), seed=1, base=path.parent)


def _header(shape: tuple[int, ...], descr: str) -> bytes:
    """The .npy header of an array that need not exist."""
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": descr, "fortran_order": False, "shape": shape})
    return out.getvalue()


@pytest.mark.parametrize("kind", ["<f8", ">f8", "<f4", "<f2", "<i8", ">i2", "u1", "<u8", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_every_real_type_and_order_hold_the_same_numbers(tmp_path: Path, kind: str, order: str) -> None:
    x = (np.arange(40).reshape(20, 2) % 3 > 0).astype(kind)
    np.savez(tmp_path / "a.npz", x=np.asarray(x, order=order), y=GOOD["y"].astype(">i4"))  # type: ignore[call-overload]
    raw = read_npz(tmp_path / "a.npz")
    assert np.array_equal(raw.features, np.arange(40).reshape(20, 2) % 3 > 0)
    assert np.array_equal(raw.labels, np.arange(20) % 2)


def test_images_become_rows_and_compressed_archives_are_read(tmp_path: Path) -> None:
    x = np.arange(20 * 2 * 3).reshape(20, 2, 3)
    names = {"x_train": x, "y_train": GOOD["y"], "x_test": x[:4], "y_test": GOOD["y"][:4]}
    np.savez_compressed(tmp_path / "a.npz", **names)  # type: ignore[arg-type]
    raw = read_npz(tmp_path / "a.npz")
    assert raw.features[1].tolist() == [6, 7, 8, 9, 10, 11]
    assert raw.test_features is not None
    assert raw.test_features.shape == (4, 6)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (np.arange(20) % 2, ()),
        (10 + 10 * (np.arange(20) % 10), ("10", "20", "30", "40", "50", "60", "70", "80", "90", "100")),
        (9_992 * (np.arange(20) % 2), ("0", "9992")),
        (np.arange(20) % 2 == 1, ()),
    ],
    ids=["class numbers", "10 to 100", "0 and 9992", "true and false"],
)
def test_labels_with_gaps_make_no_empty_classes(
    tmp_path: Path, labels: "np.ndarray[tuple[int], np.dtype[np.int64]]", names: tuple[str, ...]
) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(200).reshape(200, 1), y=np.tile(labels, 10))
    data = load_dataset(DataSpec(source="npz", path="a.npz"), seed=1, base=tmp_path)
    assert data.classes == len(np.unique(labels))
    assert data.names == names
    assert set(data.train.labels.tolist()) == set(range(data.classes))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.full((20, 2), np.nan)}, "features[0, 0] is nan; every feature must be finite"),
        ({"x": np.ones((19, 2))}, "19 samples in x but 20 labels in y; give one label a sample"),
        ({"x": np.array(3.0)}, "x: shape (); need at least one sample and one feature"),
        ({"x": np.ones((0, 2))}, "x: shape (0, 2); need at least one sample and one feature"),
        ({"x": np.ones((20, 0))}, "x: shape (20, 0); need at least one sample and one feature"),
        ({"y": np.array(1)}, "y: shape (); need at least one sample and one feature"),
        ({"x": np.ones((20, 2)) * 1j}, "x: type complex128; need real numbers of at most 64 bits"),
        ({"x": np.ones((20, 2), np.longdouble)}, "x: type float128; need real numbers of at most 64 bits"),
        ({"x": np.array([["a"]] * 20)}, "x: type <U1; need real numbers of at most 64 bits"),
        ({"x": np.array([[{}]] * 20)}, "x: type object; need real numbers of at most 64 bits"),
        ({"x": np.zeros(20, "M8[s]")}, "x: type datetime64[s]; need real numbers of at most 64 bits"),
        ({"x": np.zeros(20, [("a", "f8")])}, "x: type [('a', '<f8')]; need real numbers of at most 64 bits"),
        ({"y": np.ones(20)}, "labels hold float64; need whole numbers from 0 to 9999"),
        ({"y": np.arange(20) - 1}, "labels hold -1; need whole numbers from 0 to 9999"),
        (
            {"y": np.arange(20, dtype=np.uint64) << np.uint64(60)},
            "labels hold 17293822569102704640; need whole numbers",
        ),
        ({"y": np.eye(20)}, "labels (20, 20); give one class number a sample (from one-hot rows: labels.argmax"),
        ({"x_test": np.ones((4, 3)), "y_test": np.arange(4) % 2}, "test samples have 3 features, training 2"),
        ({"x_test": np.ones((4, 2)), "y_test": np.arange(3)}, "4 samples in x_test but 3 labels in y_test"),
        ({"x_test": np.ones((4, 2)), "y_test": np.arange(4)}, "test labels hold 2, of which there is no training"),
        ({"x_test": np.full((4, 2), np.inf), "y_test": np.arange(4) % 2}, "test features[0, 0] is inf; every feature"),
        ({"y": np.arange(20)}, "20 samples cannot be split: label 0 has 1 sample; give more samples of each label"),
        ({"y": np.full(20, 3)}, "labels hold one class, 3; need at least two"),
        (
            {"y": np.arange(20) // 2},
            "20 samples of 10 classes, of which data.test (0.2) splits off 4; give more samples or change data.test",
        ),
    ],
    ids=[
        "nan",
        "lengths",
        "scalar",
        "no samples",
        "no features",
        "scalar label",
        "complex",
        "longdouble",
        "text",
        "objects",
        "dates",
        "fields",
        "float labels",
        "negative labels",
        "labels beyond int64",
        "one-hot",
        "test width",
        "test lengths",
        "unseen class",
        "test not finite",
        "one sample a class",
        "one class",
        "two samples a class",
    ],
)
def test_unusable_arrays_are_refused(tmp_path: Path, arrays: dict[str, object], message: str) -> None:
    np.savez(tmp_path / "a.npz", **{**GOOD, **arrays})  # type: ignore[arg-type]
    with pytest.raises(DataError, match=re.escape(message)):
        _load(tmp_path / "a.npz")


def test_an_archive_with_other_names_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "names.npz", a=np.ones(3))
    with pytest.raises(DataError, match=r"names\.npz: holds a; need x_train, y_train, x_test, y_test or x, y"):
        read_npz(tmp_path / "names.npz")
    np.savez(tmp_path / "odd.npz", **{"a\x01\u2028": np.ones(3)})  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"odd\.npz: holds 'a\\x01\\u2028'; need"):
        read_npz(tmp_path / "odd.npz")


def _claim(shape: tuple[int, ...], descr: str = "<f8", compression: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        archive.writestr("x.npy", _header(shape, descr))
        archive.writestr("y.npy", _header(shape[:1], "<i8"))
    return out.getvalue()


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2**33,), "x: (8589934592,) needs 68,719,476,736 bytes; at most 1,073,741,824 are read"),
        ((2**62, 4), "x: (4611686018427387904, 4) needs 147,573,952,589,676,412,928 bytes; at most 1,073,741,824 are"),
        ((2**20, 100), "x: (1048576, 100) needs 838,860,800 bytes, the file has at most"),
        ((-4, -5), "not a readable .npz of plain arrays (shape (-4, -5)); save it with numpy.savez"),
    ],
    ids=["64 GiB", "wraps", "800 MB in 600 bytes", "negative"],
)
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_array_that_claims_more_than_there_is_is_refused_by_its_header(
    tmp_path: Path, shape: tuple[int, ...], message: str, compression: int
) -> None:
    (tmp_path / "a.npz").write_bytes(_claim(shape, compression=compression))
    with pytest.raises(DataError, match=re.escape(message)):
        read_npz(tmp_path / "a.npz")


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    """The directory of the archive claims 800 MB for 600 bytes, which nothing deflated can become."""
    blob = bytearray(_claim((2**20, 100), compression=zipfile.ZIP_DEFLATED))
    at = blob.index(b"PK\x01\x02")
    blob[at + 24 : at + 28] = struct.pack("<I", 900_000_000)
    (tmp_path / "a.npz").write_bytes(blob)
    with pytest.raises(DataError, match=r"needs 838,860,800 bytes, the file has at most \d{2,3},\d{3};"):
        read_npz(tmp_path / "a.npz")


def _patched(offset: int, value: bytes) -> bytes:
    """A good archive whose first directory entry and header have other bytes."""
    out = io.BytesIO()
    np.savez(out, **GOOD)  # type: ignore[arg-type]
    blob = bytearray(out.getvalue())
    for mark, shift in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
        at = blob.index(mark) + offset + shift
        blob[at : at + len(value)] = value
    return bytes(blob)


def _npy() -> bytes:
    out = io.BytesIO()
    np.save(out, GOOD["x"])
    return out.getvalue()


def _members(x: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x.npy", x)
        archive.writestr("y.npy", _header((20,), "<i8") + bytes(160))
    return out.getvalue()


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"hello",
        pickle.dumps({"x": 1}),
        _npy(),
        _members(b""),
        _members(b"\x93NUMPY\x01\x00\xff\xff{"),
        _members(b"\x93NUMPY\x01\x00\x10\x00" + b"(" * 16),
        _members(b"\x93NUMPY\x01\x00\xff\x1f" + b"(" * 0x1FFF),
        _members(b"\x93NUMPY\x09\x00"),
        _members(_header((20, 2), "<f8") + bytes(100)),
        _members(_header((20, 2), "<f3") + bytes(100)),
        _patched(8, struct.pack("<H", 99)),
        _patched(6, struct.pack("<H", 1)),
    ],
    ids=[
        "empty",
        "text",
        "pickle",
        "npy",
        "empty member",
        "header of 64 kB",
        "brackets",
        "8,000 brackets",
        "version 9",
        "truncated",
        "float of 3 bytes",
        "compression 99",
        "encrypted",
    ],
)
def test_a_damaged_archive_is_refused_in_one_line(tmp_path: Path, blob: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(blob)
    with pytest.raises(DataError, match=r"a\.npz: .*; save it (with numpy\.savez|again)$") as caught:
        read_npz(tmp_path / "a.npz")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_an_archive_must_be_a_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.npz"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(DataError, match=r"a\.npz: not a file; data\.path must be a \.npz archive"):
        read_npz(path)
