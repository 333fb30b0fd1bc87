"""What is mutated and who reads it: specs, data, weights and graphs."""

import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mutate import misplace, mutated, mutated_json, mutated_yaml, mutated_zip
from nasty import Random, pick

ROOT = Path(__file__).parents[2]
GIGABYTE = 1 << 30


@dataclass(frozen=True)
class Case:
    """One input.

    Attributes:
        run: reads it; raises NetgenError when it is refused.
        places: a message must contain one of these; any message will do when there is none.
    """

    run: Callable[[], None]
    places: tuple[str, ...] = ()


class Kind:
    """Inputs of one kind.

    Attributes:
        seeds: how many inputs there are that are not mutated, and are accepted.
        memory: bytes that reading may use.
    """

    seeds = 0
    memory = 2 * GIGABYTE

    def case(self, folder: Path, seed: int, rng: Random | None) -> Case:
        """Write an input into an empty folder: a mutant of a seed, or without `rng` the seed itself."""
        raise NotImplementedError


def _misplaced(path: Path, rng: Random | None) -> bool:
    """Now and then, replace a file by what is none."""
    if rng is None or rng.random() > 0.02:
        return False
    misplace(path, rng)
    return True


_SEARCH = b"""
seed: 3
name: two words
data: {source: csv, path: x.csv, label: kind, scale: feature}
network: {hidden: [4, 3], batch_norm: true}
quantize: {weight_width: [4, 5, 6], activation_width: [3, 4]}
place: {grid: [9, 9, 3], pitch: [1, 1, 2], blocked: [[0, 0, 0], [1, 1, 1]], inputs: x0}
search:
  trials: 9
  ranges:
    train.learning_rate: {low: 0.001, high: 0.1, log: true}
    prune.sparsity: {choices: [0.5, 0.7]}
    network.hidden: {choices: [[4, 3], [5, 4]]}
"""


class Specs(Kind):
    """Specs: read, written and read again, and held against a small data set and netlist."""

    memory = GIGABYTE

    def __init__(self, home: Path) -> None:  # noqa: ARG002 - all kinds have one signature
        from netgen.data import Dataset, Split
        from netgen.ir.netlist import Netlist
        from netgen.spec.reference import starter

        specs = [path.read_bytes() for path in sorted((ROOT / "specs").glob("*.yaml"))]
        short = [*specs, _SEARCH, b"network: &a {hidden: [2]}\nseed: 1_0\n", b"{}\n"]
        self.blobs = [starter().encode(), *short, *short]
        self.seeds = len(self.blobs)
        split = Split(np.zeros((50, 784), np.float32), np.arange(50) % 10)
        self.data = Dataset(split, split, split, 10, np.ones(784), "0")
        chain = np.arange(20)
        self.netlist = Netlist(chain // 7, chain % 7, chain[:-1], chain[1:], np.ones(19, np.int64))

    def case(self, folder: Path, seed: int, rng: Random | None) -> Case:
        path = folder / "a.yaml"
        blob = self.blobs[seed]
        path.write_bytes(blob if rng is None else mutated_yaml(blob, rng, pick(rng, self.blobs)))
        _misplaced(path, rng)
        return Case(lambda: self._read(path), (str(path), "place.", "network.", "data", "augment."))

    def _read(self, path: Path) -> None:
        from netgen.learn.learner import Learner
        from netgen.spec.board import board_of
        from netgen.spec.spec import load_spec

        spec = load_spec(path)
        again = path.parent / "again.yaml"
        again.write_text(spec.to_yaml(), encoding="utf-8")
        if load_spec(again) != spec:
            raise AssertionError("a spec changes when it is written and read")
        assert len(spec.weight_widths) == len(spec.weight_digits) == len(spec.activation_widths) + 1
        board_of(spec.place, self.netlist)
        _ = Learner(spec, self.data, base=path.parent).sizes


_TABLES: tuple[tuple[bytes, str | None], ...] = (
    (b"a,b,kind\n" + b"".join(b"%d,%d.5,%s\n" % (k, k % 7, b"xy"[k % 2 : k % 2 + 1]) for k in range(40)), "kind"),
    (b"".join(b"%d;%d;%d\n" % (k, -k, k % 3) for k in range(40)), None),
    (b'"x 1","x,2",y\r\n' + b"".join(b'%d, "%d",%d\r\n' % (k, k * k, k % 2) for k in range(30)), None),
)
_IDX = tuple(f"{part}-{what}" for part in ("train", "t10k") for what in ("images-idx3-ubyte", "labels-idx1-ubyte"))


class Data(Kind):
    """Data sets: tables, archives of arrays, and folders of idx files."""

    def __init__(self, home: Path) -> None:  # noqa: ARG002
        rng = np.random.default_rng(0)
        x, y = rng.random((40, 3)), np.arange(40) % 4
        images, labels = rng.integers(0, 256, (30, 2, 2), np.uint8), (np.arange(30) % 3).astype(np.uint8)
        self.archives = [
            _saved(x=x, y=y),
            _saved(x_train=images, y_train=labels, x_test=images[:9], y_test=labels[:9]),
            _saved(x=x.astype(np.float32), y=y.astype(np.int32), x_test=x, y_test=y.astype(np.uint8)),
        ]
        self.images = b"\0\0\x08\x03" + np.array(images.shape, ">u4").tobytes() + images.tobytes()
        self.labels = b"\0\0\x08\x01" + np.array(labels.shape, ">u4").tobytes() + labels.tobytes()
        self.seeds = 9

    def case(self, folder: Path, seed: int, rng: Random | None) -> Case:
        if seed < 3:
            blob, label = _TABLES[seed]
            return self._file(folder / "a.csv", "csv", blob if rng is None else mutated(blob, rng), rng, label)
        if seed < 6:
            blob = self.archives[seed - 3]
            return self._file(folder / "a.npz", "npz", blob if rng is None else mutated_zip(blob, rng), rng)
        return self._idx(folder, rng, packed=seed == 8)

    def _file(self, path: Path, source: str, blob: bytes, rng: Random | None, label: str | None = None) -> Case:
        path.write_bytes(blob)
        _misplaced(path, rng)
        return self._loaded(path, source, rng, label)

    def _idx(self, folder: Path, rng: Random | None, *, packed: bool) -> Case:
        wrong = None if rng is None else pick(rng, _IDX)
        for name in _IDX:
            blob = self.images if "images" in name else self.labels
            change = rng if rng is not None and name == wrong else None
            if change is not None and change.random() < 0.6:
                blob = _head_changed(blob, change)
                change = None
            if packed:
                blob = gzip.compress(blob, 1)
            path = folder / (f"{name}.gz" if packed else name)
            path.write_bytes(blob if change is None else mutated(blob, change))
            _misplaced(path, change)
        return self._loaded(folder, "idx", rng, None)

    def _loaded(self, path: Path, source: str, rng: Random | None, label: str | None) -> Case:
        from netgen.data import load_dataset
        from netgen.spec.sections import DataSpec

        thresholds = (0.25, 0.5) if rng is not None and rng.random() < 0.1 else ()
        spec = DataSpec.model_validate(
            {
                "source": source,
                "path": str(path),
                "label": label,
                "scale": pick(rng, ("feature", "global")) if rng is not None else "global",
                "thresholds": thresholds,
            }
        )

        def run() -> None:
            load_dataset(spec, seed=1)

        return Case(run, (str(path), "data."))


def _saved(**arrays: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]") -> bytes:
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _head_changed(blob: bytes, rng: Random) -> bytes:
    """Change one byte or one size in the header of an idx file, or a label."""
    at = 4 * int(rng.integers(0, min(len(blob) // 4, 6)))
    size = int(pick(rng, (0, 1, 2, 29, 31, 2**16, 2**28, 2**31 - 1, 2**31, 2**32 - 1)))
    return blob[:at] + size.to_bytes(4, "big") + blob[at + 4 :]


_GRAPHS = {
    "b.json": json.dumps(
        {
            "neurons": ["0", "1", "2", "3", "4"],
            "wires": [["0", "1", 2], ["1", "2"], ["2", "3"], ["3", "4", 5]],
            "layers": {"2": 1, "3": 1, "4": 2},
        }
    ).encode(),
    "c.json": json.dumps({"neurons": ["ä", "b c"], "wires": [], "box": [2, 1, 1], "blocked": []}).encode(),
    "d.graph": b"% a comment\n5 4 011\n1 2 3\n1 1 3 3 4\n1 2 4 4 1\n1 3 1 5 2\n1 4 2\n",
    "e.graph": b"3 2\n2\n1 3\n2\n",
    "f.csv": b"source,target,weight\na,b,1\nb,c,2\nc,a,3\n",
    "g.csv": b"0,1\n1,2\n2,0\n",
    "h.dat": b"4\n\n0 1 1 2\n1 0 2 1\n1 2 0 1\n2 1 1 0\n\n0 5 2 1\n5 0 3 2\n2 3 0 4\n1 2 4 0\n",
    "i.dat": b"3\n0 1 2\n1 0 1\n2 1 0\n0 0 1\n0 0 7\n1 7 0\n",
}


def shorten_bounds() -> None:
    """Let this process solve the relaxation behind a lower bound in 5 rounds, as in 400 the code is the same."""
    from netgen.place.bounds import relaxation

    relaxation.ROUNDS = relaxation.MANY_ROUNDS = 5


_SMALL = 12
"""Neurons of a graph that is placed as well."""
_SITES = 64
"""Sites of a box in which it is placed."""


class Graphs(Kind):
    """Graphs of the four formats: read, and placed when they are small."""

    def __init__(self, home: Path) -> None:  # noqa: ARG002
        files = {"a.json": (ROOT / "specs" / "graph.json").read_bytes(), **_GRAPHS}
        self.files = list(files.items())
        self.seeds = len(self.files)
        shorten_bounds()
        self._compile()

    def case(self, folder: Path, seed: int, rng: Random | None) -> Case:
        name, blob = self.files[seed]
        path = folder / name
        if rng is not None:
            other = pick(rng, self.files)[1]
            blob = (mutated_json if name.endswith("json") else mutated)(blob, rng, other)
        path.write_bytes(blob)
        _misplaced(path, rng)
        return Case(lambda: self._place(path), (str(path), "site", "neuron"))

    @staticmethod
    def _compile() -> None:
        """Compile the kernels for long weights, 5 s where no cache has them; the seeds compile all others."""
        from netgen.graph import graph_of, place_graph

        place_graph(graph_of(3, [(0, 1, 2**31 - 1), (1, 2, 1)]), moves=200, seed=1)

    def _place(self, path: Path) -> None:
        from netgen.graph import grid_of, place_graph, read_graph

        graph = read_graph(path)
        assert all(line.isprintable() for line in graph.warnings), graph.warnings
        grid = grid_of(graph)
        if len(graph.names) <= _SMALL and np.prod(grid.shape, dtype=float) <= _SITES:
            placed = place_graph(graph, grid=grid, moves=200, seed=1)
            placed.to_csv().encode()
            placed.to_json().encode()
