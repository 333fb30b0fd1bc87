"""Groups of neurons: those that share a trained parameter, and those that any pairs connect."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from netgen.ir.rows import channels_of, connected


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
