"""What pydantic finds wrong with a spec, as one line: the key, the value found and the fix."""

import difflib
import json
import re
from typing import get_args, get_origin

from pydantic import ValidationError

from netgen.spec.base import Section

LONGEST = 500
"""Characters of a message; the user's own text may be longer."""

_LONGEST_VALUE = 60
"""Characters of a value, or of one part of a key, within a message."""

_PLAIN = (
    (r"Input should be greater than or equal to (\S+)", r"give \1 or more"),
    (r"Input should be less than or equal to (\S+)", r"give \1 or less"),
    (r"Input should be greater than (\S+)", r"give more than \1"),
    (r"Input should be less than (\S+)", r"give less than \1"),
    (r"Input should be a finite number", "give a finite number"),
    (r"Input should be a valid integer(, .*)?", "give a whole number"),
    (r"Input should be a valid number(, .*)?", "give a number"),
    (r"Input should be a valid boolean(, .*)?", "give true or false"),
    (r"Input should be a valid string", "give text"),
    (r"Input should be a valid (array|list|tuple)", "give a list"),
    (r"Input should be (an object|a valid dictionary)", "give a mapping of keys to values"),
    (r"Input should be ('.*)", r"use \1"),
    (r"String should match pattern .*", "remove control characters"),
    (r"String should have at least 1 character", "give some text"),
)
"""Pydantic's sentences, and what the user should do."""

_OTHER_TYPE = re.compile("give (a whole number|a number|true or false|text|a list|a mapping of keys to values)|use .*")
"""What fixes a value of another type than a branch of a union has."""


def first_line(error: ValidationError, root: type[Section]) -> str:
    """Say the first finding as `key: value; fix`.

    Args:
        root: class of the tree that was checked.
    """
    found = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    unknown = found["type"] == "extra_forbidden"
    place, section = _place([str(key) for key in found["loc"]], root, unknown=unknown)
    key = ".".join(_shortened(part) for part in place)
    if unknown and section is not None:
        return one_line(f"{key}: unknown key; {_hint(place[-1], section)}")
    if found["type"] == "value_error":
        reason = found["msg"].removeprefix("Value error, ")
        return one_line(f"{key}: {reason}" if place else reason)
    value = _shortened(json.dumps(found["input"]))
    here = [e["msg"] for e in error.errors() if e["loc"][: len(place)] == found["loc"][: len(place)]]
    fixes = list(dict.fromkeys(fix_of(message) for message in here))
    near = [fix for fix in fixes if not _OTHER_TYPE.fullmatch(fix)]  # of the branch whose type the value has
    return one_line(f"{key}: {value}; {', or '.join(near or fixes)}")


def fix_of(message: str) -> str:
    """What to do about a value, in plain words, of what pydantic says about it."""
    for pattern, plain in _PLAIN:
        found = re.fullmatch(pattern, message)
        if found is not None:
            return found.expand(plain)
    return message[0].lower() + message[1:]


def _shortened(text: str) -> str:
    """The beginning of a key or value that is too long for a message."""
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."


def one_line(text: str) -> str:
    """Text on one line of at most `LONGEST` characters: control characters escaped, the middle left out."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[: 2 * LONGEST])
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[: half - 3]}...{text[-half:]}"


def _place(keys: list[str], root: type[Section], *, unknown: bool) -> tuple[list[str], type[Section] | None]:
    """The keys that the user wrote, of a finding's location, and the section in which the last one stands.

    Pydantic's location goes on to name the branch of a union; the user wrote no such key.
    """
    place: list[str] = []
    section: type[Section] | None = root
    each: type[Section] | None = None  # of a mapping: the class of what stands under a key that the user chose
    for key in keys:
        if each is not None:
            place.append(key)
            section, each = each, None
            continue
        field = section.model_fields.get(key) if section else None
        if section and field is None:
            return ([*place, key], section) if unknown else (place, section)
        if section is None and not key.isdigit():
            break
        place.append(key)
        kind = field.annotation if field else None
        each = get_args(kind)[1] if get_origin(kind) is dict else None
        section = kind if isinstance(kind, type) and issubclass(kind, Section) else None
    return place, section


def _hint(key: str, section: type[Section]) -> str:
    """What to write instead of an unknown key."""
    close = difflib.get_close_matches(key[:100], section.model_fields, n=1)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(section.model_fields)}"
