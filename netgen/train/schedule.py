"""The pruning schedule: how many weights, or how much wire, each pruning should leave."""

from dataclasses import dataclass

from netgen.spec.sections import PruneSpec, per_layer

DENSE_SHARE = 0.3
"""Share of the rounds in which a target of wire length is still a number of wires: too many of them to be placed."""
KEPT_PER_ROUND = 0.75
"""Share of the remaining weights that each round keeps when the target is an accuracy."""


@dataclass(frozen=True)
class PruningTarget:
    """What one pruning should leave: a number of weights, a fan-in, or, when neither is given, a wire length.

    Attributes:
        count: weights of the whole network.
        fan_in: weights of each neuron, one number for each layer.
        length: wire length of the whole network, under the current placement.
    """

    count: int | None = None
    fan_in: tuple[int, ...] | None = None
    length: float = 0.0


@dataclass(frozen=True)
class PruningSchedule:
    """The targets from the first pruning to the last.

    Attributes:
        weights_total: weights of the dense network, of which a sparsity is a share.
        fan_in: of each layer of the dense network.
        wires: weights that are left before the first pruning.
    """

    spec: PruneSpec
    weights_total: int
    fan_in: tuple[int, ...]
    wires: int

    def target(self, done: float, length: float | None = None) -> PruningTarget:
        """The target when a share `done` of the schedule, 0 to 1, is done.

        Args:
            length: wire length under the first placement; None as long as there is no placement.
        """
        spec = self.spec
        if spec.sparsity is not None:
            return PruningTarget(count=round(self.weights_total * (1 - spec.sparsity * (1 - (1 - done) ** 3))))
        if spec.accuracy is not None:
            return PruningTarget(count=round(self.weights_total * KEPT_PER_ROUND ** (spec.rounds * done)))
        if spec.wires is not None:
            return PruningTarget(count=round(_between(self.wires, spec.wires, done)))
        if spec.fan_in is not None:
            pairs = zip(self.fan_in, per_layer(spec.fan_in, len(self.fan_in)), strict=True)
            return PruningTarget(fan_in=tuple(round(_between(a, b, done)) for a, b in pairs))
        assert spec.wire_length is not None
        dense = self._unplaced_rounds / spec.rounds
        if done <= dense or length is None:
            return PruningTarget(count=round(_between(self.wires, spec.place_at, min(done / max(dense, 1e-9), 1.0))))
        return PruningTarget(length=_between(max(length, 1.0), spec.wire_length, (done - dense) / (1 - dense)))

    @property
    def _unplaced_rounds(self) -> int:
        """Rounds that lead from the dense network to one small enough to be placed."""
        return max(round(DENSE_SHARE * self.spec.rounds), 1) if self.wires > self.spec.place_at else 0


def _between(start: float, end: float, done: float) -> float:
    """Interpolate geometrically from `start` down to `end`; constant when `end` is above `start`."""
    return start * float((min(end, start) / start) ** done)
