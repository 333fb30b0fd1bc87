"""Tables of comma-separated values: what is a header, a label, a class, and what is refused with its line."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from netgen.data.load import load_dataset
from netgen.data.table import read_csv
from netgen.errors import DataError
from netgen.spec.sections import DataSpec

ROWS = [(k, k * 7 % 11, k % 3) for k in range(45)]


def _text(header: str, line: Callable[[int, int, int], str] = lambda a, b, c: f"{a},{b},{c}") -> str:
    return header + "".join(f"{line(*row)}\n" for row in ROWS)


@pytest.mark.parametrize(
    ("text", "label", "classes"),
    [
        (_text(""), None, 3),
        (_text("a,b,class\n"), "class", 3),
        (_text("0,1,class\n"), None, 3),
        (_text("0,1,class\n", lambda a, b, c: f"{a},{b},kind {c}"), None, 3),
        (_text("0,1,2\n"), "2", 3),
        (_text("a, b, class\n", lambda a, b, c: f"{a}, {b}, {c}"), "class", 3),
        (_text('"a", "b", "class"\n', lambda a, b, c: f'"{a}", "{b}", "{c}"'), "class", 3),
        (_text("a,b,class\n", lambda a, b, c: f"{a},{b},{c}{'.0' if a % 2 else ''}"), "class", 3),
        (_text("a,b,class\n", lambda a, b, c: f"{a},{b},{10 * c + 10}"), None, 3),
        (_text("", lambda a, b, c: f"{a};{b};{c}"), None, 3),
        (_text("a\tb\tclass\n", lambda a, b, c: f"{a}\t{b}\t{c}"), "class", 3),
        (_text("\ufeffa,b,class\n"), "class", 3),
        (_text("a,b,class\n").replace("\n", "\r\n"), None, 3),
        (_text("a,b,class\n").replace("\n", "\r"), None, 3),
        (_text("a,b,class\n").replace("\n", "\n\n"), None, 3),
        (_text("a,b,class\n", lambda a, b, c: f'{a},"\n{b}\n",{c}'), None, 3),
        (_text("a,b,class\n", lambda a, b, c: f'{a},{b},"two\nlines {c}"'), None, 3),
    ],
    ids=[
        "no header",
        "named",
        "header of digits",
        "header of digits and labels of text",
        "header of digits and named",
        "spaces",
        "quotes",
        "1 and 1.0",
        "10 to 30",
        "semicolons",
        "tabs",
        "byte order mark",
        "carriage returns and line feeds",
        "carriage returns",
        "blank lines",
        "line breaks around a number",
        "line breaks in a label",
    ],
)
def test_a_table_has_45_samples_of_two_features_and_three_classes(
    tmp_path: Path, text: str, label: str | None, classes: int
) -> None:
    (tmp_path / "t.csv").write_text(text, encoding="utf-8", newline="")
    raw = read_csv(tmp_path / "t.csv", label)
    assert raw.features.tolist() == [[a, b] for a, b, _ in ROWS]
    assert raw.labels.tolist() == [c for *_, c in ROWS]
    assert len(set(raw.labels.tolist())) == classes


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["0", "1", "2"], ()),
        (["30", "10", "20"], ("10", "20", "30")),
        (["b", "2.5", "10"], ("2.5", "10", "b")),
        (["two\nlines", "x", "y" * 60], ("'two\\nlines'", "x", "'yyyyyyyyyyyyyyyyy...yyyyyyyyyyyyyyyyyy'")),
    ],
    ids=["class numbers", "numbers", "numbers and text", "line breaks and length"],
)
def test_classes_are_numbered_in_ascending_order_of_their_labels(
    tmp_path: Path, labels: list[str], names: tuple[str, ...]
) -> None:
    rows = "".join(f'{k},{k},"{labels[k % 3]}"\n' for k in range(30))
    (tmp_path / "t.csv").write_text("a,b,class\n" + rows)
    assert read_csv(tmp_path / "t.csv").names == names


def test_the_label_column_may_stand_anywhere(tmp_path: Path) -> None:
    rows = "\n".join(f"{'b' if k % 2 else 'a'},{k},{k / 2}" for k in range(20))
    (tmp_path / "t.csv").write_text("kind,width,height\n" + rows)
    raw = read_csv(tmp_path / "t.csv", "kind")
    assert raw.features.tolist() == [[k, k / 2] for k in range(20)]
    assert raw.labels.tolist() == [k % 2 for k in range(20)]


def test_a_class_with_a_name_is_named_in_a_note(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,class\n" + "".join(f"{k},{k},{'yes' if k % 2 else 'no'}\n" for k in range(40)))
    data = load_dataset(DataSpec(source="csv", path="t.csv"), seed=1, base=tmp_path)
    assert data.notes == ("data: classes 0 to 1 are the labels no, yes",)


@pytest.mark.parametrize(
    ("text", "label", "message"),
    [
        ("", None, "is empty; give a row per sample"),
        ("a,b,c\n", None, "has a header only; give a row per sample"),
        ("1,2,0\n1,2\n", None, "line 2: 2 cells where the first line has 3; give every column a cell"),
        ("1,2,0\n1,x,1\n", None, "line 2: 'x' in column 2 is not a number; every feature must be one"),
        ("1,2,0\n1,,1\n", None, "line 2: '' in column 2 is not a number; every feature must be one"),
        ("1,2,0\n1,1_0,1\n", None, "line 2: '1_0' in column 2 is not a number; every feature must be one"),
        ("1,2,0\n1,nan,0\n", None, "line 2: nan in column 2; every feature must be finite"),
        ("c,a\n0,1\n0,-1e400\n", "c", "line 3: -inf in column 2; every feature must be finite"),
        ("a,b,class\n1,2,0\n1,2,\n", None, "line 3: label '' in column 3; complete it or remove the row"),
        ("a,b,class\n1,2, \n", "class", "line 2: label '' in column 3; complete it or remove the row"),
        ("a,b,class\n1,2,nan\n", None, "line 2: label 'nan' in column 3; complete it or remove the row"),
        ("a,b,class\n\n1,2,0\n\n1,2,\n", None, "line 5: label '' in column 3; complete it or remove the row"),
        ('a,b,class\n1,"\n2",0\n1,2,\n', None, "line 4: label '' in column 3; complete it or remove the row"),
        (
            "0,1,2\n5,6,0\n",
            None,
            "line 1: 0, 1, 2 may be column names or a sample; set data.label to the name of a column, or write a "
            "header of words",
        ),
        ("a,b\n1,2\n", "c", "no column 'c' (there are a, b); correct data.label"),
        ("a,a\n1,2\n", "a", "2 columns 'a' (there are a, a); correct data.label"),
        (
            "a,b,c,d,e,f,g,h,i\n1,2,3,4,5,6,7,8,9\n",
            "k",
            "no column 'k' (there are a, b, c, d, e, f, g, h, ...); correct data.label",
        ),
        (
            "a," + "bc" * 9_000 + "\n1,2\n",
            "c",
            "no column 'c' (there are a, bcbcbcbcbcbcbcbcb...bcbcbcbcbcbcbcbcbc); correct data.label",
        ),
        ("1\n2\n", None, "one column, '1'; need features and a label, separated by commas"),
        ("1 2 0\n", None, "one column, '1 2 0'; need features and a label, separated by commas"),
        (
            "1,5;2,5;0\n1,5;2,5;1\n",
            None,
            "line 2: '5;2' in column 2 is not a number; separate cells by commas and write decimals with points",
        ),
        ('a,b\n"1,2\n', None, "line 2: a quote is not closed; correct the row"),
        ("a,b\n1," + "2" * 200_000, None, "line 2: a cell is longer than 131,072 characters; correct the row"),
        ("a,b\n" + "x" * 100_000 + ",1\n", None, "in column 1 is not a number; every feature must be one"),
        ("1,2,0\n1,2,\0\n", None, "line 2: a NUL character; give a text file in UTF-8"),
    ],
    ids=[
        "empty",
        "header only",
        "ragged",
        "text",
        "blank feature",
        "underscore",
        "nan",
        "beyond float64",
        "blank label",
        "space for a label",
        "nan for a label",
        "blank lines count",
        "lines in quotes count",
        "names or a sample",
        "label missing",
        "label twice",
        "label missing among many names",
        "label missing beside a long name",
        "one column",
        "separated by spaces",
        "decimal commas",
        "open quote",
        "cell of 200 kB",
        "text of 100 kB",
        "NUL",
    ],
)
def test_an_unusable_table_is_refused_in_one_short_line(
    tmp_path: Path, text: str, label: str | None, message: str
) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        read_csv(tmp_path / "t.csv", label)
    assert str(caught.value).startswith(f"{tmp_path}/t.csv: ")
    assert len(str(caught.value)) < 300 + len(str(tmp_path))


def test_a_label_that_only_one_row_has_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,class\n" + "".join(f"{k},{'typo' if k == 7 else 'yes'}\n" for k in range(40)))
    with pytest.raises(DataError, match=r"40 samples cannot be split: label typo has 1 sample; give more samples"):
        load_dataset(DataSpec(source="csv", path="t.csv"), seed=1, base=tmp_path)


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "utf-16"])
def test_a_table_must_be_a_file_of_utf_8_text(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "t.csv"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.write_text(_text(""), encoding="utf-16")
    with pytest.raises(DataError, match=r"t\.csv: (Is a directory|not a regular file|UTF-16 or UTF-32 text)"):
        read_csv(path)


def test_ten_megabytes_without_a_line_break_are_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("1," * 5_000_000 + "0\n")
    assert read_csv(tmp_path / "t.csv").features.shape == (1, 5_000_000)


def test_features_are_read_to_the_last_digit(tmp_path: Path) -> None:
    values = [0.1, 1e300, 5e-324, 2.0**53 + 2, -1 / 3]
    (tmp_path / "t.csv").write_text("a,class\n" + "".join(f"{value!r},0\n" for value in values))
    assert np.array_equal(read_csv(tmp_path / "t.csv").features[:, 0], values)
