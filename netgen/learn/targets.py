"""Whether a pruned network has the number of weights, or the wire length, that its spec asked for."""

from netgen.spec.sections import PruneSpec
from netgen.spec.spec import Spec

__all__ = ["missed"]

NEAR = 0.8
"""A target is used up where at least this share of it is left."""


def missed(spec: Spec, *, before: int, left: int, length: float) -> tuple[str, ...]:
    """Warn of a target of pruning that had no effect, that was undershot by far, or that the placement does not hold.

    Args:
        before: weights of the dense network, each counted with every use of it.
        left: those of the pruned network.
        length: wire length of the placed circuit.
    Returns: one line, or none.
    """
    prune = spec.prune
    if prune.rule == "none":
        return ()
    if prune.wire_length is not None:
        return _length_missed(spec, prune.wire_length, length)
    if prune.wires is not None and prune.wires >= before:
        return (f"prune.wires: {prune.wires:,} has no effect on a network of {before:,} weights; lower it",)
    count = _count(prune, before)
    if count is None or left >= NEAR * count:
        return ()
    key, value = ("sparsity", f"{prune.sparsity:g}") if prune.wires is None else ("wires", f"{prune.wires:,}")
    scope = "" if prune.scope == "layer" else "set prune.scope to layer, "
    return (
        f"prune.{key}: {value} allows {count:,} of {before:,} weights, and {left:,} are left, since weights of 0, and "
        f"all those of neurons without inputs or readers, were removed too; {scope}{_keep_more(prune)} or raise "
        "prune.rounds",
    )


def _count(prune: PruneSpec, before: int) -> int | None:
    """The weights that a spec's target allows; None for a target of another kind."""
    return prune.wires if prune.sparsity is None else round(before * (1 - prune.sparsity))


def _keep_more(prune: PruneSpec) -> str:
    return "raise prune.wires" if prune.sparsity is None else "lower prune.sparsity"


def _length_missed(spec: Spec, target: int, length: float) -> tuple[str, ...]:
    """Compare the target with the last placement; pruning followed its own ones, of the float network."""
    if length > target:
        return (
            f"prune.wire_length: {target:,} was held by the placements that pruning followed; the last one has "
            f"{length:,.0f}; lower it, or raise place.moves ({spec.place.moves:,})",
        )
    if length < NEAR * target:
        return (
            f"prune.wire_length: {target:,} is more than the {length:,.0f} that the circuit has: more weights were "
            "removed than it asks for, as 0 or with dead neurons, or it is above the length of the dense network",
        )
    return ()
