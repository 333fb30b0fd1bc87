"""From data to a circuit by one spec, step by step, and what to warn of."""

from netgen.learn.follow import Follower
from netgen.learn.learner import Learner
from netgen.learn.warnings import assumed, coarse, falls, guessing, scaled_weights, unused

__all__ = ["Follower", "Learner", "assumed", "coarse", "falls", "guessing", "scaled_weights", "unused"]
