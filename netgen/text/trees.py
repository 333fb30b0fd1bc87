"""Strict JSON: no key twice, no infinities, no deep nesting."""

import json
import re
from collections import Counter
from collections.abc import Callable
from math import isfinite
from typing import Any

from netgen.text.shown import shown

DEPTH = 100
"""Brackets and braces that may be open at once."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(text: str, error: Callable[[str], Exception], *, fix: str = "correct the JSON") -> Any:
    """Parse JSON that may have been written by hand.

    Args:
        error: makes the exception to raise from one line of text.
        fix: what the user should do about text that is no JSON.
    Raises: `error`, for text that is no JSON (RFC 8259), for NaN, Infinity and numbers beyond float64, for numbers of
        more than 4,300 digits, for an object with the same key twice, for more than `DEPTH` open brackets, and for
        half a surrogate pair, which is no character.
    """

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            twice = Counter(name for name, _ in items).most_common(1)[0][0]
            raise error(f"key {shown(twice)} stands twice in one object; {fix}")
        return found

    def real(digits: str) -> float:
        number = float(digits)
        if not isfinite(number):
            raise error(f"{shown(digits)[1:-1]} is no finite number; {fix}")
        return number

    def refuse(name: str) -> float:
        raise error(f"{name} is no finite number; {fix}")

    try:
        tree = json.loads(text, object_pairs_hook=pairs, parse_float=real, parse_constant=refuse)
    except json.JSONDecodeError as found:
        raise error(f"line {found.lineno}, column {found.colno}: {found.msg}; {fix}") from found
    except RecursionError as found:
        raise error(_deep(fix)) from found
    except ValueError as found:
        if "integer string conversion" not in str(found):  # one of the hooks above, where `error` is a ValueError
            raise
        raise error(f"a number has more than 4,300 digits; {fix}") from found
    _check_depth(tree, error, fix)
    if _SURROGATE.search(text):
        try:
            json.dumps(tree, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError as found:
            raise error(f"half a surrogate pair (\\uD800 to \\uDFFF), which is no character; {fix}") from found
    return tree


def _deep(fix: str) -> str:
    return f"more than {DEPTH} brackets are open at once; {fix}"


def _check_depth(tree: Any, error: Callable[[str], Exception], fix: str) -> None:
    """Go down the tree level by level, without recursion."""
    level = [tree] if isinstance(tree, (list, dict)) else []
    for _ in range(DEPTH):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (list, dict))
        ]
        if not level:
            return
    raise error(_deep(fix))
