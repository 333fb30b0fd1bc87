"""Number formats: ranges, the rounding rule and the overflow rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netgen.errors import QuantizeError
from netgen.ir.fixed import FixedPoint, bits_of, shift_round


@pytest.mark.parametrize(
    ("signed", "width", "lo", "hi"), [(True, 1, -1, 0), (False, 1, 0, 1), (True, 8, -128, 127), (False, 8, 0, 255)]
)
def test_a_format_spans_twos_complement_or_unsigned_words(signed: bool, width: int, lo: int, hi: int) -> None:
    word = FixedPoint(width, 3, signed)
    assert (word.lo, word.hi) == (lo, hi)


@pytest.mark.parametrize("width", [0, -1, 63])
def test_a_width_that_int64_cannot_add_exactly_is_refused(width: int) -> None:
    with pytest.raises(QuantizeError, match=f"^width {width} of a fixed-point format; use 1 to 62$"):
        FixedPoint(width, 0, signed=True)


def test_encoding_rounds_ties_up() -> None:
    """In steps of 1/2: 0.25 is word 0.5, a tie, so 1; -0.25 is word -0.5, so 0; -0.75 is word -1.5, so -1."""
    word = FixedPoint(4, 1, signed=True)
    assert word.encode([0.25, -0.25, -0.75, 0.2, -0.2, 0.3]).tolist() == [1, 0, -1, 0, 0, 1]


def test_encoding_saturates() -> None:
    assert FixedPoint(4, 0, signed=True).encode([100, -100, np.inf, -np.inf]).tolist() == [7, -8, 7, -8]
    assert FixedPoint(4, 0, signed=False).encode([100, -100]).tolist() == [15, 0]


def test_encoding_refuses_nan() -> None:
    with pytest.raises(QuantizeError, match=r"^NaN cannot be encoded as s4\.2; clean the data or weights$"):
        FixedPoint(4, 2, signed=True).encode([0.0, np.nan])


@given(st.integers(1, 20), st.integers(-30, 30), st.booleans(), st.data())
def test_decoding_undoes_nothing_and_encoding_undoes_it(
    width: int, frac: int, signed: bool, data: st.DataObject
) -> None:
    word = FixedPoint(width, frac, signed)
    k = data.draw(st.integers(word.lo, word.hi))
    assert word.decode(k) == k * 2.0**-frac
    assert word.encode(word.decode(k)) == k


@pytest.mark.parametrize(
    ("word", "shift", "expected"),
    [(6, 2, 2), (5, 2, 1), (-6, 2, -1), (-7, 2, -2), (2, 2, 1), (-2, 2, 0), (3, 0, 3), (-3, -2, -12), (1, 60, 0)],
)
def test_a_shift_rounds_to_nearest_and_ties_up(word: int, shift: int, expected: int) -> None:
    """6/4 = 1.5 gives 2; -6/4 = -1.5 gives -1; -7/4 = -1.75 gives -2; -2/4 = -0.5 gives 0; -3 * 4 = -12."""
    assert shift_round(word, shift) == expected


@given(st.integers(-(2**40), 2**40), st.integers(1, 50))
def test_a_shift_rounds_as_exact_fractions_do(word: int, shift: int) -> None:
    assert shift_round(word, shift) == (2 * word + 2**shift) // 2 ** (shift + 1)


@pytest.mark.parametrize(
    ("lo", "hi", "expected"),
    [
        (0, 0, (1, False)),
        (0, 1, (1, False)),
        (0, 255, (8, False)),
        (3, 256, (9, False)),
        (-1, 0, (1, True)),
        (-1, 1, (2, True)),
        (-128, 127, (8, True)),
        (-129, 0, (9, True)),
        (-1, 128, (9, True)),
        (-5, -3, (4, True)),
    ],
)
def test_bits_are_the_least_that_hold_a_range(lo: int, hi: int, expected: tuple[int, bool]) -> None:
    assert bits_of(lo, hi) == expected


def test_only_values_a_step_or_more_outside_the_format_overflow() -> None:
    """u3.1 holds 0, 0.5, ..., 3.5; s3.1 holds -2, -1.5, ..., 1.5."""
    unsigned, signed = FixedPoint(3, 1, signed=False), FixedPoint(3, 1, signed=True)
    assert unsigned.overflows([0.0, 3.5, 3.9, -0.4]) == 0
    assert unsigned.overflows([[4.0, -0.5], [1.0, 1e30]]) == 3
    assert signed.overflows([-2.0, -2.4, 1.9]) == 0
    assert signed.overflows([-2.5, 2.0]) == 2
