"""Compressed rows, which the layers of float networks and of integer circuits share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netgen.errors import QuantizeError, WeightsError
from netgen.ir.circuit import CircuitLayer
from netgen.ir.network import Layer
from netgen.ir.rows import channels_of, connected

STARTS = np.array([0, 2, 3])
SOURCE = np.array([0, 1, 1])
ONES = np.ones(3, dtype=np.int64)
NONE = np.zeros(2, dtype=np.int64)
LAYERS = Layer("a", STARTS, SOURCE, np.ones(3), np.zeros(2)), CircuitLayer("a", STARTS, SOURCE, ONES, NONE, frac=0)


def test_a_wire_leads_into_the_neuron_whose_row_holds_it() -> None:
    """Two wires of the first neuron, one of the second."""
    for layer in LAYERS:
        assert (len(layer), layer.wires, layer.target.tolist()) == (2, 3, [0, 0, 1])


@pytest.mark.parametrize(
    ("gather", "starts", "weight", "bias", "message"),
    [
        ("mean", STARTS, ONES, NONE, "gather 'mean'; use sum, max, select, table"),
        ("max", np.array([0, 3, 3]), ONES, NONE, "a maximum reads at least one value, by weight 1 and without bias"),
        ("max", STARTS, 2 * ONES, NONE, "a maximum reads at least one value, by weight 1 and without bias"),
        ("max", STARTS, ONES, NONE + 1, "a maximum reads at least one value, by weight 1 and without bias"),
        (
            "select",
            STARTS,
            ONES,
            NONE,
            "a selection reads bypass, gate and word, or gate and word, .* and without bias",
        ),
        ("select", np.array([0, 3, 3]), ONES, NONE, "a selection reads bypass, gate and word, or gate and word, .*"),
    ],
)
def test_values_that_cannot_be_gathered_are_refused(
    gather: str, starts: np.ndarray, weight: np.ndarray, bias: np.ndarray, message: str
) -> None:
    source = np.array([0, 1, 2])
    with pytest.raises(WeightsError, match=f"^layer a: {message}$"):
        Layer("a", starts, source, weight, bias, gather=gather)  # type: ignore[arg-type]  # the type checker sees it
    with pytest.raises(QuantizeError, match=f"^layer a: {message}$"):
        CircuitLayer("a", starts, source, weight, bias, 0, gather=gather)  # type: ignore[arg-type]


@given(st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.tuples(*[st.integers(0, n - 1)] * 2)))))
def test_groups_are_what_merging_pair_by_pair_gives_in_the_order_of_least_members(
    case: tuple[int, list[tuple[int, int]]],
) -> None:
    count, pairs = case
    sets = [{k} for k in range(count)]
    for one, other in pairs:
        merged = sets[one] | sets[other]
        for k in merged:
            sets[k] = merged
    least = sorted({min(one) for one in sets})
    expected = [least.index(min(one)) for one in sets]
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    assert connected(count, *ends).tolist() == expected


def test_neurons_of_a_channel_share_parameters_directly_or_by_others() -> None:
    """Neurons 0 and 2 share parameter 7, 2 and 3 share 5; neuron 1 has no wire."""
    target, parameter = np.array([0, 2, 2, 3]), np.array([7, 7, 5, 5])
    assert channels_of(4, target, parameter).tolist() == [0, 1, 0, 0]
    assert channels_of(4, target, None).tolist() == [0, 1, 2, 3]
