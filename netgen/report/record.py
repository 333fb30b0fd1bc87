"""Frozen dataclasses as JSON text and back, exactly: no key missing, none unknown, every value of its type."""

import json
from dataclasses import asdict, is_dataclass
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

from netgen.errors import BuildError, NetgenError
from netgen.text import parse_json, shown

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")


def write(record: "DataclassInstance") -> str:
    """Write a record as JSON text that ends in a line break; the same bytes for the same record."""
    return json.dumps(asdict(record), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read(kind: type[Record], text: str) -> Record:
    """Read what `write` wrote.

    Raises: BuildError, for text that is no JSON, or naming the first key that is missing, unknown or of the wrong type.
    """
    tree = parse_json(text, BuildError, fix="build it again")
    record: Record = _read(kind, tree, "report")
    return record


def _read(kind: Any, value: object, place: str) -> Any:
    if is_dataclass(kind):
        return _read_fields(kind, value, place)
    if get_origin(kind) is UnionType:
        some = next(one for one in get_args(kind) if one is not type(None))
        return None if value is None else _read(some, value, place)
    if get_origin(kind) is tuple:
        return _read_items(get_args(kind), value, place)
    if get_origin(kind) is dict:
        if not isinstance(value, dict):
            raise _wrong(value, place, "a table")
        return {key: _read(get_args(kind)[1], item, f"{place}[{shown(key)}]") for key, item in value.items()}
    if type(value) is not kind:
        raise _wrong(value, place, kind.__name__)
    if isinstance(value, int) and abs(value) >= 1 << 63:
        raise _wrong(value, place, "a number of at most 64 bits")
    return value


_hints_of = cache(get_type_hints)


def _read_fields(kind: Any, value: object, place: str) -> Any:
    hints = _hints_of(kind)
    if not isinstance(value, dict):
        raise _wrong(value, place, kind.__name__)
    for key in (*hints, *value):
        if key not in value:
            raise BuildError(f"{place}.{key} is missing; build it again")
        if key not in hints:
            raise BuildError(f"{place}: unknown key {shown(key)}; build it again with this version of netgen")
    fields = {key: _read(hint, value[key], f"{place}.{key}") for key, hint in hints.items()}
    try:
        return kind(**fields)
    except NetgenError as error:
        raise BuildError(f"{place}: {error}") from error


def _read_items(kinds: tuple[Any, ...], value: object, place: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _wrong(value, place, "a list")
    each = (kinds[0],) * len(value) if kinds[-1] is Ellipsis else kinds
    if len(each) != len(value):
        raise _wrong(value, place, f"a list of {len(each)}")
    return tuple(_read(one, item, f"{place}[{i}]") for i, (one, item) in enumerate(zip(each, value, strict=True)))


def _wrong(value: object, place: str, wanted: str) -> BuildError:
    return BuildError(f"{place} is {shown(value)} instead of {wanted}; build it again")
