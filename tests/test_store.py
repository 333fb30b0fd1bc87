import errno
import fcntl
import multiprocessing
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from netgen.errors import BuildError
from netgen.flow.store import Store, digest_of_file, recorded_files


def _write(text: str):  # type: ignore[no-untyped-def]
    def make(folder: Path) -> None:
        (folder / "a.txt").write_text(text)
        (folder / "b.txt").write_text(text * 2)

    return make


def _never(folder: Path) -> None:
    raise AssertionError(f"{folder}: a stage that is current was made again")


def test_a_stage_is_made_once_and_kept(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        assert store.run("one", {"seed": 1}, _write("x"))
    with Store.open(tmp_path) as store:
        assert not store.run("one", {"seed": 1}, _never)
    assert (tmp_path / "b.txt").read_text() == "xx"


@pytest.mark.parametrize("change", ["dependency", "file", "missing", "ledger"])
def test_a_stage_is_made_again_when_anything_changed(tmp_path: Path, change: str) -> None:
    with Store.open(tmp_path) as store:
        store.run("one", {"seed": 1}, _write("x"))
    if change == "file":
        (tmp_path / "a.txt").write_text("tampered")
    if change == "missing":
        (tmp_path / "b.txt").unlink()
    if change == "ledger":
        (tmp_path / "build.json").write_text("{half a led")
    with Store.open(tmp_path) as store:
        assert store.run("one", {"seed": 2 if change == "dependency" else 1}, _write("y"))
    assert (tmp_path / "a.txt").read_text() == "y"


def test_a_file_that_became_larger_than_any_is_made_again_and_not_read(tmp_path: Path) -> None:
    """A file of zeros without end, of which nothing is on the disk: reading its terabyte would take minutes."""
    with Store.open(tmp_path) as store:
        store.run("one", {"seed": 1}, _write("x"))
    os.truncate(tmp_path / "a.txt", 1 << 40)
    with Store.open(tmp_path) as store:
        assert store.run("one", {"seed": 1}, _write("x"))
    assert (tmp_path / "a.txt").read_text() == "x"


@pytest.mark.parametrize("error", [BuildError("no"), KeyboardInterrupt("no")], ids=["error", "interrupt"])
def test_a_stage_that_fails_leaves_the_last_good_files_and_no_other(tmp_path: Path, error: BaseException) -> None:
    def fail(folder: Path) -> None:
        (folder / "a.txt").write_text("half")
        raise error

    with Store.open(tmp_path) as store:
        store.run("one", {"seed": 1}, _write("x"))
        with pytest.raises(type(error), match="no"):
            store.run("one", {"seed": 2}, fail)
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", "b.txt", "build.json", ".lock"}
    with Store.open(tmp_path) as store:
        assert not store.run("one", {"seed": 1}, _never)
    assert (tmp_path / "a.txt").read_text() == "x"


def test_a_file_system_that_cannot_lock_is_one_line_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(lock: object, operation: int) -> None:  # noqa: ARG001 - the signature of flock
        raise OSError(errno.ENOLCK, "No locks available")  # as flock does, it names no file

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(BuildError) as caught, Store.open(tmp_path):
        pass
    assert str(caught.value) == (
        f"{tmp_path}/.lock: No locks available; choose another --out, on a file system that can lock files"
    )


def test_a_full_disk_is_one_line_with_a_fix_and_leaves_the_last_good_files(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "a.txt").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with Store.open(tmp_path) as store:
        store.run("one", {"seed": 1}, _write("x"))
        with pytest.raises(BuildError) as caught:
            store.run("one", {"seed": 2}, fill)
    assert str(caught.value) == f"{tmp_path}: the disk is full; free some space or choose another --out"
    assert (tmp_path / "a.txt").read_text() == "x"


def _build_and_die(folder: Path, after: int) -> None:
    """Replace files one by one, as a stage does, and be killed after some of the moves."""
    moved = 0
    replace = Path.replace

    def counted(self: Path, target: Path) -> Path:
        nonlocal moved
        if moved == after:
            os.kill(os.getpid(), signal.SIGKILL)
        moved += 1
        return replace(self, target)

    Path.replace = counted  # type: ignore[method-assign,assignment]
    with Store.open(folder) as store:
        store.run("one", {"seed": 2}, _write("new"))


@pytest.mark.parametrize("after", [0, 1])
def test_a_build_killed_between_two_files_is_never_half_used(tmp_path: Path, after: int) -> None:
    with Store.open(tmp_path) as store:
        store.run("one", {"seed": 1}, _write("old"))
    process = multiprocessing.get_context("spawn").Process(target=_build_and_die, args=(tmp_path, after))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    with Store.open(tmp_path) as store:
        assert store.run("one", {"seed": 2}, _write("new"))
        assert not (tmp_path / ".partial").exists()
    assert (tmp_path / "a.txt").read_text() + (tmp_path / "b.txt").read_text() == "newnewnew"


def test_two_builds_never_share_a_folder(tmp_path: Path) -> None:
    with (
        Store.open(tmp_path),
        pytest.raises(BuildError, match="another build is at work here; wait for it or choose another --out"),
        Store.open(tmp_path),
    ):
        pass


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(BuildError) as caught,
        Store.open(tmp_path / "file" / "digits"),
    ):
        pass
    assert str(caught.value) == (f"{tmp_path}/file/digits: Not a directory; choose another --out")


def test_a_build_can_wait_for_another_to_leave_its_folder(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        with Store.open(tmp_path):
            waiting = pool.submit(_enter, tmp_path)
            time.sleep(0.2)
            assert not waiting.done()
        assert waiting.result(timeout=10)


def _enter(folder: Path) -> bool:
    with Store.open(folder, wait=10.0):
        return True


def test_a_stage_whose_file_another_replaces_is_forgotten(tmp_path: Path) -> None:
    """As where a network is trained in the folder of one that was read: the ledger names no file as it is not."""

    def alone(folder: Path) -> None:
        (folder / "c.txt").write_text("y")

    with Store.open(tmp_path) as store:
        store.run("read", {}, _write("x"))
        store.run("other", {}, alone)
        store.run("quantize", {}, _write("z"))
    recorded = recorded_files(tmp_path)
    assert recorded == {name: digest_of_file(tmp_path / name) for name in ("a.txt", "b.txt", "c.txt")}
    with Store.open(tmp_path) as store:
        assert store.run("read", {}, _write("x"))
