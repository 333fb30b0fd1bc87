"""Data sets as stages see them: found, split, scaled; what a reader of one format does stands in files of its own."""

import re
from pathlib import Path

import numpy as np
import pytest

from netgen.data import Dataset, load_dataset
from netgen.errors import DataError
from netgen.ir.fixed import FixedPoint
from netgen.spec.sections import DataSpec


def _load(tmp_path: Path, source: str, path: str, **keys: object) -> Dataset:
    spec = DataSpec.model_validate({"source": source, "path": path, **keys})
    return load_dataset(spec, seed=1, base=tmp_path)


def _save(tmp_path: Path, x: object, **arrays: object) -> None:
    x = np.asarray(x)
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(len(x)) % 2, **arrays)  # type: ignore[arg-type]


def test_digits_are_1797_images_of_64_pixels_split_in_three() -> None:
    data = load_dataset(DataSpec(), seed=1)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [1293, 144, 360]
    assert data.classes == 10
    assert data.scale.tolist() == [2**-5] * 64  # pixels are 0 to 16, and 16 / 32 is the first below 1


def test_the_same_seed_splits_alike_and_another_one_differently() -> None:
    one, same, other = (load_dataset(DataSpec(), seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.test.features, same.test.features)
    assert not np.array_equal(one.test.features, other.test.features)


def test_data_is_found_under_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _save(tmp_path, np.arange(40).reshape(20, 2))
    monkeypatch.setenv("NETGEN_DATA", str(tmp_path))
    assert len(_load(tmp_path / "elsewhere", "npz", "a.npz").test) == 4


def test_data_that_is_nowhere_is_named_with_the_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NETGEN_DATA", raising=False)
    with pytest.raises(DataError) as caught:
        _load(tmp_path, "idx", "nowhere")
    assert str(caught.value) == (
        f"{tmp_path}/nowhere: not found; set NETGEN_DATA to the folder of data sets, or correct data.path"
    )


def test_a_path_that_no_file_system_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^data\.path: 'n+': File name too long; correct data\.path$"):
        _load(tmp_path, "npz", "n" * 3000)


def test_negative_features_make_a_signed_input(tmp_path: Path) -> None:
    _save(tmp_path, np.linspace(-3, 3, 40).reshape(20, 2))
    data = _load(tmp_path, "npz", "a.npz")
    assert data.input_format(6) == FixedPoint(6, 5, signed=True)
    assert data.scale.tolist() == [0.25, 0.25]


def test_each_feature_can_have_a_scale_of_its_own(tmp_path: Path) -> None:
    _save(tmp_path, np.stack([np.arange(20) / 100, np.arange(20) * 100], axis=1))
    data = _load(tmp_path, "npz", "a.npz", scale="feature", test=0.1)
    assert all(0.5 <= most < 1 for most in data.train.features.max(axis=0))


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_the_same_values_of_another_type_have_the_same_scale(tmp_path: Path, dtype: type) -> None:
    """0 to 100: the first power of two above 100 is 128."""
    _save(tmp_path, np.arange(0, 101, 2).reshape(51, 1).astype(dtype))
    assert _load(tmp_path, "npz", "a.npz", test=0.1).scale.tolist() == [1 / 128]


@pytest.mark.parametrize("scale", ["global", "feature"])
@pytest.mark.parametrize(
    "most",
    [
        np.float64(1e300),
        np.float64(1.7e308),
        np.float64(1e39),
        np.float64(1e-50),
        np.float64(5e-324),
        np.float64(-1e300),
        np.float32(3e38),
        np.float32(1e-45),
        np.float16(65504),
        np.int64(2**63 - 1),
        np.int64(-(2**63)),
        np.int64(2**53 + 1),
        np.int32(2**31 - 1),
        np.int32(1 - 2**31),
        np.uint64(2**64 - 1),
        np.uint8(255),
        np.bool_(True),
    ],
    ids=repr,
)
def test_features_of_any_size_become_finite_and_below_1(tmp_path: Path, most: np.generic, scale: str) -> None:
    """The greatest feature comes to lie between 1/2 and 1, but where no finite power of two brings it there.

    Rounded to float32, (2^31 - 1) / 2^31 would be 1. -2^63 has the magnitude 2^63, whose double is scaled to 1/2.
    """
    x = np.zeros((40, 2), most.dtype)
    x[::2] = most
    _save(tmp_path, x)
    data = _load(tmp_path, "npz", "a.npz", scale=scale)
    for split in (data.train, data.validation, data.test):
        found = np.abs(split.features[split.labels == 0]).astype(np.float64)
        assert found.max() < 1
        assert found.min() >= (0.5 if abs(float(most)) > 1e-300 else 2.0**-52)
    power = np.log2(data.scale)
    assert np.array_equal(power, np.rint(power))


def test_a_code_of_more_bits_than_memory_holds_is_refused(tmp_path: Path) -> None:
    """60,000 x 784 x 22 bits are 1,034,880,000."""
    _save(tmp_path, np.zeros((60_000, 784), np.uint8))
    thresholds = tuple(k / 32 for k in range(1, 23))
    with pytest.raises(DataError, match=r"^data\.thresholds: 22 thresholds of 784 features make 1,034,880,000 bits"):
        _load(tmp_path, "npz", "a.npz", thresholds=thresholds)


@pytest.mark.parametrize("value", [1e300, -1e300])
def test_a_test_feature_far_outside_the_training_range_is_refused(tmp_path: Path, value: float) -> None:
    test = np.ones((4, 2))
    test[3, 1] = value
    x = np.arange(40).reshape(20, 2)
    _save(tmp_path, x, x_test=test, y_test=np.arange(4) % 2)
    with pytest.raises(
        DataError,
        match=re.escape(f"a.npz: test features[3, 1] is {value}, more than 2^64 times every training sample's"),
    ):
        _load(tmp_path, "npz", "a.npz")


def test_a_feature_is_scaled_by_the_power_that_the_data_set_keeps(tmp_path: Path) -> None:
    """0 to 8 in eighths: the first power of two above 8 is 16."""
    raw = np.arange(65).reshape(65, 1) / 8
    _save(tmp_path, raw, x_test=raw, y_test=np.arange(65) % 2)
    data = _load(tmp_path, "npz", "a.npz")
    assert data.test.features[:, 0].tolist() == [k / 8 / 16 for k in range(65)]
    assert data.scale.tolist() == [1 / 16]
    assert data.notes == ()
