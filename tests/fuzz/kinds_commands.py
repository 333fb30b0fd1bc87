"""Command lines, run in a folder with one of each file that a command reads."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest import mock

from kinds import Case, Kind, shorten_bounds
from kinds_built import SPEC, Enough, enough, link_build, make_build, no_stages, raise_if_odd
from mutate import mutated
from nasty import WORDS, Random, pick

_SEARCHED = SPEC + "search: {trials: 1, ranges: {prune.sparsity: {choices: [0.5, 0.7]}}}\n"
_MOVES = 1_000
"""Moves that a command may make; more is work, and no fault."""

_LINES = tuple(
    line.split()
    for line in """
build tiny.yaml --out hdl_out --jobs 1
build tiny.yaml -q --json
report hdl_out/tiny
report hdl_out/tiny --json
check hdl_out/tiny --simulator amaranth --samples 3 --jobs 1
check hdl_out/tiny --samples all --json --data .
synth hdl_out/tiny --target ice40 --yosys native --json
draw hdl_out/tiny
draw hdl_out/tiny --neuron n1_0
place graph.json --method anneal --moves 100 --seed 3
place graph.json --box 3,3,2 --pitch 1,2,1 --no-bound --seconds 0.01 --out sites.csv
place graph.json --json --layered
place graph.csv --start start.csv --moves 50 --quiet
place graph.dat --method exact --json
experiment ablation --data-set digits --seeds 1 --quick --out results --jobs 1
search searched.yaml --out hdl_out --jobs 1 --json
init new.yaml --force
schema
--version
--help
place --help
""".strip().splitlines()
)
_WORDS = (
    *sorted({word for line in _LINES for word in line}),
    *(word.decode("utf-8", "surrogateescape") for word in WORDS if len(word) < 100_000 and b"\0" not in word),
    "",
    "--",
    "-h",
    "--no-force",
    "--moves=-1",
    "--moves=1e3",
    "--seconds=nan",
    "--seconds=inf",
    "--box=0,0,0",
    "--box=2147483647,2147483647,2147483647",
    "--pitch=1,1",
    "--seed=9999999999",
    "--jobs=0",
    "--method=best",
    "hdl_out",
    "hdl_out/tiny/spec.yaml",
    "hdl_out/tiny/top.v",
    "pipe",
    "none/x.csv",
)
_GRAPH = (
    '{"neurons": ["a", "b", "c", "d"], "wires": [["a", "b"], ["b", "c", 4], ["c", "d"]], "layers": {"c": 1, "d": 1}}'
)
_FILES = {
    "searched.yaml": _SEARCHED,
    "graph.json": _GRAPH,
    "graph.csv": "a,b,1\nb,c,2\nc,d,1\n",
    "graph.dat": "3\n0 1 2\n1 0 1\n2 1 0\n0 0 1\n0 0 7\n1 7 0\n",
    "start.csv": "neuron,x,y,z\na,0,0,0\nb,1,0,0\nc,0,1,0\nd,1,1,0\n",
}


class Commands(Kind):
    """Command lines, run in a folder with one of each file that a command reads."""

    seeds = len(_LINES)

    def __init__(self, home: Path) -> None:
        from typer import main

        self.built = make_build(home)
        main.get_command = cache(main.get_command)  # once per process, as a user's process does
        shorten_bounds()
        os.environ["PATH"] = ""  # no Yosys, no simulator: what is left ends soon
        os.environ["COLUMNS"] = "200"

    def case(self, folder: Path, seed: int, rng: Random | None) -> Case:
        inside = folder / "a" / "b" / "c" / "d"  # `../..` stays within the folder
        link_build(self.built, inside)
        for name, text in _FILES.items():
            (inside / name).write_text(text)
        os.mkfifo(inside / "pipe")
        words = list(_LINES[seed])
        if rng is not None:
            words = [_harmless(word) for word in _mutant(words, rng)]
        return Case(lambda: _run(words, inside))


def _mutant(words: list[str], rng: Random) -> list[str]:
    for _ in range(pick(rng, (1, 1, 1, 2, 3))):
        at = int(rng.integers(0, len(words))) if words else 0
        match int(rng.integers(7)):
            case 0:
                del words[at : at + 1]
            case 1:
                words[at:at] = words[at : at + 2]
            case 2 if words:
                to = int(rng.integers(0, len(words)))
                words[at], words[to] = words[to], words[at]
            case 3 if words:
                blob = mutated(words[at].encode("utf-8", "surrogateescape"), rng)[:100_000]
                words[at] = blob.replace(b"\0", b"").decode("utf-8", "surrogateescape")
            case 4:
                words.insert(at, pick(rng, _WORDS))
            case _:
                words[at : at + 1] = [pick(rng, _WORDS)]
    return words


def _harmless(word: str) -> str:
    """A word that names no file outside of the folder that a test may write to."""
    name, mark, value = word.partition("=")
    if mark and name.startswith("--"):
        return f"{name}={_harmless(value)}"
    if word.startswith("/") and word not in {"/dev/zero", "/dev/null", "/nonexistent/x"}:
        return word.lstrip("/")
    return word.replace("../../../", "")


def _run(words: list[str], folder: Path) -> None:
    """Run a command line as the shell would; raises NetgenError when it ends with another status than 0."""
    from netgen.cli import app
    from netgen.errors import NetgenError

    out, err = _Text("strict"), _Text("backslashreplace")  # as those of Python
    status: Any = None
    os.chdir(folder)
    try:
        with (
            mock.patch.object(sys, "argv", ["netgen", *words]),
            mock.patch.object(app, "handle_interrupts"),
            _quick_end(),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            app.main()
    except SystemExit as error:
        status = error.code
    except Enough:
        return
    finally:
        os.chdir("/")
    lines = [line for line in err.text.splitlines() if not line.endswith("%]")]
    errors = [line for line in lines if line.startswith("netgen: ") and not line.startswith("netgen: warning: ")]
    if status not in {0, 1, 2}:
        raise AssertionError(f"{words}: status {status}")
    if "Traceback" in err.text or "Traceback" in out.text:
        raise AssertionError(f"{words}: a traceback: {err.text[-1000:]}")
    if status and words and (len(errors) != 1 or not lines[-1].startswith("netgen: ")):
        raise AssertionError(f"{words}: status {status} with {lines}")
    if not status and errors:
        raise AssertionError(f"{words}: status 0 with {lines}")
    for line in errors:
        raise_if_odd(line, (" ".join(words) * 4,), named=False)  # a message may repeat what the user wrote
    if status:
        raise NetgenError(err.text)


@contextmanager
def _quick_end() -> Iterator[None]:
    """End a command where training, simulation, synthesis or trials begin, and place with little effort."""
    from netgen import fpga, graph
    from netgen.experiment import experiment
    from netgen.flow import verify
    from netgen.search import run

    with (
        no_stages(),
        mock.patch.object(verify, "check", enough),
        mock.patch.object(fpga, "synthesize", enough),
        mock.patch.object(graph, "place_graph", partial(_place_shortly, graph.place_graph)),
        mock.patch.object(run, "_workers", enough),
        mock.patch.object(experiment, "run_all", enough),
    ):
        yield


def _place_shortly(place: Callable[..., Any], *words: Any, **options: Any) -> Any:
    """Place a graph with less effort than asked for; efforts out of range stay what they are."""
    options["moves"] = min(options["moves"], _MOVES)
    if options["seconds"] is not None:
        options["seconds"] = min(options["seconds"], 0.01)
    return place(*words, **options)


class _Text(io.TextIOWrapper):
    """A stream of text in memory."""

    def __init__(self, errors: str) -> None:
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding="utf-8", errors=errors, write_through=True)

    @property
    def text(self) -> str:
        """What has been written."""
        return self.bytes.getvalue().decode()
