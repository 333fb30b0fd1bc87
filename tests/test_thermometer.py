import numpy as np
import pytest
import torch

from netgen.data import Dataset, Split
from netgen.errors import SpecError
from netgen.ir.fixed import FixedPoint
from netgen.ir.thermometer import threshold_bits, thresholds_in
from netgen.train import coded

BYTE = FixedPoint(8, 8, signed=False)


def test_a_word_becomes_one_bit_for_each_threshold_that_it_reaches() -> None:
    """63, 64, 128, 255 against 64 and 192; bits of one word lie side by side, the lowest threshold first."""
    words = np.array([[63, 64], [128, 255]])
    assert threshold_bits(words, (64, 192)).tolist() == [[0, 0, 1, 0], [1, 0, 1, 1]]


def test_a_threshold_is_the_least_word_that_reaches_it() -> None:
    """0.5 is word 128 of 256; 0.3 * 256 = 76.8, so that 77 is the least word that reaches it."""
    assert thresholds_in(BYTE, [0.3, 0.5]) == (77, 128)


@pytest.mark.parametrize(
    ("shares", "line"),
    [
        ([0.4, 0.5], "data.thresholds: [0.4, 0.5] are the words [2, 2] of u2.2; write each word once"),
        ([0.9], "data.thresholds: 0.9 splits no words of u2.2; widen quantize.input_width"),
    ],
)
def test_thresholds_that_words_cannot_tell_apart_are_refused(shares: list[float], line: str) -> None:
    """Of u2.2 the words are 0, 1/4, 2/4 and 3/4: 2/4 is the first to reach 0.4 and 0.5, and none reaches 0.9."""
    with pytest.raises(SpecError) as error:
        thresholds_in(FixedPoint(2, 2, signed=False), shares)
    assert str(error.value) == line


def test_bytes_are_coded_as_the_features_that_they_stand_for() -> None:
    view = torch.arange(256, dtype=torch.uint8).view(64, 4)
    split = Split((view.numpy() / 256).astype(np.float32), np.zeros(64, dtype=np.int64))
    data = Dataset(split, split, split, 2, np.ones(4), "")
    expected = data.coded(BYTE, (1, 100, 128)).train.features
    assert np.array_equal(coded(view, BYTE, (1, 100, 128)).numpy() / 256, expected)
    assert expected.shape == (64, 12)
    assert expected[25, :3].tolist() == [0.5, 0.5, 0.0], "word 100 reaches 1 and 100, not 128"
