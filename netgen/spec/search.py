"""The `search` section of a spec: the keys that a search varies, and their ranges."""

import difflib
import json
from types import UnionType
from typing import Annotated, Any, Self, Union, get_args, get_origin

from pydantic import Field, model_validator

from netgen.spec.base import Section, Share, SmallCount

Trials = Annotated[int, Field(ge=1, le=1_000_000)]

LONGEST_KEY = 100
"""Characters of an unknown key that a message repeats."""


class Range(Section):
    """The values of one key that a search tries: numbers from `low` to `high`, or one of `choices`."""

    low: int | float | None = Field(None, description="least number")
    high: int | float | None = Field(None, description="greatest number")
    log: bool = Field(False, description="draw the logarithm of the number uniformly, instead of the number")
    step: int | float | None = Field(None, gt=0, description="distance between the numbers tried, counted from low")
    choices: tuple[Any, ...] | None = Field(
        None, min_length=1, max_length=256, description="the values tried, of any type that the key accepts"
    )

    @model_validator(mode="after")
    def _ends_or_choices(self) -> Self:
        ends = (self.low, self.high, self.step)
        if (self.choices is None) == (ends == (None, None, None)) or (self.choices is not None and self.log):
            raise ValueError("give low and high (and log or step), or choices")
        if self.choices is not None:
            texts = [json.dumps(choice) for choice in self.choices]
            twice = next((text for text in texts if texts.count(text) > 1), None)
            if twice is not None:
                raise ValueError(f"choices: {twice} stands twice; remove one")
            return self
        if self.low is None or self.high is None:
            raise ValueError(f"{'low' if self.low is None else 'high'} is missing; give both ends")
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}; swap them")
        if self.log and self.low <= 0:
            raise ValueError(f"low {self.low} has no magnitude; with log it must be above 0")
        if self.log and self.step is not None:
            raise ValueError(f"step {self.step} and log exclude each other; remove one")
        return self


FIXED = ("data", "emit", "check", "search")
"""Sections that a search must not vary: `data` changes the task, the others neither accuracy nor wire length."""


class SearchSpec(Section):
    """Ranges that `netgen search` varies, for short wires and high validation accuracy; `netgen build` ignores them."""

    trials: Trials = Field(100, description="number of networks to train and place")
    generation: SmallCount = Field(
        10,
        description="trials whose values are drawn together, from the results of earlier generations only; choose at "
        "least the number of trials that run at once; results do not depend on how many run at once",
    )
    accuracy: Share | None = Field(
        None,
        description="least validation accuracy: a trial ends, without being placed, as soon as its dense, pruned or "
        "quantized network is below it; null for none",
    )
    ranges: dict[str, Range] = Field(
        {},
        description="key: range, where the key is dotted, such as train.learning_rate, and the range is {low: 0.001, "
        "high: 0.1}, with log: true or a step if wanted, or {choices: [...]}",
    )


def kinds_of(spec: type[Section], key: str) -> set[type]:
    """The plain types that a dotted key of a spec accepts.

    Raises: ValueError, when there is no such key or a search may not vary it.
    """
    sections = {
        name: type(field.default).model_fields
        for name, field in spec.model_fields.items()
        if isinstance(field.default, Section) and name not in FIXED
    }
    known = {f"{name}.{inner}": field for name, fields in sections.items() for inner, field in fields.items()}
    if key not in known:
        close = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"keys of {', '.join(sections)} can be searched"
        short = key if len(key) <= LONGEST_KEY else f"{key[: LONGEST_KEY - 3]}..."
        raise ValueError(f"search.ranges.{short}: unknown key; {hint}")
    return _plain(known[key].annotation)


def _plain(annotation: Any) -> set[type]:
    """The plain types among the branches of an annotation."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _plain(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return set().union(*map(_plain, get_args(annotation)))
    return {annotation} if isinstance(annotation, type) else set()
