"""The whole line on the smallest spec: what it writes, that it repeats, resumes, and finds damage."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from recount import recount

import netgen
from netgen.errors import BuildError, CheckError, NetgenError
from netgen.flow.build import STAGES
from netgen.flow.built import load_build
from netgen.flow.files import read_network, write_network
from netgen.flow.folder import load_circuit
from netgen.flow.stage import Work
from netgen.flow.store import Store
from netgen.flow.verify import recheck
from netgen.ir.chain import chain_layers
from netgen.ir.dense import DenseNetwork
from netgen.spec.spec import parse_spec

SMALL = """
network: {hidden: [12, 8]}
train: {epochs: 6, batch_size: 32, learning_rate: 0.005}
prune: {sparsity: 0.7, rounds: 2, retrain: 4}
quantize: {input_width: 5, weight_width: 5, activation_width: 4, epochs: 3}
place: {moves: 20000, certificate: false}
emit: {argmax: true, vectors: 4}
check: {simulator: amaranth, samples: 8}
"""


def _build(folder: Path, text: str = SMALL, name: str = "small") -> netgen.Build:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(text)
    return netgen.build(folder / f"{name}.yaml", out=folder / "out")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> netgen.Build:
    return _build(tmp_path_factory.mktemp("flow"))


def test_a_check_proves_the_operators_again(small: netgen.Build, tmp_path: Path) -> None:
    """One shift of one operator is one more: the same Verilog, but no proof of it."""
    folder = Path(shutil.copytree(small.folder, tmp_path / "small"))
    lines = (folder / "operators.json").read_text().splitlines()
    number = next(k for k, line in enumerate(lines) if line.startswith('["add"'))
    kind, sources, left, *rest = json.loads(lines[number].rstrip(","))
    comma = "," * lines[number].endswith(",")
    lines[number] = json.dumps([kind, sources, [left[0] + 1, left[1]], *rest], separators=(",", ":")) + comma
    (folder / "operators.json").write_text("\n".join(lines) + "\n")
    with pytest.raises(CheckError, match=r"operators\.json: not those of circuit\.json \(.*\); build it again$"):
        recheck(folder)


@pytest.fixture
def copy(small: netgen.Build, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small.folder, tmp_path / "small"))


@pytest.fixture
def built_here(small: netgen.Build, tmp_path: Path) -> Path:
    """A copy of the build where `_build(tmp_path)` finds it."""
    return Path(shutil.copytree(small.folder, tmp_path / "out" / "small"))


def test_a_build_is_exact_and_within_the_bound(small: netgen.Build) -> None:
    check = small.report.check
    assert check.agreement == "exact"
    assert check.samples == 8
    assert all(0 <= error <= bound for error, bound in zip(check.error, check.bound, strict=True))


BITS = """
data: {thresholds: [0.25, 0.6]}
network: {hidden: [60]}
train: {epochs: 6, batch_size: 32, learning_rate: 0.005}
prune: {sparsity: null, fan_in: [6, 15], rounds: 3, retrain: 8}
quantize: {input_width: 4, weight_width: [6, 3], weight_digits: [8, 1], activation_width: 1, from_start: true}
place: {moves: 20000, certificate: false}
emit: {argmax: true, vectors: 4}
check: {simulator: amaranth, samples: 8}
"""


def test_a_network_of_single_bits_is_exact_and_its_neurons_are_tables(tmp_path: Path) -> None:
    """Two bits a pixel, neurons that read six of them and give one: each is one look-up table of 64 bits at most."""
    build = _build(tmp_path, BITS)
    report = build.report
    assert report.check.agreement == "exact"
    assert report.sizes == (128, 60, 10)
    hidden = build.circuit.layers[0]
    assert np.diff(hidden.starts).max() <= 6
    assert report.logic.cost.tables == int((np.diff(hidden.starts) > 0).sum()) > 30
    assert set(np.abs(build.circuit.layers[1].weight).tolist()) <= {1, 2, 4}, "powers of two"
    inputs = build.circuit.input.encode(np.linspace(0, 1, 64)[None])
    assert set(build.circuit.coded(inputs).ravel().tolist()) == {0, 1}
    verilog = (build.folder / "top.v").read_text()
    assert verilog.count("= table") >= report.logic.cost.tables
    rows = [(row.wires, row.total, row.longest, row.bits) for row in report.wires.layers]
    assert rows == recount(build.folder)


JOINT = SMALL.replace(
    "prune: {sparsity: 0.7, rounds: 2, retrain: 4}",
    "prune: {rule: obd_distance, schedule: gradual, sparsity: null, wire_length: 500, rounds: 3, retrain: 2, "
    "place_moves: 2000, regrow: 0.1, distill: 0.3}\naugment: {copies: 2}",
).replace("train: {", "train: {regularizer: distance, strength: 0.01, ")


def test_a_joint_build_counts_every_wire_that_pruning_leaves_and_repeats(tmp_path: Path) -> None:
    """Weights left by pruning that did not round to zero are the report's wires; two builds give equal bytes."""
    one, two = (_build(tmp_path / name, JOINT) for name in ("one", "two"))
    left = [layer.mask for layer in read_network(one.folder / "network.npz").layers]
    rounded = [layer.weight != 0 for layer in chain_layers(one.circuit)]
    assert all(not (wire & ~mask).any() for wire, mask in zip(rounded, left, strict=True))
    assert sum(int(wire.sum()) for wire in rounded) == one.report.wires.wires == one.netlist.wires
    assert one.report.wires.total <= 1.1 * 500
    for name in ("top.v", "placement.csv", "circuit.json"):
        assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes()


def test_an_independent_recount_agrees_with_the_report(small: netgen.Build) -> None:
    rows = [(row.wires, row.total, row.longest, row.bits) for row in small.report.wires.layers]
    assert rows == recount(small.folder)
    assert sum(row[0] for row in rows) > 100


def test_the_recount_script_runs_alone(small: netgen.Build) -> None:
    script = Path(__file__).parent / "recount.py"
    result = subprocess.run(
        [sys.executable, str(script), str(small.folder)], capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines()[-1] == f"sum: {small.report.wires.wires} wires, {small.report.wires.total} long"


def test_every_wire_of_the_report_is_in_the_verilog_netlist_and_no_other(small: netgen.Build) -> None:
    """The circuit's non-zero weights, the netlist's wires and the report's count are one number."""
    nonzero = small.circuit.wires
    assert nonzero == small.netlist.wires == small.report.wires.wires
    proof = json.loads((small.folder / "proof.json").read_text())
    assert proof["weights"] == nonzero
    assert proof["neurons"] == sum(small.circuit.sizes[1:])
    verilog = (small.folder / "top.v").read_text()
    words = re.findall(r'\(\* site = "(\d+,\d+,\d+)" \*\) wire .* (n\d+_\d+);', verilog)
    sites = [",".join(map(str, site)) for site in small.placement.site.tolist()]
    assert sorted(words) == sorted(zip(sites, small.netlist.names, strict=True))


def test_the_same_spec_gives_the_same_bytes(small: netgen.Build, tmp_path: Path) -> None:
    again = _build(tmp_path)
    for name in (
        *("top.v", "placement.csv", "circuit.json", "operators.json", "proof.json"),
        *("report.json", "report.html", "placement.png"),
    ):
        assert (again.folder / name).read_bytes() == (small.folder / name).read_bytes(), name


def _times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir() if path.is_file()}


def test_a_second_build_makes_nothing_again_and_a_changed_key_only_what_depends_on_it(
    built_here: Path, tmp_path: Path
) -> None:
    folder = built_here
    before = _times(folder)
    _build(tmp_path)
    assert {n for n, t in _times(folder).items() if t != before[n]} <= {".lock"}
    _build(tmp_path, SMALL.replace("moves: 20000", "moves: 30000"))
    changed = {name for name, moment in _times(folder).items() if moment != before.get(name)}
    assert "placement.csv" in changed
    assert not changed & {"dense.npz", "pruned.npz", "network.npz", "circuit.json", "operators.json"}
    before = _times(folder)
    again = _build(
        tmp_path, SMALL.replace("20000", "30000").replace("emit: {", "emit: {sharing: csd, pipeline: none, ")
    )
    changed = {name for name, moment in _times(folder).items() if moment != before.get(name)}
    assert changed >= {"operators.json", "proof.json", "top.v", "check.json", "report.json"}
    assert not changed & {"dense.npz", "pruned.npz", "network.npz", "circuit.json", "placement.csv", "certificate.json"}
    assert (again.report.latency, again.report.check.agreement) == (0, "exact")


STALE = {
    "prune": ["train: {strength: 0.5, regularizer: l1}", "augment: {copies: 1}", "seed: 2", "data: {validation: 0.3}"],
    "quantize": ["train: {batch_size: 7}", "prune: {place_moves: 7}", "augment: {copies: 1}", "data: {test: 0.3}"],
    "measure": ["data: {validation: 0.3}", "seed: 2"],
    "place": ["seed: 2", "place: {slack: 3.0}"],
    "lower": ["emit: {tables: 5}"],
    "certify": ["place: {certificate: false}", "place: {pitch: [1, 1, 9]}", "place: {grid: [9, 9, 9]}"],
    "emit": ["seed: 2", "data: {test: 0.3}", "name: other", "place: {pitch: [1, 1, 9]}", "place: {grid: [9, 9, 9]}"],
    "check": ["data: {test: 0.3}", "check: {samples: 3}"],
}


@pytest.mark.parametrize("name", STALE)
def test_a_stage_depends_on_every_key_that_it_reads_whatever_earlier_stages_leave(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `epochs: 0`, say, no earlier file changes with the seed; the stages that draw by it still do."""
    monkeypatch.setattr(Store, "digest", lambda *_: "the same")
    (stage,) = (stage for stage in STAGES if stage.name == name)
    plain = stage.depends(Work(parse_spec(""), Store(tmp_path), tmp_path))
    for text in STALE[name]:
        assert stage.depends(Work(parse_spec(text), Store(tmp_path), tmp_path)) != plain, text


def test_a_changed_regularizer_prunes_again_though_it_leaves_dense_training_as_it_was(tmp_path: Path) -> None:
    text = SMALL.replace("train: {", "train: {regularizer: l1, strength: 0.01, ")
    (tmp_path / "a.yaml").write_text(text)
    (tmp_path / "b.yaml").write_text(text.replace("0.01", "0.3"))
    one = netgen.build(tmp_path / "a.yaml", out=tmp_path / "one", until="prune").folder
    fresh = netgen.build(tmp_path / "b.yaml", out=tmp_path / "two", until="prune").folder
    assert (one / "dense.npz").read_bytes() == (fresh / "dense.npz").read_bytes()
    (tmp_path / "a.yaml").write_text(text.replace("0.01", "0.3"))
    netgen.build(tmp_path / "a.yaml", out=tmp_path / "one", until="prune")
    assert (one / "pruned.npz").read_bytes() == (fresh / "pruned.npz").read_bytes()


def test_a_build_ends_with_the_stage_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALL)
    build = netgen.build(tmp_path / "small.yaml", out=tmp_path, until="place")
    assert build.placement.site.shape == (build.netlist.neurons, 3)
    assert not (build.folder / "operators.json").exists()
    with pytest.raises(BuildError, match=r"report\.json: not found; run netgen build first$"):
        _ = build.report
    with pytest.raises(BuildError, match=r"^until: no stage 'plaice'; choose one of train, prune, quantize, measure, "):
        netgen.build(tmp_path / "small.yaml", out=tmp_path, until="plaice")


def test_a_build_that_is_killed_goes_on_and_ends_alike(small: netgen.Build, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALL)
    command = [sys.executable, "-m", "netgen", "build", "small.yaml", "--out", "out"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not (tmp_path / "out/small/dense.npz").exists():
            assert process.poll() is None, "the build ended before it could be killed"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "out/small/report.json").exists()
    again = _build(tmp_path)
    for name in ("top.v", "placement.csv", "circuit.json", "report.json"):
        assert (again.folder / name).read_bytes() == (small.folder / name).read_bytes(), name


def test_a_damaged_stage_file_is_made_again(small: netgen.Build, built_here: Path, tmp_path: Path) -> None:
    (built_here / "pruned.npz").write_bytes(b"damaged")
    (built_here / "placement.csv").write_text("damaged")
    _build(tmp_path)
    assert (built_here / "placement.csv").read_bytes() == (small.folder / "placement.csv").read_bytes()


def test_a_weight_changed_in_the_circuit_is_found_and_named(copy: Path) -> None:
    tree = json.loads((copy / "circuit.json").read_text())
    neuron = next(n for n in tree["layers"][-1]["neurons"] if n["weights"])
    source = next(iter(neuron["weights"]))
    neuron["weights"][source] += 1 if neuron["weights"][source] not in (-1, 15) else -2
    (copy / "circuit.json").write_text(json.dumps(tree))
    with pytest.raises(CheckError, match=r"operators\.json: not those of circuit\.json \(.*neuron n3_\d+: "):
        recheck(copy)


def test_operators_of_another_size_are_refused_before_hardware_is_made_of_them(copy: Path) -> None:
    """An input port of 2**62 words would not fit in memory."""
    text = (copy / "operators.json").read_text()
    (copy / "operators.json").write_text(text.replace('{"inputs": 64,', f'{{"inputs": {2**62},', 1))
    with pytest.raises(CheckError) as caught:
        recheck(copy)
    assert str(caught.value) == (
        f"{copy / 'operators.json'}: not those of circuit.json ({2**62} inputs, but the circuit has 64); build it again"
    )


def test_a_weight_changed_in_the_network_is_found_and_named(copy: Path) -> None:
    """By four steps, so that it rounds to another word; PyTorch then computes something else than the circuit."""
    network = read_network(copy / "network.npz")
    *before, last = network.layers
    weight = last.weight.copy()
    step = chain_layers(load_circuit(copy))[-1].weight_format.step
    place = np.unravel_index(np.abs(weight).argmax(), weight.shape)
    weight[place] -= 4 * step * np.sign(weight[place])
    write_network(copy / "network.npz", DenseNetwork((*before, replace(last, weight=weight))))
    report = recheck(copy)
    assert report.difference is not None
    assert report.difference.by == "PyTorch"


@pytest.mark.native
def test_a_sum_changed_in_the_verilog_is_found_and_named(copy: Path, native_tool: Callable[[str], str]) -> None:
    native_tool("verilator")
    text = (copy / "top.v").read_text()
    total = re.search(r"wire .* n3_\d+(?:_\d+)? = .* ([+-]) .*;", text)
    assert total is not None
    start, end = total.span(1)
    other = "-" if total[1] == "+" else "+"
    (copy / "top.v").write_text(text[:start] + other + text[end:])
    report = recheck(copy, simulator="verilator", samples="all")
    assert report.difference is not None
    assert report.difference.by == "verilator"
    assert report.samples == 360


@pytest.mark.parametrize(
    "name",
    ["circuit.json", "placement.csv", "network.npz", "operators.json", "report.json", "top.v", "spec.yaml"],
)
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_damaged_build_folder_is_an_error_and_no_crash(copy: Path, name: str, damage: str) -> None:
    path = copy / name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    if name == "top.v" and damage == "cut":
        return  # the simulator that reads it says so; tested there

    def read_all() -> None:
        load_build(copy)
        recheck(copy)

    with pytest.raises(NetgenError) as caught:
        read_all()
    assert str(copy) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_data_given_by_variable_is_found_from_the_build_folder(tmp_path: Path) -> None:
    """A build of a data file can be checked from anywhere: the folder remembers where the file lies."""
    import numpy as np

    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    x = rng.normal(size=(200, 3)) + y[:, None] * 3
    np.savez(tmp_path / "blobs.npz", x=x, y=y)
    text = SMALL.replace("network:", "data: {source: npz, path: blobs.npz}\nnetwork:").replace("input_width: 5, ", "")
    made = _build(tmp_path, text, "blobs")
    here = Path.cwd()
    os.chdir("/")
    try:
        assert recheck(made.folder).agreement == "exact"
    finally:
        os.chdir(here)
