"""All simulators: the same tests for each."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from strategies import placed, random_circuit

from netgen.circuit import Circuit, classify, evaluate
from netgen.design import Design
from netgen.errors import DataError, SimulatorError
from netgen.fixed import FixedPoint, Words
from netgen.hdl import design_of
from netgen.simulate import SIMULATORS, simulate

Tool = Callable[[str], str]

CIRCUITS = {
    "of wide ports": random_circuit((30, 6, 9), seed=11, entry=FixedPoint(7, 3, signed=True)),
    "of narrow ports": random_circuit((3, 4, 2), seed=12),
    "of ports of 33 to 64 bits": random_circuit((6, 5, 3), seed=13),
}


def designed(circuit: Circuit, *, argmax: bool = True) -> Design:
    return design_of(circuit, *placed(circuit), argmax=argmax, title="spec test")


def samples(circuit: Circuit, n: int) -> Words:
    return np.random.default_rng(5).integers(circuit.input.lo, circuit.input.hi + 1, (n, circuit.sizes[0]))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.mark.native
@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("name", CIRCUITS)
def test_every_simulator_equals_evaluate(name: str, simulator: str, cache: Path, native_tool: Tool) -> None:
    if simulator != "amaranth":
        native_tool(simulator)
    circuit = CIRCUITS[name]
    inputs = samples(circuit, 40)
    found = simulate(designed(circuit), inputs, simulator=simulator, jobs=2, cache=cache)
    assert found.scores.dtype == np.int64
    assert np.array_equal(found.scores, evaluate(circuit, inputs))
    assert found.classes is not None
    assert np.array_equal(found.classes, classify(evaluate(circuit, inputs)))


@pytest.mark.native
@pytest.mark.parametrize("simulator", SIMULATORS)
def test_no_samples_give_no_scores(simulator: str, cache: Path, native_tool: Tool) -> None:
    if simulator != "amaranth":
        native_tool(simulator)
    circuit = CIRCUITS["of narrow ports"]
    found = simulate(designed(circuit), samples(circuit, 0), simulator=simulator, cache=cache)
    assert found.scores.shape == (0, 2)
    assert found.classes is not None
    assert found.classes.shape == (0,)


@pytest.mark.native
def test_verilator_gives_the_same_on_any_number_of_jobs(cache: Path, native_tool: Tool) -> None:
    """6,000 samples are three slices."""
    native_tool("verilator")
    circuit = CIRCUITS["of narrow ports"]
    inputs = samples(circuit, 6000)
    heard: list[tuple[str, float]] = []
    for jobs in (1, 3):
        found = simulate(
            designed(circuit), inputs, jobs=jobs, cache=cache, progress=lambda what, part: heard.append((what, part))
        )
        assert np.array_equal(found.scores, evaluate(circuit, inputs))
    assert heard[-1] == ("simulate", 1.0)


@pytest.mark.native
def test_verilator_builds_once_per_design(cache: Path, native_tool: Tool) -> None:
    native_tool("verilator")
    circuit = CIRCUITS["of narrow ports"]
    simulate(designed(circuit), samples(circuit, 2), cache=cache)
    heard: set[str] = set()
    simulate(designed(circuit), samples(circuit, 2), cache=cache, progress=lambda what, _: heard.add(what))
    assert heard == {"simulate"}
    assert not list(cache.glob("building-*"))


@pytest.mark.native
def test_verilator_runs_the_verilog_text_itself(tmp_path: Path, native_tool: Tool) -> None:
    """A text that Verilator cannot read fails in one line, and leaves nothing behind."""
    native_tool("verilator")
    circuit = CIRCUITS["of narrow ports"]
    broken = replace(designed(circuit), verilog="module top; wire x = ; endmodule\n")
    with pytest.raises(
        SimulatorError, match=r"^verilator failed: %Error: top\.v:1:.*; mend it or use --simulator amaranth$"
    ):
        simulate(broken, samples(circuit, 2), cache=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_missing_verilator_is_one_line_with_two_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    circuit = CIRCUITS["of narrow ports"]
    with pytest.raises(SimulatorError) as caught:
        simulate(designed(circuit), samples(circuit, 2), simulator="verilator")
    assert str(caught.value) == (
        "verilator not found; install it (Debian: apt-get install verilator) or use --simulator amaranth"
    )


def test_an_unknown_simulator_is_refused_with_the_known_ones() -> None:
    circuit = CIRCUITS["of narrow ports"]
    with pytest.raises(SimulatorError, match=r"^simulator 'modelsim'; use one of amaranth, verilator$"):
        simulate(designed(circuit), samples(circuit, 2), simulator="modelsim")


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_words_outside_the_input_format_are_refused(simulator: str) -> None:
    circuit = CIRCUITS["of narrow ports"]
    with pytest.raises(DataError, match=r"^input words from 0 to 256 do not fit u8\.4; encode them$"):
        simulate(designed(circuit), np.array([[0, 256, 0]]), simulator=simulator)
