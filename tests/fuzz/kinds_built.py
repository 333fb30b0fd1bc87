"""Build folders with one damaged file, and command lines."""

import io
import os
import sys
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

from kinds import Case, Kind, shorten_bounds
from mutate import misplace, mutated, mutated_json, mutated_yaml, mutated_zip
from nasty import WORDS, Random, pick

_TABLE = "a,b,c,kind\n" + "".join(f"{k % 7},{k % 5},{k * k % 11},{k % 2}\n" for k in range(60))
_SPEC = """
data: {source: csv, path: tiny.csv}
network: {hidden: [3]}
train: {epochs: 2}
prune: {sparsity: 0.2, rounds: 1, epochs: 1, retrain: 1}
quantize: {weight_width: 4, activation_width: 4, epochs: 1}
place: {moves: 100}
emit: {argmax: true}
check: {simulator: amaranth, samples: 5}
"""
_SEARCHED = _SPEC + "search: {trials: 1, ranges: {prune.sparsity: {choices: [0.5, 0.7]}}}\n"


class Enough(Exception):  # noqa: N818 - no error: the input has been accepted
    """Stops a mutant that has passed every check, where training, simulation or synthesis would begin."""


def _enough(*_: object, **__: object) -> NoReturn:
    raise Enough


def make_build(home: Path) -> Path:
    """Build a network of 3 neurons in a folder, once; gives the build folder."""
    import netgen

    folder = home / "hdl_out" / "tiny"
    if not (folder / "report.html").exists():
        home.mkdir(parents=True, exist_ok=True)
        (home / "tiny.csv").write_text(_TABLE)
        (home / "tiny.yaml").write_text(_SPEC)
        netgen.build(home / "tiny.yaml", out=home / "hdl_out", jobs=1)
    return folder


def _link(built: Path, home: Path) -> Path:
    """Make a copy of a build that shares its files, and of its data set; files are replaced, never written in place."""
    folder = home / "hdl_out" / "tiny"
    folder.mkdir(parents=True)
    for path in built.iterdir():
        if path.is_file() and path.name != ".lock":
            os.link(path, folder / path.name)
    for name in ("tiny.csv", "tiny.yaml"):
        os.link(built.parents[1] / name, home / name)
    return folder


_READ = ("spec.yaml", "network.npz", "circuit.json", "operators.json", "placement.csv", "report.json", "build.json")
"""Files that commands read often; most mutants damage one of them."""


class Builds(Kind):
    """Build folders: read as every command reads them; only simulation and the making of stages are left out."""

    seeds = 1

    def __init__(self, home: Path) -> None:
        from netgen.data import load_dataset
        from netgen.flow import build, built, nouns, verify
        from netgen.flow.folder import load_spec_of
        from netgen.report import to_json
        from netgen.spec.spec import load_spec

        self.built = make_build(home)
        of_build = _Remembered(load_spec_of, lambda folder: _text_of(folder / "spec.yaml"))
        built.load_spec_of = verify.load_spec_of = of_build  # type: ignore[attr-defined]
        build.load_spec = _Remembered(load_spec, _text_of)  # type: ignore[attr-defined]
        nouns.load_dataset = verify.load_dataset = _Remembered(load_dataset, _tiny_data)  # type: ignore[attr-defined]
        self.printed = _Remembered(_print, to_json)
        self.names = sorted(path.name for path in self.built.iterdir() if path.suffix in _MUTATED)

    def case(self, folder: Path, seed: int, rng: Random | None) -> Case:  # noqa: ARG002
        build = _link(self.built, folder)
        if rng is not None:
            path = build / pick(rng, _READ if rng.random() < 0.8 else self.names)
            blob = path.read_bytes()
            misplace(path, rng)
            if rng.random() < 0.95:
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
                other = (build / pick(rng, self.names)) if rng.random() < 0.1 else None
                spare = other.read_bytes() if other is not None and other.is_file() else blob
                path.write_bytes(_MUTATED[path.suffix](blob, rng, spare))
        return Case(lambda: self._read(build, folder), (str(build), str(folder / "tiny.csv")))

    def _read(self, build: Path, home: Path) -> None:
        """Read a build folder in every way, and raise the first refusal once all have been tried."""
        from netgen.errors import NetgenError

        refused: list[NetgenError] = []
        for reader in (self._load, _recheck, _draw, _rebuild):
            try:
                reader(build, home)
            except Enough:
                pass
            except NetgenError as error:
                raise_if_odd(str(error), (str(build), str(home / "tiny.csv")))
                refused.append(error)
        if refused:
            raise refused[0]

    def _load(self, build: Path, home: Path) -> None:  # noqa: ARG002 - all readers have one signature
        from netgen.flow.built import load_build
        from netgen.report import to_json

        report = load_build(build).report
        self.printed(report)
        to_json(report).encode()


class _Remembered:
    """A function that reads what most mutants share, each text once: YAML, tables and terminal output are slow.

    Args:
        key: what the result depends on; None when it is not to be remembered. What raises is not remembered either.
    """

    def __init__(self, read: Callable[..., Any], key: Callable[..., Hashable]) -> None:
        self.read, self.key, self.known = read, key, dict[Hashable, Any]()

    def __call__(self, *args: Any, **options: Any) -> Any:
        key = self.key(*args, **options)
        if key is None or key not in self.known:
            found = self.read(*args, **options)
            if key is None:
                return found
            self.known[key] = found
        return self.known[key]


def _text_of(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() and path.stat().st_size < 1 << 20 else None


def _tiny_data(spec: Any, *, seed: int, base: Path) -> Hashable:  # noqa: ARG001 - the signature of `load_dataset`
    """The table that no mutant damages, as a spec asks for it."""
    return (spec.model_dump_json(), seed) if Path(spec.path or "").name == "tiny.csv" else None


def _print(report: Any) -> None:
    from netgen.cli.output import print_table
    from netgen.report import render

    with redirect_stdout(io.StringIO()):
        print_table(render(report))


_MUTATED: dict[str, Callable[[bytes, Random, bytes], bytes]] = {
    ".json": mutated_json,
    ".yaml": mutated_yaml,
    ".csv": mutated,
    ".v": mutated,
    ".npz": lambda blob, rng, _: mutated_zip(blob, rng),
}


def _recheck(build: Path, home: Path) -> None:  # noqa: ARG001
    from netgen.flow import verify

    with mock.patch.object(verify, "check", _enough):
        verify.recheck(build)


def _draw(build: Path, home: Path) -> None:  # noqa: ARG001
    from netgen.flow.folder import load_operators
    from netgen.report import drawing

    drawing(load_operators(build)).encode()


def _rebuild(build: Path, home: Path) -> None:
    import netgen

    with _no_stages():
        netgen.build(home / "tiny.yaml", out=build.parent, jobs=1)


@contextmanager
def _no_stages() -> Iterator[None]:
    """Find out which stages are out of date, but make none of them."""
    from netgen.flow import build

    with mock.patch.object(build, "STAGES", tuple(replace(stage, make=_Make(stage.make)) for stage in build.STAGES)):
        yield


class _Make:
    """Stands for the function that makes a stage's files: it has the same code behind it, and makes nothing."""

    def __init__(self, make: Callable[..., None]) -> None:
        self.__module__ = make.__module__

    def __call__(self, *_: object) -> NoReturn:
        raise Enough


def raise_if_odd(message: str, places: tuple[str, ...], *, named: bool = True) -> None:
    """Raise an AssertionError unless a message is one short line of printable text that names its place."""
    if not message.isprintable():
        raise AssertionError(f"message is not one printable line: {message[:300]!r}")
    if len(message) > _LONGEST + max(map(len, places)):
        raise AssertionError(f"message of {len(message):,} characters: {message[:300]!r}")
    if named and not any(place in message for place in places):
        raise AssertionError(f"message names no place: {message!r}")
    if any(word in message.lower() for word in ("memory", "unable to allocate")) and "GB of memory" not in message:
        raise AssertionError(f"memory ran out: {message!r}")


_MOVES = 1_000
"""Moves that a command may make; more is work, and no fault."""

_LONGEST = 500
"""Characters that a message may have beside its path."""

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
        _link(self.built, inside)
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
        _no_stages(),
        mock.patch.object(verify, "check", _enough),
        mock.patch.object(fpga, "synthesize", _enough),
        mock.patch.object(graph, "place_graph", partial(_place_shortly, graph.place_graph)),
        mock.patch.object(run, "_workers", _enough),
        mock.patch.object(experiment, "run_all", _enough),
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
