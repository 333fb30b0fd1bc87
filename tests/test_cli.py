"""The command line as users meet it: exit status, one line, no traceback; help that matches the commands."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import TINY, run_netgen

from netgen.cli.commands import app
from netgen.cli.streams import PLAIN
from netgen.errors import FitError


def _fails(result: subprocess.CompletedProcess[str], message: str) -> None:
    """The last line on stderr is the message; the status is 1; nobody sees a traceback."""
    assert result.returncode == 1, result.stderr
    assert result.stderr.splitlines()[-1] == f"netgen: {message}"
    assert "Traceback" not in result.stderr


def _weights(tmp_path: Path) -> None:
    import torch

    torch.save({"weight": torch.zeros(3, 3), "bias": torch.zeros(3)}, tmp_path / "model.pt")


def _two_classes(tmp_path: Path) -> None:
    np.savez(tmp_path / "nan.npz", x=np.full((20, 2), np.inf), y=np.arange(20) % 2)


def _read_only(tmp_path: Path) -> None:
    (tmp_path / "hdl_out").write_text("a file where a folder must be")


CASES = {
    "no such spec": (
        None,
        None,
        "bad.yaml: No such file or directory; give the path of a spec (netgen init writes one)",
    ),
    "unknown key": ("train: {epoch: 1}", None, "bad.yaml: train.epoch: unknown key; did you mean epochs?"),
    "width 0": (
        "quantize: {activation_width: 0}",
        None,
        "bad.yaml: quantize.activation_width: 0; give 1 or more",
    ),
    "yaml": (
        "train: {",
        None,
        "bad.yaml: line 1, column 9: did not find expected node content; correct the YAML",
    ),
    "missing data": (
        "data: {source: idx, path: nowhere}",
        None,
        "nowhere: not found; set NETGEN_DATA to the folder of data sets, or correct data.path",
    ),
    "infinite data": (
        "data: {source: npz, path: nan.npz}",
        _two_classes,
        "nan.npz: features[0, 0] is inf; every feature must be finite",
    ),
    "grid too small": (
        TINY + "\n" + "name: grid\n",
        None,
        "bad.yaml: place.grid: 8 sites for @ neurons; enlarge one axis or set place.grid to auto",
    ),
    "weights of another shape": (
        "network: {hidden: [6], weights: model.pt}",
        _weights,
        "model.pt: holds 1 Linear for the 2 of the spec's network; network.hidden and network.batch_norm must "
        "match the weights",
    ),
    "no weights": (
        "network: {hidden: [6], weights: none.pt}",
        None,
        "none.pt: not found; correct network.weights",
    ),
    "output in the way": (
        TINY,
        _read_only,
        "hdl_out/bad: Not a directory; choose another --out",
    ),
    "everything pruned": (
        TINY.replace("[6]", "[60, 30]").replace("{rounds: 1,", "{sparsity: 0.999, rounds: 1,"),
        None,
        "bad.yaml: prune: no path from an input to an output is left; prune less or set scope: layer",
    ),
    "accuracy out of reach": (
        "train: {epochs: 0}\nprune: {sparsity: null, accuracy: 0.99}",
        None,
        "bad.yaml: prune.accuracy: 0.99 is above the dense network's validation accuracy @; lower it or train longer",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_ends_in_one_line_and_status_1(tmp_path: Path, case: str) -> None:
    text, prepare, message = CASES[case]
    if case == "grid too small":
        text = TINY.replace("place: {", "place: {grid: [2, 2, 2], ")
    if text is not None:
        (tmp_path / "bad.yaml").write_text(text)
    if prepare is not None:
        prepare(tmp_path)
    result = run_netgen("build", "bad.yaml", "--quiet", cwd=tmp_path)
    assert result.returncode == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 1
    pattern = re.escape(f"netgen: {message}").replace("@", r"[\d.]+")
    assert re.fullmatch(pattern, result.stderr.strip()), result.stderr


def test_commands_on_a_folder_without_a_build_say_so(tmp_path: Path) -> None:
    _fails(run_netgen("report", "nothing", cwd=tmp_path), "nothing/report.json: not found; run netgen build first")
    for command in ("check", "energy", "toggles"):
        _fails(run_netgen(command, "nothing", cwd=tmp_path), "nothing: no finished build here; run netgen build first")


def test_a_missing_simulator_is_named_with_the_fix(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(TINY.replace("simulator: amaranth", "simulator: verilator"))
    result = run_netgen("build", "bad.yaml", "--quiet", cwd=tmp_path, PATH="")
    assert result.returncode == 1
    assert re.match(r"netgen: verilator not found; ", result.stderr.splitlines()[-1])
    assert len(result.stderr.splitlines()) == 1


def test_without_verilator_small_jobs_go_on_and_large_ones_say_what_to_install(tmp_path: Path) -> None:
    auto = TINY.replace("simulator: amaranth", "simulator: auto")
    (tmp_path / "tiny.yaml").write_text(auto)
    built = run_netgen("build", "tiny.yaml", "--quiet", cwd=tmp_path, PATH="")
    assert "agreement: exact (2 samples, amaranth)" in built.stdout
    (tmp_path / "wide.yaml").write_text(
        auto.replace("[6]", "[90]").replace("samples: 2", "samples: all").replace("{rounds: 1,", "{rule: none,")
        + "emit: {sharing: none}\n"  # the fastest
    )
    result = run_netgen("build", "wide.yaml", "--quiet", cwd=tmp_path, PATH="")
    assert result.returncode == 1
    assert re.fullmatch(
        r"netgen: 360 samples of [\d,]+ wires need verilator, which is not found; install it "
        r"\(Debian: apt-get install verilator g\+\+ make\), set check\.samples to \d+, or name amaranth, about \d+ s",
        result.stderr.strip(),
    ), result.stderr


def test_init_writes_a_spec_that_builds_and_never_overwrites(tmp_path: Path) -> None:
    assert run_netgen("init", "my.yaml", cwd=tmp_path).returncode == 0
    _fails(run_netgen("init", "my.yaml", cwd=tmp_path), "my.yaml: the file exists; choose another name or give --force")
    assert run_netgen("init", "my.yaml", "--force", cwd=tmp_path).returncode == 0
    _fails(
        run_netgen("init", "none/my.yaml", cwd=tmp_path),
        "none/my.yaml: No such file or directory; choose a folder that can be written",
    )


def test_a_file_whose_name_is_no_text_is_printed_with_escapes(tmp_path: Path) -> None:
    written = run_netgen("init", "b\udcff.yaml", cwd=tmp_path, PYTHONIOENCODING="utf-8")
    assert written.stderr == ""
    assert written.stdout == "wrote b\\udcff.yaml; build it with: netgen build b\\udcff.yaml\n"
    assert written.returncode == 0


def test_a_build_prints_its_report_and_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    built = run_netgen("build", "tiny.yaml", cwd=tmp_path)
    assert built.returncode == 0, built.stderr
    assert "agreement: exact" in built.stdout
    assert "train" in built.stderr
    again = json.loads(run_netgen("report", "hdl_out/tiny", "--json", cwd=tmp_path).stdout)
    assert again["name"] == "tiny"
    assert json.loads((tmp_path / "hdl_out/tiny/report.json").read_text()) == again
    checked = json.loads(run_netgen("check", "hdl_out/tiny", "--samples", "3", "--json", cwd=tmp_path).stdout)
    assert checked["samples"] == 3
    assert checked["difference"] is None


USAGE = {
    "bild": "No such command 'bild'. Did you mean 'build'; see netgen --help",
    "build": "Missing argument 'spec'; see netgen build --help",
    "build x --jobs 0": "--jobs: give 1 or more; see netgen build --help",
    "build x --frob": "No such option: --frob (Possible options: --jobs); see netgen build --help",
    "check x --samples some": "--samples: 'some'; give a number of samples from 1 to 999999999, or all; "
    "see netgen check --help",
    f"check x --samples {'9' * 5000}": f"--samples: '{'9' * 5000}'; give a number of samples from 1 to 999999999, or "
    "all; see netgen check --help",
    "check x --simulator modelsim": "--simulator: 'modelsim' is not one of 'auto', 'verilator', 'icarus', "
    "'cxxrtl', 'amaranth'; see netgen check --help",
    "synth x --target spartan": "--target: 'spartan' is not one of 'xcup', 'ecp5', 'ice40', 'gowin'; "
    "see netgen synth --help",
    "experiment x --seeds 0": "--seeds: give 1 or more; see netgen experiment --help",
}


@pytest.mark.parametrize("words", USAGE, ids=lambda words: words[:40])
def test_wrong_usage_ends_in_one_line_and_status_2(tmp_path: Path, words: str) -> None:
    result = run_netgen(*words.split(), cwd=tmp_path)
    assert (result.returncode, result.stderr) == (2, f"netgen: {USAGE[words]}\n")


def test_without_a_command_the_help_is_printed(tmp_path: Path) -> None:
    result = run_netgen(cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("Usage: netgen [OPTIONS] COMMAND [ARGS]...")


PRINTING = ["schema", "--help", "--version", "build --help"]


def test_what_a_terminal_of_ascii_lacks_is_printed_in_ascii() -> None:
    assert "4 \N{MULTIPLICATION SIGN} 4 \N{PLUS-MINUS SIGN} \xe4".encode("ascii", PLAIN) == rb"4 x 4 +- \xe4"


@pytest.mark.parametrize(
    ("options", "fix"),
    [
        (["--box", "1,1,2"], "2 sites for 3 neurons; enlarge one axis or omit --box"),
        (["--box", "3,1,1", "--layered"], "1 planes for layers that need 3; enlarge z or the planes or omit --box"),
    ],
)
def test_a_box_that_is_too_small_is_named_by_its_option(options: list[str], fix: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(
        '{"neurons": ["a", "b", "c"], "wires": [["a", "b"], ["b", "c"]], "layers": {"a": 0, "b": 1, "c": 2}}'
    )
    with pytest.raises(FitError) as caught:
        app(["place", str(path), "--quiet", *options], standalone_mode=False)
    assert str(caught.value) == f"{path}: {fix}"


@pytest.mark.parametrize("words", PRINTING)
def test_an_output_that_is_full_ends_in_one_line_and_status_1(tmp_path: Path, words: str) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "netgen", *words.split()]
        result = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == (
        "netgen: stdout: the disk is full; free some space or choose a file or folder that can be read and written\n"
    )


@pytest.mark.parametrize("words", PRINTING)
def test_a_pipe_whose_reader_has_left_ends_the_command_quietly(tmp_path: Path, words: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "netgen", *words.split()]
    result = subprocess.run(command, cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (result.returncode, result.stderr) == (1, "")


STREAMS = """
import os, sys
from netgen.cli import app
sys.argv = ["netgen", "--version"]
try:
    app.main()
except SystemExit as end:
    where = [os.readlink(f"/proc/self/fd/{number}") for number in range(3)]
    with open("seen", "w") as seen:
        seen.write(f"{end.code} {where} {sys.stdout.isatty()} {os.get_inheritable(2)}")
"""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="lists open files as Linux does")
def test_streams_that_the_shell_has_closed_are_open_on_the_null_device(tmp_path: Path) -> None:
    """Otherwise the pipe that interrupts come through is stdout and stderr, and what is printed there interrupts."""
    closed = shlex.join([sys.executable, "-c", STREAMS]) + " <&- >&- 2>&-"
    subprocess.run(["sh", "-c", closed], cwd=tmp_path, check=False)
    assert (tmp_path / "seen").read_text() == f"0 {['/dev/null'] * 3} False True"


def test_errors_need_no_stderr(tmp_path: Path) -> None:
    """Its one line is lost, its status is not."""
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "netgen", "report", "nothing"]
        assert (
            subprocess.run(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=full, check=False).returncode == 1
        )


def test_schema_is_a_json_schema_of_the_spec(tmp_path: Path) -> None:
    tree = json.loads(run_netgen("schema", cwd=tmp_path).stdout)
    assert tree["type"] == "object"
    assert tree["additionalProperties"] is False


HELP = {
    (): ["build", "report", "check", "synth", "draw", "place", "experiment", "search", "init", "schema", "--version"],
    ("build",): ["SPEC", "--out", "--data", "--jobs", "--json", "--quiet"],
    ("report",): ["FOLDER", "--json"],
    ("check",): ["FOLDER", "--simulator", "--samples", "--data", "--jobs", "--json", "--quiet"],
    ("draw",): ["FOLDER", "--neuron"],
    ("synth",): ["FOLDER", "--target", "--yosys", "--json", "--quiet"],
    ("place",): [
        "GRAPH",
        "--box",
        "--pitch",
        "--method",
        "--layered",
        "--start",
        "--moves",
        "--seconds",
        "--seed",
        "--bound",
        "--out",
    ],
    ("energy",): [
        "FOLDER",
        "--model",
        "--pitch",
        "--tier",
        "--node",
        "--samples",
        "--order",
        "--zeros",
        "--batch",
        "--data",
        "--json",
    ],
    ("toggles",): ["FOLDER", "--samples", "--order", "--check", "--glitches", "--data", "--json", "--quiet"],
    ("search",): ["SPEC", "--out", "--data", "--jobs", "--storage", "--ray-address", "--json", "--quiet"],
    ("experiment",): [
        "NAME",
        "BUILDS",
        "--data-set",
        "--network",
        "--seeds",
        "--pitch",
        "--node",
        "--samples",
        "--quick",
        "--out",
        "--data",
        "--jobs",
        "--quiet",
    ],
    ("init",): ["PATH", "--force"],
    ("schema",): [],
}


@pytest.mark.parametrize("command", HELP, ids=lambda words: " ".join(words) or "netgen")
def test_help_names_every_argument_and_option(command: tuple[str, ...], tmp_path: Path) -> None:
    result = run_netgen(*command, "--help", cwd=tmp_path)
    assert result.returncode == 0
    for word in HELP[command]:
        assert re.search(rf"(?i)(^|\W){re.escape(word)}\b", result.stdout), word


def test_version_is_printed(tmp_path: Path) -> None:
    import netgen

    assert run_netgen("--version", cwd=tmp_path).stdout.strip() == f"netgen {netgen.__version__}"


OUT = {
    "experiment compression --quick --seeds 1": "file: File exists; choose another --out",
    "search tiny.yaml --quiet": "file/tiny: Not a directory; choose another --out",
    "build tiny.yaml --quiet": "file/tiny: Not a directory; choose another --out",
}


@pytest.mark.parametrize("words", OUT)
def test_an_out_that_is_a_file_ends_in_one_line(tmp_path: Path, words: str) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY + "search: {ranges: {train.epochs: {low: 1, high: 2}}}\n")
    (tmp_path / "file").touch()
    result = run_netgen(*words.split(), "--out", "file", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.endswith(f"{OUT[words]}\n")
    assert len(result.stderr.splitlines()) == 1
