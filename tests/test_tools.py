"""External programs: folders that none misreads, and processes that never outlive the work."""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from netgen.errors import SimulatorError
from netgen.tools import Processes, scratch_folder


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Python looks for its temporary folder again, and once more after the test."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    return monkeypatch


@pytest.mark.parametrize("name", ["my work", "o'hara", '"', "$HOME", "a#b", "50%", "a\\b", "ü", "a\nb", "a;b"])
def test_a_scratch_folder_has_a_plain_path_whatever_the_usual_one_is(
    name: str, tmp_path: Path, temporary: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).mkdir()
    temporary.setenv("TMPDIR", str(tmp_path / name))
    with scratch_folder(SimulatorError) as folder:
        assert re.fullmatch(r"/(var/)?tmp/netgen-\w+", str(folder))
        (folder / "file").touch()
    assert not folder.exists()


def test_a_scratch_folder_lies_in_the_folder_that_the_user_named(tmp_path: Path, temporary: pytest.MonkeyPatch) -> None:
    temporary.setenv("TMPDIR", str(tmp_path))
    with scratch_folder(SimulatorError) as folder:
        assert folder.parent == tmp_path


def test_no_folder_for_temporary_files_is_one_line(tmp_path: Path, temporary: pytest.MonkeyPatch) -> None:
    temporary.setattr("netgen.tools.scratch._PLACES", (str(tmp_path / "none"),))
    temporary.setattr(tempfile, "gettempdir", lambda: "/my work")
    with pytest.raises(SimulatorError) as caught, scratch_folder(SimulatorError):
        pass
    assert str(caught.value) == (
        f"{tmp_path}/none: No such file or directory; "
        "set TMPDIR to a folder that can be written and has no spaces or quotes in its path"
    )


def _python(code: str) -> list[str | Path]:
    return [sys.executable, "-c", code]


def test_a_program_runs_in_its_folder_with_its_temporary_files_there(tmp_path: Path) -> None:
    code = (
        "import os, sys; print(os.getcwd(), *(os.environ[k] for k in ('TMP', 'TMPDIR', 'X')), sys.stdin.read() == '')"
    )
    with Processes(SimulatorError) as processes:
        done = processes.run(_python(code), tmp_path, environment={"X": "7"})
    assert (done.status, done.out) == (0, f"{tmp_path} {tmp_path} {tmp_path} 7 True\n")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("print('first'); print('fatal error: disk'); print('last'); raise SystemExit(3)", "fatal error: disk"),
        ("print('first'); print('last'); raise SystemExit(3)", "last"),
        ("raise SystemExit(3)", "exit status 3"),
        ("import os; print('error: no'); os.kill(os.getpid(), 9)", "killed by SIGKILL"),
    ],
)
def test_the_reason_of_a_failure_is_one_line(code: str, reason: str, tmp_path: Path) -> None:
    with Processes(SimulatorError) as processes:
        assert processes.run(_python(code), tmp_path).reason == reason


def test_a_program_that_cannot_be_started_is_one_line(tmp_path: Path) -> None:
    with Processes(SimulatorError) as processes, pytest.raises(SimulatorError) as caught:
        processes.run([tmp_path / "none"], tmp_path)
    assert str(caught.value) == f"{tmp_path}/none: cannot be started (No such file or directory); install it again"


FAMILY = """
import subprocess, time
child = subprocess.Popen(["sleep", "60"])
print(child.pid, file=open("pid", "w"))
time.sleep(60)
"""


def _is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended, but is not yet collected by its parent, does not."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] not in "ZX"


def test_an_interrupt_ends_programs_and_their_children(tmp_path: Path) -> None:
    """A tick raises as Ctrl-C does, as soon as the program has started a child."""
    pid = tmp_path / "pid"

    def tick() -> None:
        if pid.exists() and pid.read_text():
            raise KeyboardInterrupt

    with Processes(SimulatorError) as processes, pytest.raises(KeyboardInterrupt):
        processes.run(_python(FAMILY), tmp_path, tick=tick)
    child = int(pid.read_text())
    deadline = time.monotonic() + 10
    while _is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _is_alive(child)


KILLED = """
import sys
from pathlib import Path
from netgen.errors import SimulatorError
from netgen.tools import Processes

with Processes(SimulatorError) as processes:
    processes.run([sys.executable, "-c", sys.argv[1]], Path.cwd())
"""


def test_programs_and_their_children_end_with_a_netgen_that_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED, FAMILY], cwd=tmp_path) as process:
        pid = tmp_path / "pid"
        while not (pid.exists() and pid.read_text()):
            assert process.poll() is None
            time.sleep(0.01)
        child = int(pid.read_text())
        program = os.getpgid(child)
        process.kill()
    deadline = time.monotonic() + 10
    while (_is_alive(child) or _is_alive(program)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _is_alive(child)
    assert not _is_alive(program)


def _children() -> set[str]:
    """The processes that this one has started, and that still run."""
    return {child for path in Path("/proc/self/task").glob("*/children") for child in path.read_text().split()}


def test_a_program_that_ended_leaves_no_process_behind(tmp_path: Path) -> None:
    with Processes(SimulatorError) as processes:
        before = _children()
        processes.run(_python("pass"), tmp_path)
        assert _children() == before


def test_leaving_ends_the_programs_that_other_threads_wait_for(tmp_path: Path) -> None:
    statuses: list[int] = []
    with Processes(SimulatorError) as processes:
        code = "open('begun', 'w'); import time; time.sleep(60)"
        thread = threading.Thread(target=lambda: statuses.append(processes.run(_python(code), tmp_path).status))
        thread.start()
        while not (tmp_path / "begun").exists():
            time.sleep(0.01)
    thread.join(timeout=10)
    assert statuses == [-9]
    with pytest.raises(SimulatorError, match=r"not started, as the work was stopped$"):
        processes.run(_python("pass"), tmp_path)


def test_the_users_interrupt_does_not_reach_a_program_by_itself(tmp_path: Path) -> None:
    """Its session is its own, so a terminal does not send it signals."""
    with Processes(SimulatorError) as processes:
        done = processes.run(_python("import os; print(os.getsid(0))"), tmp_path)
    assert int(done.out) != os.getsid(0)
