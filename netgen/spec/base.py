"""What every part of a spec has in common: it is frozen and strict, it knows all its keys, and its numbers have limits.

A limit lies far above what anyone builds and below what memory, time or 64 bits could not hold.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(gt=0, lt=1)]
PositiveInt = Annotated[int, Field(ge=1, le=1_000_000_000)]
SmallCount = Annotated[int, Field(ge=1, le=10_000)]
Epochs = Annotated[int, Field(ge=0, le=100_000)]
Real = Annotated[float, Field(ge=-1e30, le=1e30)]
FilePath = Annotated[str, Field(min_length=1, max_length=4_096, pattern=r"^[^\x00-\x1f\x7f]*$")]
Moves = Annotated[int, Field(ge=0, le=1_000_000_000_000)]


class Section(BaseModel):
    """A frozen part of the spec in which unknown keys and wrong types are errors."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)
