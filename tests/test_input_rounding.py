"""How a network's own quantizer makes words of raw values, worked by hand."""

import numpy as np
import pytest

from netgen.errors import QuantizeError
from netgen.ir.input_rounding import InputRounding


def test_halves_go_to_even_before_the_zero_point_is_added() -> None:
    """0.5 and 1.5 steps round to 0 and 2; the zero point 3 makes them 3 and 5; 9 steps are limited."""
    rule = InputRounding(np.array([0.25]), 0, 7, "even", zero=3)
    raw = np.array([[0.125], [0.375], [2.25], [-0.125], [-np.inf]])
    assert rule.words(raw, np.ones(1), 0.0).ravel().tolist() == [3, 5, 7, 3, 0]


def test_each_operation_rounds_to_float32_where_the_executor_does() -> None:
    """2**24 + 1 is no number of float32; 2**24 is, and half of it needs no rounding."""
    raw, step = np.array([[16777217.0]]), np.array([2.0])
    assert InputRounding(step, 0, 1 << 30, "up", single=True).words(raw, np.ones(1), 0.0).item() == 1 << 23
    assert InputRounding(step, 0, 1 << 30, "up").words(raw, np.ones(1), 0.0).item() == (1 << 23) + 1


def test_scale_and_offset_come_first() -> None:
    """2 x - 1 in steps of 1: 1.25 gives 1.5, which is 2, limited to 1."""
    rule = InputRounding(np.ones(2), -1, 1, "even")
    assert rule.words(np.array([[1.25, 0.25]]), np.array([2.0, 2.0]), np.array([-1.0, -1.0])).tolist() == [[1, 0]]


def test_numbers_that_make_no_rule_are_refused() -> None:
    with pytest.raises(QuantizeError, match="every step must be positive and finite"):
        InputRounding(np.array([0.0]), 0, 1)
    with pytest.raises(QuantizeError, match="words from 2 to 1"):
        InputRounding(np.array([1.0]), 2, 1)
    with pytest.raises(QuantizeError, match="NaN cannot be encoded"):
        InputRounding(np.array([1.0]), 0, 1).words(np.array([[np.nan]]), np.ones(1), 0.0)
