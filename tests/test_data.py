import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from netgen.data.dataset import Dataset, load_dataset
from netgen.errors import DataError
from netgen.ir.fixed import FixedPoint
from netgen.spec.sections import DataSpec


def _load(tmp_path: Path, source: str, path: str, **keys: object) -> Dataset:
    spec = DataSpec.model_validate({"source": source, "path": path, **keys})
    return load_dataset(spec, seed=1, base=tmp_path)


def _write_idx(folder: Path, *, zipped: bool) -> None:
    """Twenty 2x2 training and ten test images of two classes; image k holds the bytes k, k+1, k+2, 255."""
    folder.mkdir()
    for split, count in (("train", 20), ("t10k", 10)):
        images = b"".join(bytes([k, k + 1, k + 2, 255]) for k in range(count))
        labels = bytes(k % 2 for k in range(count))
        for name, ndim, shape, blob in (
            ("images-idx3-ubyte", 3, (count, 2, 2), images),
            ("labels-idx1-ubyte", 1, (count,), labels),
        ):
            data = bytes([0, 0, 8, ndim]) + b"".join(k.to_bytes(4, "big") for k in shape) + blob
            file = folder / f"{split}-{name}{'.gz' if zipped else ''}"
            file.write_bytes(gzip.compress(data) if zipped else data)


def test_digits_are_1797_images_of_64_pixels_split_in_three() -> None:
    data = load_dataset(DataSpec(), seed=1)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [1293, 144, 360]
    assert data.classes == 10
    assert data.scale.tolist() == [2**-5] * 64  # pixels are 0 to 16, and 16 / 32 is the first below 1


def test_the_same_seed_splits_alike_and_another_one_differently() -> None:
    one, same, other = (load_dataset(DataSpec(), seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.test.features, same.test.features)
    assert not np.array_equal(one.test.features, other.test.features)


@pytest.mark.parametrize("zipped", [False, True])
def test_idx_files_are_read_plain_or_zipped(tmp_path: Path, zipped: bool) -> None:
    _write_idx(tmp_path / "images", zipped=zipped)
    data = _load(tmp_path, "idx", "images", validation=0.2)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [16, 4, 10]
    assert data.test.features[3].tolist() == [3 / 256, 4 / 256, 5 / 256, 255 / 256]
    assert data.test.labels.tolist() == [0, 1] * 5


def test_bytes_reach_an_eight_bit_port_unchanged(tmp_path: Path) -> None:
    _write_idx(tmp_path / "images", zipped=False)
    data = _load(tmp_path, "idx", "images", validation=0.2)
    form = data.input_format(8)
    assert form == FixedPoint(8, 8, signed=False)
    assert form.encode(data.test.features[7]).tolist() == [7, 8, 9, 255]


def test_data_is_found_under_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write_idx(tmp_path / "images", zipped=False)
    monkeypatch.setenv("NETGEN_DATA", str(tmp_path))
    assert len(_load(tmp_path / "elsewhere", "idx", "images", validation=0.2).test) == 10


def test_npz_with_negative_features_gets_a_signed_input(tmp_path: Path) -> None:
    x = np.linspace(-3, 3, 40).reshape(20, 2)
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(20) % 2)
    data = _load(tmp_path, "npz", "a.npz")
    assert data.input_format(6) == FixedPoint(6, 5, signed=True)
    assert data.scale.tolist() == [0.25, 0.25]


def test_each_feature_can_have_a_scale_of_its_own(tmp_path: Path) -> None:
    x = np.stack([np.arange(20) / 100, np.arange(20) * 100], axis=1)
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(20) % 2)
    data = _load(tmp_path, "npz", "a.npz", scale="feature", test=0.1)
    assert all(0.5 <= most < 1 for most in data.train.features.max(axis=0))


def test_csv_labels_become_classes_in_order_and_the_label_column_can_be_named(tmp_path: Path) -> None:
    rows = "\n".join(f"{'b' if k % 2 else 'a'},{k},{k / 2}" for k in range(20))
    (tmp_path / "t.csv").write_text("kind,width,height\n" + rows)
    data = _load(tmp_path, "csv", "t.csv", label="kind")
    assert data.classes == 2
    assert data.train.features.shape[1] == 2
    raw = np.rint(data.test.features[:, 0] / data.scale[0])
    assert data.test.labels.tolist() == [int(k) % 2 for k in raw]


def _truncate(folder: Path) -> None:
    file = folder / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:-5])


def _not_idx(folder: Path) -> None:
    (folder / "t10k-labels-idx1-ubyte").write_bytes(b"PK\x03\x04....")


def _short(folder: Path) -> None:
    labels = folder / "train-labels-idx1-ubyte"
    labels.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 1, 1]))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_truncate, "images/train-images-idx3-ubyte: 75 bytes of data where (20, 2, 2) needs 80; fetch it again"),
        (
            _not_idx,
            "images/t10k-labels-idx1-ubyte: starts with 50 4b 03 04; an idx file of bytes here starts with 00 00 08 01",
        ),
        (_short, "images: 20 samples but 1 labels; they must be as many"),
        (
            lambda folder: (folder / "t10k-images-idx3-ubyte").unlink(),
            "images: no t10k-images-idx3-ubyte and no t10k-images-idx3-ubyte.gz; "
            "data.path must be the folder of the four idx files",
        ),
    ],
    ids=["truncated", "not idx", "too few labels", "missing"],
)
def test_damaged_idx_files_are_named(tmp_path: Path, damage: object, message: str) -> None:
    _write_idx(tmp_path / "images", zipped=False)
    assert callable(damage)
    damage(tmp_path / "images")
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        _load(tmp_path, "idx", "images")
    assert str(caught.value) == f"{tmp_path}/{message}"


def test_a_damaged_gzip_file_is_named(tmp_path: Path) -> None:
    _write_idx(tmp_path / "images", zipped=True)
    file = tmp_path / "images" / "train-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:-12])
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz: damaged or unreadable .*; fetch it again"):
        _load(tmp_path, "idx", "images")


def test_data_that_is_nowhere_is_named_with_the_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NETGEN_DATA", raising=False)
    with pytest.raises(DataError) as caught:
        _load(tmp_path, "idx", "nowhere")
    assert str(caught.value) == (
        f"{tmp_path}/nowhere: not found; set NETGEN_DATA to the folder of data sets, or correct data.path"
    )


GOOD = {"x": np.ones((20, 2)), "y": np.arange(20) % 2}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.full((20, 2), np.nan)}, "features[0, 0] is nan; every feature must be finite"),
        ({"x": np.ones((19, 2))}, "19 samples but 20 labels; they must be as many"),
        ({"y": np.ones(20)}, "labels hold float64; need whole numbers from 0 to 9999"),
        ({"y": np.arange(20) - 1}, "labels hold -1; need whole numbers from 0 to 9999"),
        ({"x": np.array([["a"]] * 20)}, "features of type <U1; need real numbers"),
        ({"x_test": np.ones((4, 3)), "y_test": np.arange(4)}, "test samples have 3 features, training 2"),
        ({"y": np.arange(20)}, "20 samples cannot be split"),
        ({"y": np.full(20, 3)}, "labels hold one class, 3; need at least two"),
    ],
    ids=["nan", "lengths", "float labels", "negative labels", "text", "test width", "one sample a class", "one class"],
)
def test_unusable_arrays_are_refused(tmp_path: Path, arrays: dict[str, object], message: str) -> None:
    np.savez(tmp_path / "a.npz", **{**GOOD, **arrays})  # type: ignore[arg-type]
    with pytest.raises(DataError, match=re.escape(message)):
        _load(tmp_path, "npz", "a.npz")


def test_an_npz_with_other_names_or_objects_or_no_npz_at_all_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "names.npz", a=np.ones(3))
    np.savez(tmp_path / "objects.npz", x=np.array([{}], dtype=object), y=np.zeros(1, dtype=int))
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(DataError, match=r"names\.npz: holds a; need x_train, y_train, x_test, y_test or x, y"):
        _load(tmp_path, "npz", "names.npz")
    for name in ("objects.npz", "text.npz"):
        with pytest.raises(DataError, match=f"{name}: not a readable .npz of plain arrays"):
            _load(tmp_path, "npz", name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; give a row per sample"),
        ("a,b,c\n", "has a header only; give a row per sample"),
        ("1,2,0\n1,2\n", "line 2: 2 cells where the first line has 3"),
        ("1,2,0\n1,x,1\n", "line 2: 'x' is not a number; every feature must be one"),
        ("1,2,0\n1,nan,0\n" * 9, "features[1, 1] is nan; every feature must be finite"),
    ],
    ids=["empty", "header only", "ragged", "text", "nan"],
)
def test_unusable_csv_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=re.escape(message)):
        _load(tmp_path, "csv", "t.csv")


def test_a_label_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"no column 'c' \(there are a, b\); correct data\.label"):
        _load(tmp_path, "csv", "t.csv", label="c")
