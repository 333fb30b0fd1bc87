"""Choose the values that a search tries: a pure function of the spec, its seed, and the results of earlier generations.

The values of a whole generation are chosen at once, from the results of all earlier generations and nothing else. So
it makes no difference which trial ends first, where it runs, or how often it is killed.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna import create_study
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import TPESampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from netgen.spec.search import Range, kinds_of
from netgen.spec.spec import Spec

DIRECTIONS = (StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE)
"""Directions of the two objectives: wire length and validation accuracy."""

TRIES = 20
"""How often values that were tried before are drawn again; in a small space no new ones may be left."""

Values = dict[str, Any]
"""Dotted key to value."""


def space_of(spec: Spec) -> dict[str, BaseDistribution]:
    """The distribution of every searched key, in the order of the spec."""
    return {key: _distribution(values, whole=_is_whole(key)) for key, values in spec.search.ranges.items()}


def values_of(params: Mapping[str, Any], spec: Spec) -> Values:
    """Convert Optuna's parameters to values of the spec; Optuna holds a choice as JSON text, since it may be a list."""
    ranges = spec.search.ranges
    return {key: json.loads(value) if ranges[key].choices else value for key, value in params.items()}


def ask(spec: Spec, earlier: Sequence[FrozenTrial], *, generation: int) -> list[dict[str, Any]]:
    """Choose the parameters of all trials of a generation.

    The sampler is Optuna's multi-objective TPE. It is multivariate, because the best pruning rate depends on the
    learning rate. NSGA-II, Optuna's alternative, uses only the parent generation and needs thousands of trials, too
    many when each trains a network; it also keeps populations in the database, which a killed search leaves incomplete.
    The first ten trials are random. Trials of one generation avoid each other (constant liar).

    Args:
        earlier: the finished trials of all earlier generations, in the order of their numbers.
        generation: from 0.
    Source: Bergstra et al. 2011 (TPE); Ozaki et al. 2020 (several objectives).
    """
    space = space_of(spec)
    seed = int(np.random.SeedSequence([spec.seed, generation]).generate_state(1)[0])
    study = create_study(directions=DIRECTIONS, sampler=TPESampler(seed=seed, multivariate=True, constant_liar=True))
    study.add_trials(earlier)
    known = [trial.params for trial in earlier]
    for _ in range(spec.search.generation):
        for _ in range(TRIES):
            chosen = study.ask(space).params
            if chosen not in known:
                break
        known.append(chosen)
    return known[len(earlier) :]


def _is_whole(key: str) -> bool:
    return float not in kinds_of(Spec, key)


def _distribution(values: Range, *, whole: bool) -> BaseDistribution:
    if values.choices is not None:
        return CategoricalDistribution([json.dumps(choice) for choice in values.choices])
    low, high, step = values.low, values.high, values.step
    assert low is not None
    assert high is not None
    if step is not None:  # Optuna requires a whole number of steps between the ends
        high = low + step * math.floor((high - low) / step + 1e-9)
    if whole:
        return IntDistribution(int(low), int(high), log=values.log, step=int(step or 1))
    return FloatDistribution(float(low), float(high), log=values.log, step=None if step is None else float(step))
