"""Functions of an accumulator as step functions, against the functions themselves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_strategies import JUMPS, SMOOTH, pipeline_named

from netgen.ir import functions as f
from netgen.ir.activation import activated
from netgen.ir.fixed import FixedPoint
from netgen.quantize.step_functions import MOST_STEPS, distinct, pipeline_steps, step_function


@settings(max_examples=150)
@given(st.sampled_from(SMOOTH + JUMPS), st.integers(0, 2**32 - 1), st.sampled_from([6, 10, 20]))
def test_step_functions_are_the_rounded_functions(kind: str, seed: int, frac: int) -> None:
    """Narrow ranges, of which every accumulator is evaluated, and wide ones, which are bisected."""
    rng = np.random.default_rng(seed)
    neurons = 3
    pipeline = pipeline_named(kind, neurons, rng)
    lo, hi = -rng.integers(0, 10 << frac, neurons), rng.integers(0, 10 << frac, neurons)
    output = FixedPoint(int(rng.integers(1, 9)), int(rng.integers(-1, 6)), bool(rng.integers(2)))
    steps, shifts = pipeline_steps(pipeline, frac, lo, hi, output)
    assert not any(shifts)
    for neuron in range(neurons):
        own = f.of_neurons(pipeline, np.array([neuron]))
        near = steps.of(neuron).at[:, None] + np.arange(-2, 3)
        words = np.unique(np.concatenate([rng.integers(lo[neuron], hi[neuron] + 1, 500), near.ravel()]))
        words = words[(words >= lo[neuron]) & (words <= hi[neuron])]
        expected = output.encode(f.apply_all(own, words[:, None] * 2.0**-frac)[:, 0])
        assert activated(steps, words, neuron).tolist() == expected.tolist()


def test_a_function_that_turns_is_divided_where_it_turns() -> None:
    """GELU falls to -0.17 at -0.75: 6 steps of 1/32 down and up again, within 0.2 % of the range."""
    output = FixedPoint(8, 5, signed=True)
    steps, _ = pipeline_steps((f.Gelu(),), 24, np.array([-(1 << 33)]), np.array([1 << 33]), output)
    words = np.arange(-3 << 24, 0, 4999)
    right = f.apply(f.Gelu(), np.ldexp(words.astype(np.float64), -24))
    assert activated(steps, words, 0).tolist() == output.encode(right).tolist()
    assert steps.functions[0].value.min() == -5


@pytest.mark.parametrize("reach", [20, 30])
def test_the_words_of_a_function_of_many_steps_are_rounded_wherever_the_sum_may_reach(reach: int) -> None:
    """A leaky ReLU of 14 bits rises by 8,192 steps above 0 and falls by 2,458 below: of each 16, one break is left.

    The least power of two that leaves at most 1,024 of 10,650 is 16, also where the sum's range is 1,024 times that of
    the words. Words from -2 to 2 are then off by at most half of 16 steps of 2**-12.
    """
    output = FixedPoint(14, 12, signed=True)
    lo, hi = np.array([-(1 << reach)]), np.array([(1 << reach) - 1])
    steps, (zeros,) = pipeline_steps((f.LeakyRelu(0.3),), 19, lo, hi, output)
    assert zeros == 4
    assert 512 < len(steps.functions[0].at) <= MOST_STEPS
    words = np.arange(max(lo[0], -(1 << 20)), min(hi[0], 1 << 20), 777)
    found = output.decode(activated(steps, words, 0))
    right = np.clip(f.apply(f.LeakyRelu(0.3), words * 2.0**-19), -2, output.hi * output.step)
    assert np.abs(found - right).max() <= 8 * output.step


def test_breaks_of_a_wide_range_are_found_to_the_last_accumulator() -> None:
    breaks = np.array([-123_456_789, -5, 0, 1, 77_777_777])
    found = step_function(lambda k: np.searchsorted(breaks, k, side="right"), -(1 << 30), 1 << 30)
    assert found is not None
    assert (found.at.tolist(), found.value.tolist()) == (breaks.tolist(), [0, 1, 2, 3, 4, 5])


@pytest.mark.parametrize("pipeline", [(), (f.LeakyRelu(0.2),), (f.Product((), (f.Sigmoid(),)),)])
def test_neurons_of_one_function_share_a_step_function(pipeline: f.Composition) -> None:
    first, function = distinct(pipeline, 4)
    assert (first.tolist(), function.tolist()) == ([0], [0, 0, 0, 0])


def test_neurons_share_step_functions_by_their_parameters() -> None:
    slopes = np.array([0.5, 0.1, 0.5, 0.1])
    first, function = distinct((f.LeakyRelu(slopes),), 4)
    assert slopes[first][function].tolist() == slopes.tolist()
    assert len(first) == 2
