"""YAML as users write it, by hand and by mistake: plain values come out, or one line, within seconds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import skip_or_fail
from hypothesis import example, given
from hypothesis import strategies as st

from netgen.errors import SpecError
from netgen.spec import document
from netgen.spec.document import DEPTH, LIMIT, NODES, dump_yaml, parse_yaml
from netgen.spec.spec import load_spec, parse_spec


@pytest.fixture(params=["libyaml", "PyYAML"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which parser reads: libyaml, or PyYAML's own, which reads where PyYAML was built without libyaml."""
    if request.param == "PyYAML":
        monkeypatch.setattr(yaml, "__with_libyaml__", False)
    elif not yaml.__with_libyaml__:
        skip_or_fail("PyYAML was built without libyaml")
    return str(request.param)


def test_the_parser_is_libyaml_where_there_is_one(parser: str) -> None:
    assert type(document._loader("")).__name__ == {"libyaml": "_LibyamlLoader", "PyYAML": "_PythonLoader"}[parser]


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a: 1e-4", {"a": 0.0001}),
        ("a: 1_000", {"a": 1000}),
        ("a: 0x10", {"a": 16}),
        ("a: [yes, off, ~, 1.5, .inf]", {"a": [True, False, None, 1.5, float("inf")]}),
        ("a: 2020-01-01", {"a": "2020-01-01"}),
        ("a: 2020-99-99", {"a": "2020-99-99"}),
        ("a: !!str 5", {"a": "5"}),
        ("1: a\ntrue: b\n2020-01-01: c", {"1": "a", "true": "b", "2020-01-01": "c"}),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: &x {b: 1, d: 2}\nc: {<<: *x, b: 3}", {"a": {"b": 1, "d": 2}, "c": {"b": 3, "d": 2}}),
        ("\ufeffa: 1", {"a": 1}),
        ('a: "\\u00fc\\U0001F600"', {"a": "ü😀"}),
        ("", None),
    ],
)
@pytest.mark.usefixtures("parser")
def test_yaml_becomes_plain_values(text: str, tree: object) -> None:
    assert parse_yaml(text) == tree


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
@example(
    {"a": "1e5", "1e5": 1, "2020-01-01": "2020-01-01", "b": "<<", "<<": 1, "=": "=", "c": "1_0", "d": "\x85\ufeff"}
)
def test_a_tree_that_is_written_reads_back_equal(tree: object) -> None:
    assert parse_yaml(dump_yaml(tree)) == tree


BOMB = "a0: &a0 [x]\n" + "".join(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 30))
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{k}: &a{k} [*a{k - 1}]\n" for k in range(1, 5000))

BAD = {
    "unhashable list": ("? [a]\n: b", "line 1: a list for a key; a key is a word"),
    "unhashable mapping": ("seed: 1\n{a: b}: c", "line 2: a mapping for a key; a key is a word"),
    "unhashable merged": ("a: {<<: {[1]: 2}}", "line 1, column 10: found unhashable key; correct the YAML"),
    "key twice": ("a: {b: 1,\n b: 2}", "line 2: key 'b' stands twice; remove one"),
    "key twice in two spellings": ("'1': a\n1: b", "line 2: key '1' stands twice; remove one"),
    "merge of a number": (
        "a: {<<: 3}",
        "line 1, column 9: expected a mapping or list of mappings for merging, but found scalar; correct the YAML",
    ),
    "wrong tag": ("seed: !!int abc", "line 1: 'abc' is no whole number; correct the value or remove the tag"),
    "empty tag": ("seed: !!int", "line 1: '' is no whole number; correct the value or remove the tag"),
    "wrong float": ("\nseed: !!float abc", "line 2: 'abc' is no number; correct the value or remove the tag"),
    "wrong bool": ("seed: !!bool abc", "line 1: 'abc' is no true or false; correct the value or remove the tag"),
    "tag of a list": (
        "seed: !!seq abc",
        "line 1, column 7: expected a sequence node, but found scalar; correct the YAML",
    ),
    "tag of a mapping": (
        "seed: !!map abc",
        "line 1, column 7: expected a mapping node, but found scalar; correct the YAML",
    ),
    "tag of text": ("!!str [a]: b", "line 1: a text for a key; a key is a word"),
    "date": ("seed: !!timestamp 2020-99-99", "line 1: tag !!timestamp; use plain numbers, text, lists and mappings"),
    "set": ("seed: !!set {a}", "line 1: tag !!set; use plain numbers, text, lists and mappings"),
    "binary": ("seed: !!binary QQ==", "line 1: tag !!binary; use plain numbers, text, lists and mappings"),
    "code": (
        "seed: !!python/object/apply:os.getpid []",
        "line 1: tag !!python/object/apply:os.getpid; use plain numbers, text, lists and mappings",
    ),
    "own tag": ("seed: !mine 3", "line 1: tag !mine; use plain numbers, text, lists and mappings"),
    "many digits": ("a: " + "9" * 5000, "line 1: a number of 5,000 characters; a number has at most 100"),
    "many hexadecimal digits": (
        "a: 0x" + "f" * 9998,
        "line 1: a number of 10,000 characters; a number has at most 100",
    ),
    "many sixtieths": ("a: 1" + ":10" * 34, "line 1: a number of 103 characters; a number has at most 100"),
    "no character": ('a: 1\nb: "\\U00110000"', "line 2: an escape that is no character; correct the YAML"),
    "far beyond a character": ('a: "\\UFFFFFFFF"', "line 1: an escape that is no character; correct the YAML"),
    "half a pair": (
        'a: "\\ud800"',
        "line 1: half a surrogate pair, which is no character; correct the escape",
    ),
    "brackets": ("[" * 3000, f"line 1: more than {DEPTH} lists and mappings inside one another; write a flat spec"),
    "closed brackets": (
        "a: " + "[" * 3000 + "]" * 3000,
        f"line 1: more than {DEPTH} lists and mappings inside one another; write a flat spec",
    ),
    "braces": ("{a: " * 3000, f"line 1: more than {DEPTH} lists and mappings inside one another; write a flat spec"),
    "dashes": ("- " * 3000, f"line 1: more than {DEPTH} lists and mappings inside one another; write a flat spec"),
    "alias bomb": (BOMB, f"line 6: more than {NODES:,} values, aliases expanded; write a shorter spec"),
    "chain of aliases": (CHAIN, f"line 198: more than {NODES:,} values, aliases expanded; write a shorter spec"),
    "alias of itself": ("a: &a [*a]", "line 1: an alias inside of what it stands for; write the value out"),
    "unknown alias": ("a: *b", "line 1, column 4: found undefined alias 'b'; correct the YAML"),
    "many values": (
        "a: [" + "1," * NODES + "]",
        f"line 1: more than {NODES:,} values, aliases expanded; write a shorter spec",
    ),
    "long": ("a: 1\n" * (1 << 21), f"10,485,760 characters; a spec has at most {LIMIT:,}"),
    "NUL": ("seed: 1\n\0", "line 2: character U+0000; remove it"),
    "control character": ("seed: 1\a", "line 1: character U+0007; remove it"),
    "half a pair itself": ("a: ü\nb: ü\ud800", "line 2: character U+D800; remove it"),
    "two documents": (
        "a: 1\n---\nb: 2",
        "line 2, column 1: but found another document; correct the YAML",
    ),
    "tab": (
        "a:\n\tb: 1",
        "line 2, column 1: found character '\\t' that cannot start any token; correct the YAML",
    ),
    "no end": ("a: [", "line 1, column 5: expected the node content, but found '<stream end>'; correct the YAML"),
    "long word": ("a: *" + "b" * 100_000, None),
}


DEEP = f"more than {DEPTH} lists and mappings inside one another; correct the YAML"
ESCAPE = "found invalid Unicode character escape code; correct the YAML"
LIBYAML = {
    "no character": f"line 2, column 7: {ESCAPE}",
    "far beyond a character": f"line 1, column 7: {ESCAPE}",
    "half a pair": f"line 1, column 7: {ESCAPE}",
    "brackets": f"line 1, column 1001: {DEEP}",
    "closed brackets": f"line 1, column 1003: {DEEP}",
    "tab": "line 2, column 1: found character that cannot start any token; correct the YAML",
    "no end": "line 1, column 5: did not find expected node content; correct the YAML",
}
"""What libyaml says otherwise."""


@pytest.mark.parametrize("case", BAD)
def test_other_yaml_ends_in_one_short_line(case: str, parser: str) -> None:
    """Of the bomb, a4 holds more than 9^4 values and a5 more than 9^5; of the chain, a0 to an hold, with their keys,
    3 + 4 + ... + (n + 3): 19,897 for n = 196, the first more than 20,000 for n = 197.
    """
    text, message = BAD[case]
    if parser == "libyaml":
        message = LIBYAML.get(case, message)
    with pytest.raises(SpecError) as caught:
        parse_yaml(text)
    assert message is None or str(caught.value) == message
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    "text",
    [
        "name: " + "x" * 200_000,
        "? " + "x" * 200_000 + "\n: 1",
        "data: {? " + "x" * 200_000 + " : 1}",
        "data: {" + "x" * 200_000 + ": 1}",
        "search: {ranges: {" + "x" * 100_000 + ": {low: 1, high: 2}}}",
        "search: {ranges: {train.epochs: {choices: [" + "x" * 100_000 + ", 1]}}}",
        "seed: [" + "1, " * 19_000 + "]",
        "network: {hidden: [" + "x, " * 19_000 + "]}",
        '"a\\nb": 1',
        'place: {inputs: "a\\nb"}',
        "seed: 1e400",
        "seed: " + "9" * 100,
        "train: {learning_rate: " + "9" * 99 + "e99}",
    ],
    ids=lambda text: text[:30],
)
def test_whatever_the_values_are_the_message_is_one_short_line(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(text)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= 500


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "large", "utf-16"])
def test_a_spec_must_be_a_small_file_of_utf_8_text(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.yaml"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "large":
        path.write_text("a: 1\n" * (1 << 21))
    else:
        path.write_text("seed: 1", encoding="utf-16")
    with pytest.raises(SpecError, match=r"a\.yaml: .*(director|regular file|longer than|UTF-16)") as caught:
        load_spec(path)
    assert str(caught.value).isprintable()


def test_a_path_with_a_nul_is_refused_in_one_line() -> None:
    with pytest.raises(SpecError, match=r"^a\\x00\.yaml: embedded null byte; give the path of a spec"):
        load_spec(Path("a\0.yaml"))


def test_the_costliest_texts_stay_within_a_gigabyte(tmp_path: Path) -> None:
    """As many values as a spec may hold, as short as they get; and as many bytes of one text."""
    for k, text in enumerate(("a: [" + "1," * (NODES - 5) + "]", "a: '" + "x" * (LIMIT - 6) + "'")):
        (tmp_path / f"{k}.yaml").write_text(text)
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "from netgen.spec.document import parse_yaml; from pathlib import Path\n"
        f"for k in range(2): parse_yaml(Path({str(tmp_path)!r}, f'{{k}}.yaml').read_text())"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
