"""One round of pruning, of a multilayer perceptron and of any network."""

from abc import ABC, abstractmethod

from netgen.nn.defaults import torch_defaults
from netgen.spec.sections import PruneSpec
from netgen.train.fit import Descent

__all__ = ["PruningRounds"]


class PruningRounds(ABC):
    """Places, prunes and trains a network in rounds.

    Attributes:
        descent: trains the network.
    """

    spec: PruneSpec
    descent: Descent

    @torch_defaults()
    def round(self, number: int) -> None:
        """Place again, then prune and train in turns; rounds count from 1.

        Raises: TrainError, when no path from an input to an output is left.
        """
        self.follow()
        steps = self.spec.epochs * self.descent.per_epoch
        prunings = self.spec.steps if self.spec.schedule == "gradual" else 1
        for part in range(prunings):
            self.prune((number - 1 + (part + 1) / prunings) / self.spec.rounds)
            now = steps * (part + 1) // prunings - steps * part // prunings
            self.descent.run(now, self._after_step)

    @abstractmethod
    def follow(self) -> None:
        """Place the network again, once it has at most `place_at` wires."""

    @abstractmethod
    def prune(self, done: float) -> None:
        """Prune to the target of the schedule when a share `done` of it, 0 to 1, is done."""

    @abstractmethod
    def _after_step(self) -> None:
        """Do what follows each step of training."""
