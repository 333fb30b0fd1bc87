"""Text files from anyone: read whole and strictly, or refused in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from netgen.text import LIMIT, csv_rows, parse_json, read_text, shown


class BadError(Exception):
    """What these tests ask the readers to raise."""


def _reason(path: Path, limit: int = LIMIT) -> str:
    """The message about a file, without its path."""
    with pytest.raises(BadError) as caught:
        read_text(path, BadError, limit=limit)
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def _written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "file.txt"
    path.write_bytes(data)
    return path


def test_a_byte_order_mark_is_dropped_and_lines_end_in_line_feeds(tmp_path: Path) -> None:
    assert read_text(_written(tmp_path, b"\xef\xbb\xbfa\r\nb\rc\n\xc3\xa4"), BadError) == "a\nb\nc\nä"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a\nb\xe4\n", "line 2: byte 0xe4 is not UTF-8 text; save it as UTF-8"),
        ("a\n".encode("utf-16"), "UTF-16 or UTF-32 text; save it as UTF-8"),
        ("a\n".encode("utf-32"), "UTF-16 or UTF-32 text; save it as UTF-8"),
        (b"\xed\xa0\x80", "line 1: byte 0xed is not UTF-8 text; save it as UTF-8"),
        (b"a\nb\n\0", "line 3: a NUL character; give a text file in UTF-8"),
    ],
    ids=["latin-1", "utf-16", "utf-32", "surrogate", "nul"],
)
def test_text_in_another_encoding_is_refused_with_its_line(tmp_path: Path, data: bytes, reason: str) -> None:
    assert _reason(_written(tmp_path, data)) == reason


def test_a_file_may_be_as_long_as_the_limit_but_no_longer(tmp_path: Path) -> None:
    assert read_text(_written(tmp_path, b"12345"), BadError, limit=5) == "12345"
    assert _reason(_written(tmp_path, b"123456"), limit=5) == "longer than 5 bytes; give a smaller file"


def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    assert _reason(tmp_path) == "Is a directory; give the path of a text file"
    assert _reason(tmp_path / "none") == "No such file or directory; give the path of a text file"
    assert _reason(tmp_path / ("a" * 300)) == "File name too long; give the path of a text file"
    os.mkfifo(tmp_path / "pipe")
    assert _reason(tmp_path / "pipe") == "not a regular file; give the path of a text file"
    assert _reason(Path("/dev/zero")) == "not a regular file; give the path of a text file"


def test_a_path_that_no_line_can_hold_is_escaped(tmp_path: Path) -> None:
    with pytest.raises(BadError, match=r"a\\nb: No such file or directory; give the path of a text file$"):
        read_text(tmp_path / "a\nb", BadError)
    with pytest.raises(BadError, match=r"a\\x00b: embedded null byte; give the path of a text file$"):
        read_text(tmp_path / "a\0b", BadError)


def test_json_is_parsed_as_the_standard_says() -> None:
    tree = {"a": [1, -2.5e3, True, None, "ä\n😀"], "b": {}}
    assert parse_json('{"a": [1, -2.5e3, true, null, "ä\\n\\ud83d\\ude00"], "b": {}}', BadError) == tree
    assert parse_json("[" * 100 + "]" * 100, BadError)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "line 1, column 2: Expecting property name enclosed in double quotes; correct the JSON"),
        ('\n"\\U00110000"', "line 2, column 2: Invalid \\escape; correct the JSON"),
        ('{"a": 1, "b": 2, "a": 3}', "key 'a' stands twice in one object; correct the JSON"),
        ("[NaN]", "NaN is no finite number; correct the JSON"),
        ("[-Infinity]", "-Infinity is no finite number; correct the JSON"),
        ("[1e999]", "1e999 is no finite number; correct the JSON"),
        ("9" * 5000, "a number has more than 4,300 digits; correct the JSON"),
        ("[" * 101 + "]" * 101, "more than 100 brackets are open at once; correct the JSON"),
        ('{"a":' * 3000 + "1" + "}" * 3000, "more than 100 brackets are open at once; correct the JSON"),
        ("[" * 10_000_000, "more than 100 brackets are open at once; correct the JSON"),
        ('"\\ud800"', "half a surrogate pair (\\uD800 to \\uDFFF), which is no character; correct the JSON"),
    ],
    ids=["open", "escape", "twice", "nan", "infinity", "huge", "digits", "deep", "objects", "brackets", "surrogate"],
)
def test_json_outside_the_standard_is_refused_in_one_line(text: str, reason: str) -> None:
    with pytest.raises(BadError) as caught:
        parse_json(text, BadError)
    assert str(caught.value) == reason


def test_a_hook_may_raise_a_value_error() -> None:
    with pytest.raises(ValueError, match="key 'a' stands twice"):
        parse_json('{"a": 1, "a": 2}', ValueError)


def test_rows_carry_the_line_on_which_they_begin() -> None:
    text = 'a,b\n\n"c\nd",e\n"f ""g""",h\n'
    assert list(csv_rows(text, BadError)) == [(1, ["a", "b"]), (3, ["c\nd", "e"]), (5, ['f "g"', "h"])]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('a\n"b\nc\n', "line 2: a quote is not closed; correct the row"),
        ('"a"b\n', "line 1: ',' expected after '\"'; correct the row"),
        ("a\n" + "b" * 200_000, "line 2: a cell is longer than 131,072 characters; correct the row"),
    ],
    ids=["open quote", "text after a quote", "long cell"],
)
def test_rows_that_are_not_csv_are_refused_with_their_line(text: str, reason: str) -> None:
    with pytest.raises(BadError) as caught:
        list(csv_rows(text, BadError))
    assert str(caught.value) == reason


@pytest.mark.parametrize("value", ["a\n" * 10_000, 10**4000, [[[["x" * 1000] * 1000] * 10] * 10] * 10])
def test_a_value_is_shown_on_one_short_line(value: object) -> None:
    text = shown(value)
    assert text.isprintable()
    assert len(text) < 400


def test_reading_the_largest_file_stays_within_a_gigabyte(tmp_path: Path) -> None:
    """Empty lists make the most memory of a byte of JSON: 64 of 3."""
    path = tmp_path / "lists.json"
    path.write_text("[" + "[]," * (LIMIT // 3 - 1) + "[]]")
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "from netgen.text import *; from pathlib import Path\n"
        f"print(len(parse_json(read_text(Path({str(path)!r}), Exception), Exception)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert int(found.stdout) == LIMIT // 3
