"""Build folders with one damaged file."""

import io
import os
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

from kinds import Case, Kind
from mutate import misplace, mutated, mutated_json, mutated_yaml, mutated_zip
from nasty import Random, pick

_TABLE = "a,b,c,kind\n" + "".join(f"{k % 7},{k % 5},{k * k % 11},{k % 2}\n" for k in range(60))
SPEC = """
data: {source: csv, path: tiny.csv}
network: {hidden: [3]}
train: {epochs: 2}
prune: {sparsity: 0.2, rounds: 1, epochs: 1, retrain: 1}
quantize: {weight_width: 4, activation_width: 4, epochs: 1}
place: {moves: 100}
emit: {argmax: true}
check: {simulator: amaranth, samples: 5}
"""


class Enough(Exception):  # noqa: N818 - no error: the input has been accepted
    """Stops a mutant that has passed every check, where training, simulation or synthesis would begin."""


def enough(*_: object, **__: object) -> NoReturn:
    """Stand for a function whose work would take long."""
    raise Enough


def make_build(home: Path) -> Path:
    """Build a network of 3 neurons in a folder, once; gives the build folder."""
    import netgen

    folder = home / "hdl_out" / "tiny"
    if not (folder / "report.html").exists():
        home.mkdir(parents=True, exist_ok=True)
        (home / "tiny.csv").write_text(_TABLE)
        (home / "tiny.yaml").write_text(SPEC)
        netgen.build(home / "tiny.yaml", out=home / "hdl_out", jobs=1)
    return folder


def link_build(built: Path, home: Path) -> Path:
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
        build = link_build(self.built, folder)
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

    with mock.patch.object(verify, "check", enough):
        verify.recheck(build)


def _draw(build: Path, home: Path) -> None:  # noqa: ARG001
    from netgen.flow.folder import load_operators
    from netgen.report import drawing

    drawing(load_operators(build)).encode()


def _rebuild(build: Path, home: Path) -> None:
    import netgen

    with no_stages():
        netgen.build(home / "tiny.yaml", out=build.parent, jobs=1)


@contextmanager
def no_stages() -> Iterator[None]:
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


_LONGEST = 500
"""Characters that a message may have beside its path."""
