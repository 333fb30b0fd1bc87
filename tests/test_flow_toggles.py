"""Toggles from the integers are those in a value change dump of the simulated Verilog, bit by bit."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from commands import TINY, run_netgen
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import any_circuits, designed_as, inputs_of, pipelines, random_circuit, sharings, table_bits

import netgen
from netgen.data.idx import read_idx
from netgen.energy import activity_of
from netgen.errors import CheckError, DataError
from netgen.flow.design import load_design
from netgen.flow.energy import StreamOrder, load_words
from netgen.flow.folder import load_circuit, load_operators
from netgen.flow.toggles import check_toggles, toggles_in
from netgen.ir.toggles import ToggleCheck, ToggleReport
from netgen.operators.design import Design
from netgen.operators.kinds import Constant, Hold
from netgen.operators.names import names_of
from netgen.report import record
from netgen.simulate.toggles import simulated_toggles
from netgen.spec.spec import parse_spec

pytestmark = pytest.mark.native

SMALL = """
network: {{hidden: {hidden}}}
train: {{epochs: 3, batch_size: 32, learning_rate: 0.01}}
prune: {{sparsity: {sparsity}, rounds: 1, retrain: 2}}
quantize: {{input_width: 8, weight_width: 5, activation_width: 5, epochs: 1}}
place: {{moves: 20000, certificate: false}}
emit: {{argmax: true, vectors: 4}}
check: {{simulator: icarus, samples: 4}}
"""
SAMPLES = 1000


@pytest.fixture(autouse=True)
def icarus(native_tool: Callable[[str], str]) -> None:
    native_tool("iverilog")


def _design(folder: Path, text: str) -> Design:
    (folder / "small.yaml").write_text(text)
    build = netgen.build(folder / "small.yaml", out=folder)
    return load_design(build.folder, build.spec, build.circuit)


def _check(design: Design, features: npt.ArrayLike) -> None:
    """Every register that the Verilog declares, but the valid bits, was compared."""
    found = check_toggles(design, design.circuit.encode(np.asarray(features, dtype=np.float64)[:SAMPLES]))
    declared = re.findall(r"^  reg (?:signed )?\[(\d+):0\] \w+;", design.verilog, flags=re.MULTILINE)
    assert (found.samples, found.registers) == (SAMPLES, len(declared))
    assert found.bits == sum(int(high) + 1 for high in declared) > 100
    assert found.toggles > 0.05 * SAMPLES * found.bits


def test_a_network_of_the_digits_toggles_as_its_simulated_verilog(tmp_path: Path) -> None:
    data = netgen.load_dataset(netgen.Spec().data, seed=1)
    _check(_design(tmp_path, SMALL.format(hidden=[8], sparsity=0.6)), data.train.features / data.scale)


def test_a_network_of_mnist_toggles_as_its_simulated_verilog(tmp_path: Path) -> None:
    """Trained with 1,500 images, which takes seconds; streamed with others."""
    if not os.environ.get("NETGEN_DATA"):
        pytest.skip("set NETGEN_DATA to the folder of data sets")
    images = read_idx(Path(os.environ["NETGEN_DATA"]) / "mnist")
    np.savez(tmp_path / "few.npz", x=images.features[:1500], y=images.labels[:1500])
    text = SMALL.format(hidden=[16], sparsity=0.97) + "data: {source: npz, path: few.npz}\n"
    assert images.test_features is not None
    _check(_design(tmp_path, text), images.test_features)


@settings(max_examples=15)
@given(st.data())
def test_every_register_and_operator_of_any_circuit_toggles_as_simulated(data: st.DataObject) -> None:
    """Whatever the pipeline, sharing and tables; the valid bits do not toggle."""
    circuit = data.draw(any_circuits())
    pipeline, steps = data.draw(pipelines())
    design = designed_as(
        circuit,
        argmax=data.draw(st.booleans()),
        sharing=data.draw(sharings()),
        pipeline=pipeline,
        steps=steps,
        long=data.draw(st.sampled_from([0, 1, 5])),
        tables=data.draw(table_bits()),
    )
    inputs = data.draw(inputs_of(circuit))
    check_toggles(design, inputs)
    activity, signals = (
        activity_of(circuit, design.graph, inputs, timing=design.timing),
        simulated_toggles(design, inputs),
    )
    for number, name in enumerate(names_of(design.graph)):
        if not isinstance(design.graph.operators[number].operation, Constant | Hold):  # a hold is a register alone
            assert signals[name].every.tolist() == activity.bits_of(number).tolist(), name
    for name in {"valid", "rst", "i_valid", "o_valid", "i_ready"} & signals.keys():
        assert not signals[name].every.any()


@pytest.fixture
def design() -> Design:
    return designed_as(random_circuit((4, 3, 2), seed=1))


def test_a_register_that_toggles_otherwise_is_named(design: Design) -> None:
    inputs = np.random.default_rng(0).integers(0, 256, (20, 4))
    line = next(line for line in design.verilog.splitlines() if "n2_0_d1 <= n2_0;" in line)
    broken = design.verilog.replace(line, line.replace("n2_0_d1 <= n2_0;", "n2_0_d1 <= n2_0 & 1;"))
    with pytest.raises(
        CheckError, match=r"^register n2_0_d1: toggles .* in integers, .*(, 0)+ in Verilog; report this"
    ):
        check_toggles(replace(design, verilog=broken), inputs)


def test_a_register_that_only_the_verilog_has_is_named(design: Design) -> None:
    more = design.verilog.replace("endmodule", "  reg more = 0;\nendmodule")
    with pytest.raises(CheckError, match=r"^register more: toggles no register in integers, 0 in Verilog; report this"):
        check_toggles(replace(design, verilog=more), np.zeros((2, 4), dtype=np.int64))


def test_two_samples_are_enough(design: Design) -> None:
    assert check_toggles(design, np.zeros((2, 4), dtype=np.int64)) == ToggleCheck(2, 5, check_bits(design), 0)


def check_bits(design: Design) -> int:
    return design.timing.registers(design.graph)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small build of digits."""
    text = TINY.replace("hidden: [6]", "hidden: [8]").replace("{rounds: 1,", "{rounds: 1, sparsity: 0.7,")
    return netgen.build(parse_spec(text + "name: tiny\n"), out=tmp_path_factory.mktemp("out")).folder


@pytest.mark.parametrize("order", ["test", "worst"])
def test_the_toggles_of_a_build_add_up_by_layer_and_are_checked(folder: Path, order: StreamOrder) -> None:
    found = toggles_in(folder, samples=30, order=order, check=True, glitches="luts" if order == "test" else None)
    circuit, graph, words = load_circuit(folder), load_operators(folder), load_words(folder).words[:30]
    activity = activity_of(circuit, graph, words, order="given" if order == "test" else "worst")
    assert [layer.words for layer in found.layers if layer.layer <= len(circuit.layers)] == [
        part.sum() for part in np.split(activity.neurons, circuit.first[:-1])
    ]
    assert sum(layer.operators for layer in found.layers) == activity.operators.sum()
    assert list(found.neurons.values()) == activity.neurons.tolist()
    assert list(found.wires.values()) == activity.wires.tolist()
    assert all(found.neurons[wire.split()[0]] == toggles for wire, toggles in found.wires.items())  # no gate holds any
    assert {name for name, toggles in found.neurons.items() if toggles} <= set(names_of(graph))
    assert found.check is not None
    assert sum(layer.registers for layer in found.layers) == found.check.toggles > 0
    assert (found.glitches is None) == (order == "worst")
    assert found.glitches is None or found.glitches.ratio > 1


def test_the_command_prints_what_the_function_finds(folder: Path) -> None:
    found = toggles_in(folder, samples=30, check=True)
    assert found.check is not None
    told = run_netgen("toggles", str(folder), "--samples", "30", "--check", "--json", "--quiet", cwd=folder)
    assert record.read(ToggleReport, told.stdout) == found
    shown = run_netgen("toggles", str(folder), "--samples", "30", "--check", cwd=folder)
    assert f"registers toggle {found.check.toggles:,} times" in " ".join(shown.stdout.split())


def test_one_sample_is_refused(folder: Path) -> None:
    with pytest.raises(DataError, match=r"^1 samples; bits toggle between two, give at least 2$"):
        toggles_in(folder, samples=1)
