"""Typed access to parsed JSON: each value that is not as expected is one line with its place."""

from collections.abc import Callable
from typing import Any

import pytest

from netgen.errors import BuildError
from netgen.text import Fields

FIELDS = Fields(BuildError, fix="mend it")
WRONG: list[tuple[Callable[[], Any], str]] = [
    (lambda: FIELDS.mapping([], "tree", ("a",)), "tree: [] is no object"),
    (lambda: FIELDS.mapping({"b": 1}, "tree", ("a",), ("b",)), "tree: key 'a' is missing"),
    (lambda: FIELDS.mapping({"a": 1, "c": 1}, "tree", ("a",), ("b",)), "tree: unknown key 'c'"),
    (lambda: FIELDS.items("ab", "a"), "a: 'ab' is no list"),
    (lambda: FIELDS.integer(True, "a"), "a: True is no integer"),
    (lambda: FIELDS.integer(1.0, "a"), "a: 1.0 is no integer"),
    (lambda: FIELDS.integer(8, "a", 0, 7), "a: 8 is not within 0 to 7"),
    (
        lambda: FIELDS.integer(-(2**63) - 1, "a"),
        "a: -9223372036854775809 is not within -9223372036854775808 to 9223372036854775807",
    ),
    (lambda: FIELDS.integers([1, None], "a"), "a[1]: None is no integer"),
    (lambda: FIELDS.text(b"1", "a"), "a: b'1' is no text"),
    (lambda: FIELDS.boolean(1, "a"), "a: 1 is neither true nor false"),
    (lambda: FIELDS.real("1", "a"), "a: '1' is no number"),
    (lambda: FIELDS.real(10**400, "a"), f"a: 1{'0' * 17}...{'0' * 19} is beyond float64"),
    (lambda: FIELDS.real(False, "a"), "a: False is no number"),
]


@pytest.mark.parametrize(("check", "line"), WRONG, ids=[line for _, line in WRONG])
def test_a_wrong_field_is_one_line(check: Callable[[], Any], line: str) -> None:
    with pytest.raises(BuildError) as caught:
        check()
    assert str(caught.value) == f"{line}; mend it"


def test_right_fields_are_returned() -> None:
    tree = {"a": [1, -(2**63)], "b": 2}
    assert FIELDS.mapping(tree, "tree", ("a",), ("b", "c")) is tree
    assert FIELDS.mapping(tree, "tree") is tree
    assert FIELDS.integers(tree["a"], "a") == (1, -(2**63))
    assert FIELDS.integer(7, "b", 0, 7) == 7
    assert FIELDS.real(2, "b") == 2.0
    assert FIELDS.text("", "c") == ""
    assert FIELDS.boolean(False, "c") is False
