"""What pydantic finds wrong with a spec, as one line: the key, the value found and the fix."""

import difflib
import json
from typing import get_args, get_origin

from pydantic import ValidationError

from netgen.spec.base import Section

LONGEST = 500
"""Characters of a message; the user's own text may be longer."""

_LONGEST_VALUE = 60
"""Characters of a value, or of one part of a key, within a message."""


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
    fixes = dict.fromkeys(message[0].lower() + message[1:] for message in here)
    return one_line(f"{key}: {value}; {', or '.join(fixes)}")


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
