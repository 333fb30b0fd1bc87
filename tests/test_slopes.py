"""Slopes and ranges of activation functions, against a dense evaluation."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from network_strategies import SMOOTH, pipeline_named

from netgen.ir.functions import apply_all
from netgen.ir.slopes import range_after, slope_of


@settings(max_examples=200)
@given(st.sampled_from(SMOOTH), st.integers(0, 2**32 - 1))
def test_no_two_values_lie_further_apart_or_outside_than_is_said(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pipeline = pipeline_named(name, 3, rng)
    lo = rng.uniform(-6, 2, 3)
    hi = lo + rng.uniform(0.01, 8, 3)
    x = lo + (hi - lo) * np.linspace(0, 1, 4001)[:, None]
    y = apply_all(pipeline, x)
    steepest = (np.abs(np.diff(y, axis=0)) / np.diff(x, axis=0)).max(axis=0)
    assert (steepest <= slope_of(pipeline, lo, hi) * (1 + 1e-9) + 1e-9).all()
    least, most = range_after(pipeline, lo, hi)
    assert (least <= y.min(axis=0) + 1e-12).all()
    assert (most >= y.max(axis=0) - 1e-12).all()
