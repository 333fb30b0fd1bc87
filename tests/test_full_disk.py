"""A full disk, tested by a limit on the size of files: one line with the place and a fix, and nothing half-kept."""

import re
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import TINY

import netgen
from netgen.cli.commands import app
from netgen.errors import BuildError

WHAT = "the file would become larger than ulimit -f or the file system allows; raise the limit or choose"


@contextmanager
def _files_of_at_most(size: int) -> Iterator[None]:
    """Let no file grow beyond some bytes; a write fails with EFBIG, as Python ignores SIGXFSZ."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("full")
    (folder / "tiny.yaml").write_text(TINY)
    return netgen.build(folder / "tiny.yaml", out=folder).folder


@pytest.mark.parametrize("size", [0, 40, 400, 2_000, 10_000, 100_000, 500_000])
def test_a_build_that_cannot_write_a_file_keeps_whole_stages_and_goes_on_when_it_can(
    built: Path, size: int, tmp_path: Path
) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    with _files_of_at_most(size), pytest.raises(BuildError) as caught:
        netgen.build(tmp_path / "tiny.yaml", out=tmp_path)
    assert re.fullmatch(
        rf"{re.escape(str(tmp_path))}/tiny\S*: {WHAT} (another --out|a folder that .*)", str(caught.value)
    )
    kept = {path.name: path.read_bytes() for path in (tmp_path / "tiny").iterdir()}
    kept.pop("build.json", None)
    for name, data in kept.items():
        assert data == (built / name).read_bytes(), name
    netgen.build(tmp_path / "tiny.yaml", out=tmp_path)
    for path in built.iterdir():
        assert (tmp_path / "tiny" / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize("words", ["place graph.csv --quiet --no-bound --out new", "init new"])
def test_a_command_that_cannot_write_its_file_leaves_the_old_one(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("graph.csv").write_text("0,1\n1,2\n")
    if words.startswith("place"):
        Path("new").write_text("old")
    before = {path: path.read_bytes() for path in Path().iterdir()}
    with _files_of_at_most(10), pytest.raises(BuildError) as caught:
        app(words.split(), standalone_mode=False)
    assert str(caught.value) == f"new: {WHAT} a folder that can be written"
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


def test_a_check_that_cannot_keep_its_simulator_goes_on(built: Path, tmp_path: Path) -> None:
    """The cache only saves time, and a check writes nothing else into the folder."""
    shutil.copytree(built, tmp_path / "tiny")
    with _files_of_at_most(0):
        assert netgen.recheck(tmp_path / "tiny").difference is None
