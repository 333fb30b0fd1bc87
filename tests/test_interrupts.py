"""Interrupts: a build that is stopped at any moment ends at once, leaves nothing false, and resumes to equal bytes."""

import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import start_netgen

from netgen.cli.interrupt import _interrupted_line

LINE = "netgen: interrupted; finished stages are kept: run the same command again to continue"
SPEC = "network: {hidden: [6]}\ntrain: {epochs: 100000}\n"


def test_a_build_stopped_at_fifty_random_moments_resumes_to_equal_bytes(tmp_path: Path) -> None:
    """Ten builds, each stopped five times by SIGKILL, SIGINT or SIGTERM; an interrupt ends with 130 and its line."""
    script = Path(__file__).parent / "interrupted_builds.py"
    done = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    stops = [row[1:] for row in rows if row[0] == "stopped"]
    assert len(stops) == 50
    ends = {"SIGKILL": ("-9", None), "SIGINT": ("130", LINE), "SIGTERM": ("130", LINE)}
    stopped = 0
    for number, when, status, line in stops:
        if (status, line) == ("0", "report: made [100%]") or line.startswith("report: kept"):
            continue  # the build had ended before
        stopped += 1
        wanted, last = ends[number]
        assert status == wanted, (number, when, line)
        assert last is None or line == last, when
    assert stopped >= 30, "most moments lie within a build"
    assert [row[1:] for row in rows if row[0] == "resumed"] == [["0", "report: made [100%]", "True"]] * 10


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("quiet", [False, True])
def test_an_interrupted_command_ends_with_its_one_line_and_status_130(
    tmp_path: Path, number: signal.Signals, quiet: bool
) -> None:
    (tmp_path / "long.yaml").write_text(SPEC)
    started = start_netgen("build", "long.yaml", *(["--quiet"] if quiet else []), cwd=tmp_path)
    while not (tmp_path / "hdl_out/long/.partial").exists():
        assert not started.ended()
        time.sleep(0.01)
    started.send_signal(number)
    done = started.wait()
    assert done.returncode == 130
    assert (done.stdout, done.stderr.splitlines()[-1]) == ("", LINE)
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1 or not quiet
    assert not (tmp_path / "hdl_out/long/.partial").exists()


def test_a_command_under_nohup_outlives_its_terminal() -> None:
    code = "import signal; from netgen.cli.interrupt import handle_interrupts; handle_interrupts(); "
    code += "signal.raise_signal(signal.SIGHUP); print('went on')"
    script = f"trap '' HUP; exec {shlex.join([sys.executable, '-c', code])}"  # as nohup does
    assert subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout == "went on\n"


SWALLOWS = """
import signal, sys, time
from netgen.cli import app, commands, interrupt
from netgen.cli.terminal import progress_on_stderr

@commands.app.command()
def swallow():
    with progress_on_stderr(True) as progress:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            pass
        BODY
        print("went on")

sys.argv = ["netgen", "swallow"]
app.main()
"""


@pytest.mark.parametrize("body", ["progress('next', 0.5)", "time.sleep(600)"])
def test_an_interrupt_that_a_library_swallows_still_ends_the_command(body: str) -> None:
    """At the next progress call, and without one after a second."""
    command = [sys.executable, "-c", SWALLOWS.replace("BODY", body)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "netgen: interrupted\n")


def test_an_interrupt_in_code_that_cannot_raise_prints_no_traceback() -> None:
    dying = "type('D', (), {'__del__': lambda self: signal.raise_signal(signal.SIGINT)})(); time.sleep(600)"
    code = SWALLOWS.replace("signal.raise_signal(signal.SIGINT)", "pass", 1).replace("BODY", dying)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "netgen: interrupted\n")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("build a.yaml", "interrupted; finished stages are kept: run the same command again to continue"),
        ("search a.yaml -q", "interrupted; finished trials are kept: run the same command again to continue"),
        ("experiment ablation", "interrupted; finished trials are kept: run the same command again to continue"),
        *((f"{command} x", "interrupted") for command in ("place", "check", "report", "draw", "synth", "init")),
        ("", "interrupted"),
    ],
)
def test_an_interrupted_command_says_what_it_keeps(words: str, line: str) -> None:
    assert _interrupted_line(words.split()) == line
