"""Which targets of pruning are said to be missed."""

import pytest

from netgen.learn.targets import missed
from netgen.spec.spec import parse_spec


def _missed(prune: str, *, before: int = 1_000, left: int = 100, length: float = 300.0) -> tuple[str, ...]:
    return missed(parse_spec(f"prune: {{{prune}}}"), before=before, left=left, length=length)


@pytest.mark.parametrize(
    "prune",
    [
        "sparsity: 0.9",
        "sparsity: 0.88",
        "sparsity: null, wires: 110",
        "sparsity: null, wire_length: 320",
        "sparsity: null, fan_in: 9",
        "sparsity: null, accuracy: 0.9",
        "rule: none",
    ],
)
def test_nothing_is_said_of_a_target_that_was_reached_or_nearly_used_up(prune: str) -> None:
    assert _missed(prune) == ()


def test_a_sparsity_that_dead_neurons_raised_is_told_with_both_numbers() -> None:
    """By hand: 5 % of 876 weights are 44."""
    assert _missed("sparsity: 0.95", before=876, left=11) == (
        "prune.sparsity: 0.95 allows 44 of 876 weights, and 11 are left, since weights of 0, and all those of neurons "
        "without inputs or readers, were removed too; set prune.scope to layer, lower prune.sparsity or raise "
        "prune.rounds",
    )
    (line,) = _missed("sparsity: null, wires: 200, scope: layer")
    assert line.startswith("prune.wires: 200 allows 200 of 1,000 weights, and 100 are left")
    assert line.endswith("were removed too; raise prune.wires or raise prune.rounds")


def test_a_number_of_wires_that_the_network_never_had_is_told() -> None:
    assert _missed("sparsity: null, wires: 1000") == (
        "prune.wires: 1,000 has no effect on a network of 1,000 weights; lower it",
    )


def test_a_wire_length_that_the_last_placement_exceeds_is_told() -> None:
    (line,) = _missed("sparsity: null, wire_length: 299")
    assert line == (
        "prune.wire_length: 299 was held by the placements that pruning followed; the last one has 300; lower it, or "
        "raise place.moves (10,000,000)"
    )


def test_a_wire_length_far_above_that_of_the_circuit_is_told() -> None:
    (line,) = _missed("sparsity: null, wire_length: 1000000")
    assert line.startswith("prune.wire_length: 1,000,000 is more than the 300 that the circuit has: ")
