"""Frozen dataclasses as JSON text and back, exactly: no key missing, none unknown, every value of its type.

A field with the metadata `LATER` may be missing, as it is in what an earlier version wrote.
"""

import json
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

from netgen.errors import BuildError, NetgenError
from netgen.text import Fields, parse_json, shown

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")

FIX = "build it again"
LATER = "later"
"""Metadata of a field that came after the first version of its record."""
_FIELDS = Fields(BuildError, fix=FIX)
_LEAVES = {int: _FIELDS.integer, float: _FIELDS.real, str: _FIELDS.text, bool: _FIELDS.boolean}


def write(record: "DataclassInstance") -> str:
    """Write a record as JSON text that ends in a line break; the same bytes for the same record."""
    return json.dumps(asdict(record), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read(kind: type[Record], text: str) -> Record:
    """Read what `write` wrote.

    Raises: BuildError, for text that is no JSON, or naming the first key that is missing, unknown or of the wrong type.
    """
    record: Record = _read(kind, parse_json(text, BuildError, fix=FIX), "report")
    return record


def _read(kind: Any, value: object, place: str) -> Any:
    if kind in _LEAVES:
        return _LEAVES[kind](value, place)
    if is_dataclass(kind):
        return _read_record(kind, value, place)
    if get_origin(kind) is UnionType:
        some = next(one for one in get_args(kind) if one is not type(None))
        return None if value is None else _read(some, value, place)
    if get_origin(kind) is tuple:
        return _read_items(get_args(kind), value, place)
    assert get_origin(kind) is dict, kind
    _, of_values = get_args(kind)
    items = _FIELDS.mapping(value, place).items()
    return {key: _read(of_values, item, f"{place}[{shown(key)}]") for key, item in items}


_hints_of = cache(get_type_hints)


@cache
def _later_of(kind: Any) -> tuple[str, ...]:
    """The fields that a record of an earlier version may lack: those that say so, and have a default."""
    return tuple(field.name for field in fields(kind) if field.metadata.get(LATER))


def _read_record(kind: Any, value: object, place: str) -> Any:
    hints, later = _hints_of(kind), _later_of(kind)
    tree = _FIELDS.mapping(value, place, [key for key in hints if key not in later], later)
    found = {key: _read(hints[key], item, f"{place}.{key}") for key, item in tree.items()}
    try:
        return kind(**found)
    except NetgenError as error:
        raise BuildError(f"{place}: {error}") from error


def _read_items(kinds: tuple[Any, ...], value: object, place: str) -> tuple[Any, ...]:
    items = _FIELDS.items(value, place)
    each = (kinds[0],) * len(items) if kinds[-1] is Ellipsis else kinds
    if len(each) != len(items):
        raise _FIELDS.wrong(place, f"{len(items)} values instead of {len(each)}")
    return tuple(_read(one, item, f"{place}[{i}]") for i, (one, item) in enumerate(zip(each, items, strict=True)))
