"""A cascade from data to hardware: trained, pruned, quantized, equal in every bit, and told of by its report."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import run_netgen

import netgen
from netgen.energy import EnergySettings, activity_of
from netgen.flow.built import Build
from netgen.flow.design import load_design
from netgen.flow.energy import energy_in, load_words
from netgen.flow.toggles import toggles_in
from netgen.ir.circuit import trace
from netgen.ir.grid import wire_lengths
from netgen.ir.netlist import netlist_of

CASCADE = """
network: {layers: [dense 8, exit, dense 12]}
train: {epochs: 8, batch_size: 32, learning_rate: 0.005, regularizer: distance, strength: 0.02}
prune: {rule: obs_distance, sparsity: null, wire_length: 500, rounds: 2, retrain: 3, place_moves: 10000}
quantize: {fine_tune: labels, epochs: 1}
place: {moves: 10000, certificate: false}
emit: {vectors: 4}
check: {simulator: amaranth, samples: 8}
"""


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A cascade on digits, from a spec."""
    folder = tmp_path_factory.mktemp("cascade")
    (folder / "cascade.yaml").write_text(CASCADE)
    return netgen.build(folder / "cascade.yaml", out=folder / "out")


def test_a_cascade_becomes_exact_hardware_with_one_multiplexer_for_each_class(build: Build) -> None:
    check = build.report.check
    assert check is not None
    assert check.agreement == "exact"
    assert (check.hardware_accuracy or 0) >= 0.5
    (selections,) = (layer for layer in build.circuit.layers if layer.gather == "select")
    assert len(selections) == 10


def test_the_report_counts_the_early_and_the_late_answers_by_class(build: Build) -> None:
    """Against the words of the layers: the early scores where the gate is off, those behind it where it is on."""
    found = build.report.gates
    assert found is not None
    (gate,) = found.gates
    test = load_words(build.folder)
    words = dict(
        zip((layer.name for layer in build.circuit.layers), trace(build.circuit, test.words).outputs, strict=True)
    )
    labels, on = test.labels, words[gate.layer][:, 0] > 0
    assert labels is not None
    assert 0 < on.sum() < len(on)
    early, late = (words[name].argmax(axis=1) == labels for name in ("early2", "scores"))
    assert (found.samples, gate.on, gate.off) == (360, on.sum(), (~on).sum())
    assert (gate.right_on, gate.right_off) == (late[on].sum(), early[~on].sum())
    assert [(one.label, one.samples, one.on) for one in gate.classes] == [
        (k, int((labels == k).sum()), int(on[labels == k].sum())) for k in range(10)
    ]
    length = sum(row.total for row in build.report.wires.layers)
    assert found.wire_length == length
    assert found.needed == pytest.approx(length - gate.block * float((~on).mean()))
    assert found.computed == pytest.approx(length - gate.held * float((~on).mean()))
    assert gate.block >= gate.held > length / 4


def test_the_target_of_pruning_is_compared_with_what_a_sample_needs(build: Build) -> None:
    """Which is less than 0.8 of the 500 that the spec asks for."""
    found = build.report.gates
    assert found is not None
    (line,) = (line for line in build.report.warnings if line.startswith("prune.wire_length: "))
    assert line.startswith(f"prune.wire_length: 500 is more than the {found.needed:,.0f} that the circuit has")
    assert round(found.needed) < found.wire_length


def test_what_gates_save_is_the_energy_of_the_same_wires_with_nothing_held(build: Build) -> None:
    """Against toggles with independent samples; of operators as well, since a register that holds computes nothing."""
    found, energies = build.report.gates, build.report.energy
    assert found is not None
    design = load_design(build.folder, build.spec, build.circuit)
    activity = activity_of(build.circuit, design.graph, load_words(build.folder).words)
    lengths = wire_lengths(netlist_of(build.circuit), build.placement)
    by_kind = {one.kind: one for one in found.savings}
    moved = by_kind["wires"].free + by_kind["vias"].free
    assert moved == pytest.approx((activity.wires * lengths).sum() / activity.transitions)
    held = [energies[0].amount_of(kind=kind) for kind in by_kind]
    assert [one.amount for one in by_kind.values()] == pytest.approx(held)
    assert all(one.free > one.amount for one in by_kind.values())
    again = energy_in(build.folder, ("wires",), settings=EnergySettings(pitch=20), samples=100).gates
    assert again is not None
    assert again.gates == found.gates
    assert again.stream == "100 samples, in the order given"
    for one in again.savings:
        assert one.picojoules is not None
        assert one.free_picojoules is not None
        ratios = np.array(one.free_picojoules) / np.array(one.picojoules)
        assert ratios == pytest.approx([one.free / one.amount] * 2)


@pytest.mark.native
def test_registers_of_a_trained_cascade_toggle_in_verilog_as_in_integers(
    build: Build, native_tool: Callable[[str], str]
) -> None:
    """For all test samples, of which some skip the block."""
    native_tool("iverilog")
    check = toggles_in(build.folder, check=True).check
    assert check is not None
    assert check.samples == 360
    assert check.registers > 100


def test_the_command_prints_the_gates_or_their_json(build: Build, tmp_path: Path) -> None:
    shown = run_netgen("energy", str(build.folder), "--model", "wires", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "gates: blocks that are computed for some samples only" in shown.stdout
    printed = run_netgen("energy", str(build.folder), "--model", "wires", "--json", cwd=tmp_path)
    told = json.loads((build.folder / "report.json").read_text())["gates"]
    assert json.loads(printed.stdout)["gates"] == told
    assert "<h2>Gates</h2>" in (build.folder / "report.html").read_text()
