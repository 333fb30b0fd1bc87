"""Damaged build folders: whatever stands in the place of a file, every command ends in one line, or mends it."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import TINY

import netgen
from netgen.cli.commands import app
from netgen.errors import NetgenError

READ_BY = {
    "report": ["report.json"],
    "draw": ["operators.json"],
    "synth": ["top.v"],
    "check": ["spec.yaml", "circuit.json", "operators.json", "placement.csv", "network.npz"],
    "energy": ["spec.yaml", "circuit.json", "operators.json", "placement.csv", "network.npz"],
}
OPTIONS = {"check": ["--quiet"], "synth": ["--quiet"]}


def _text(text: str) -> Callable[[Path], None]:
    return _bytes(text.encode())


def _bytes(data: bytes) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.unlink()
        path.write_bytes(data)

    return damage


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def _half(path: Path) -> None:
    _bytes(path.read_bytes()[: path.stat().st_size // 2])(path)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "a folder": _folder,
    "a pipe": _pipe,
    "a device": _device,
    "missing": Path.unlink,
    "empty": _text(""),
    "half": _half,
    "binary": _bytes(bytes(range(256)) * 40),
    "NUL": _text("a: 1\n\0\n"),
    "Latin-1": _bytes("größe: 1\n".encode("latin-1")),
    "UTF-16": _bytes("layers".encode("utf-16")),
    "deep lists": _text("[" * 100_000),
    "deep objects": _text('{"layers":' * 100_000),
    "deep closed lists": _text("[" * 5_000 + "]" * 5_000),
    "a long number": _text("9" * 10_000),
    "a long cell": _text('neuron,layer,index,x,y,z\n"' + "a" * 200_000 + '"\n'),
    "an open quote": _text('neuron,layer,index,x,y,z\n"a\nb\n'),
    "null": _text("null\n"),
    "a list": _text("[]\n"),
    "an object": _text("{}\n"),
    "one key": _text('{"layers": [[1e999]]}\n'),
    "ten million letters": _text("a" * 10_000_000),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("damage")
    (folder / "tiny.yaml").write_text(TINY)
    return netgen.build(folder / "tiny.yaml", out=folder).folder


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "tiny"))


def _refusal(*words: str) -> str | None:
    """The one line in which a command ends; None if it succeeds."""
    try:
        app(list(words), standalone_mode=False)
    except NetgenError as error:
        return str(error)
    return None


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(("command", "name"), [(command, name) for command in READ_BY for name in READ_BY[command]])
def test_a_damaged_file_ends_in_one_line_that_names_it(
    copy: Path, command: str, name: str, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    DAMAGES[damage](copy / name)
    line = _refusal(command, str(copy), *OPTIONS.get(command, []))
    if line is None and command == "synth" and damage in {"an object", "empty"}:
        pytest.fail("Yosys found a module top")
    assert line is not None
    assert line.startswith(str(copy)), line
    assert "\n" not in line
    assert len(line) < 400
    assert capsys.readouterr().out == ""


def test_operators_of_absurd_size_are_refused_before_hardware_is_made_of_them(copy: Path) -> None:
    tree = json.loads((copy / "operators.json").read_text())
    tree["inputs"] = 1 << 40
    (copy / "operators.json").write_text(json.dumps(tree))
    for words in (["check", "--quiet"], ["energy"]):
        line = _refusal(words[0], str(copy), *words[1:])
        assert line is not None
        assert line.startswith(f"{copy}/operators.json: ")


STAGE_FILES = ["dense.json", "placement.csv", "report.json", "build.json", "spec.yaml"]


@pytest.mark.parametrize("damage", ["a pipe", "binary", "deep lists", "one key"])
@pytest.mark.parametrize("name", STAGE_FILES)
def test_a_build_mends_what_is_damaged(built: Path, copy: Path, name: str, damage: str) -> None:
    DAMAGES[damage](copy / name)
    netgen.build(built.parent / "tiny.yaml", out=copy.parent)
    assert (copy / name).read_bytes() == (built / name).read_bytes()


@pytest.mark.parametrize("name", [*STAGE_FILES, ".lock", ".partial", "build.json.new", "simulator", "top.v"])
def test_a_folder_in_the_way_of_a_build_ends_in_one_line_or_is_no_matter(built: Path, copy: Path, name: str) -> None:
    path = copy / name
    path.unlink(missing_ok=True) if not path.is_dir() else shutil.rmtree(path)
    (path / "inside").mkdir(parents=True)
    (copy / "pruned.json").unlink(missing_ok=True)  # so that stages are made
    line = _refusal("build", str(built.parent / "tiny.yaml"), "--out", str(copy.parent), "--quiet")
    assert line is None or (line.startswith(str(copy)) and "\n" not in line), line


@pytest.mark.parametrize("name", [".lock", ".partial", "build.json.new"])
def test_a_pipe_in_the_way_of_a_build_makes_it_wait_for_nothing(built: Path, copy: Path, name: str) -> None:
    (copy / name).unlink(missing_ok=True)
    os.mkfifo(copy / name)
    (copy / "pruned.json").unlink()
    line = _refusal("build", str(built.parent / "tiny.yaml"), "--out", str(copy.parent), "--quiet")
    assert line is None or (line.startswith(str(copy)) and "\n" not in line), line
