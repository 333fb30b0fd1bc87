"""netgen.report.build and text: a report as one value, as JSON and in the terminal."""

import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from report_samples import check_report, placements, random_netlist, sample_report
from rich.console import Console

from netgen.errors import BuildError
from netgen.ir.chain import ChainLayer, chain
from netgen.ir.circuit import Circuit, CircuitLayer
from netgen.ir.circuit_head import CircuitHead
from netgen.ir.dense import DenseLayer, DenseNetwork
from netgen.ir.fixed import FixedPoint
from netgen.ir.imported import ImportReport
from netgen.lower import lower
from netgen.operators.design import Design
from netgen.operators.schedule import Schedule
from netgen.report.agreement import Difference
from netgen.report.build import BuildReport, LayerFormats, ModulePort, build_report, formats_of, from_json, to_json
from netgen.report.text import render
from netgen.version import __version__

NETLIST = random_netlist((784, 300, 100, 10), 13_310, seed=1)
BEFORE, AFTER = placements(NETLIST, seed=2)
INPUT = "the raw feature, limited to 0 to 7; the network reads the number word / 1"
REPORT = sample_report(NETLIST, BEFORE, AFTER, name="mnist")


def test_a_build_report_gathers_sizes_widths_and_ports() -> None:
    """One layer, 2 inputs u3.0, weights (3, -2) in s3.1, bias -4.

    Accumulator: 3 * [0, 7] - 2 * [0, 7] - 4 = [-18, 17], 6 bits signed; bias -4 takes 3 bits. Input payload 2 * 3 bits,
    output payload one score of 6 bits and a class of 1 bit.
    """
    layer = ChainLayer(np.array([[3, -2]]), np.array([-4]), FixedPoint(3, 1, signed=True), "identity", None)
    circuit = chain(FixedPoint(3, 0, signed=False), np.ones(2), (layer,))
    component: Any = None
    graph = lower(circuit, argmax=True)
    design = Design(circuit, graph, Schedule((0,) * len(graph.operators), 2), circuit.score_format, 1, component, "")
    network = DenseNetwork((DenseLayer(np.ones((1, 2)), np.zeros(1), np.array([[True, False]]), "identity"),))
    report = build_report(
        name="tiny",
        warnings=("prune: lost",),
        origin=REPORT.origin,
        network=network,
        design=design,
        dense_accuracy=0.5,
        pruned_accuracy=0.25,
        circuit_accuracy=0.125,
        wires=REPORT.wires,
        logic=REPORT.logic,
        check=REPORT.check,
    )
    assert (report.sizes, report.weights_total, report.weights_left, report.latency) == ((2, 1), 2, 1, 2)
    assert (report.name, report.netgen) == ("tiny", __version__)
    assert (report.warnings, report.origin, report.input_word) == (("prune: lost",), REPORT.origin, INPUT)
    assert (report.dense_accuracy, report.pruned_accuracy, report.circuit_accuracy) == (0.5, 0.25, 0.125)
    assert (report.input, report.score) == (FixedPoint(3, 0, signed=False), FixedPoint(6, 1, signed=True))
    assert report.formats == (
        LayerFormats(1, "identity", (report.input,), FixedPoint(3, 1, signed=True), 3, (6, 6), report.score),
    )
    assert ModulePort("i_payload", "input", 6) in report.ports
    assert ModulePort("o_payload", "output", 7) in report.ports


def test_each_layer_is_shown_with_the_formats_of_the_words_that_it_reads() -> None:
    """`two` reads the input beside `one`, `three` reads `one` alone.

    Words of `two` are x + y for x in u3.0 and y in s4.1, which count halves: 2 * [0, 7] + [-8, 7] = [-8, 21], s6.1.
    """
    form, rows, half, none = FixedPoint(4, 1, signed=True), np.array([0, 1]), np.array(0.5), np.array(0.0)
    circuit = Circuit(
        FixedPoint(3, 0, signed=False),
        np.ones(1),
        (
            CircuitLayer("one", rows, np.array([0]), np.array([5]), np.array([-9]), 1, output=form),
            CircuitLayer("two", np.array([0, 2]), np.array([0, 1]), np.array([2, 1]), np.array([0]), 1),
            CircuitLayer("three", rows, np.array([1]), np.array([1]), np.array([0]), 1),
        ),
        outputs=(CircuitHead("a", np.array([2]), half, none), CircuitHead("b", np.array([3]), half, none)),
    )
    rows_of = [(row.inputs, row.output) for row in formats_of(circuit)]
    assert rows_of == [
        ((circuit.input,), form),
        ((circuit.input, form), FixedPoint(6, 1, signed=True)),
        ((form,), form),
    ]


def test_a_network_that_was_read_is_counted_and_no_chain_is_claimed() -> None:
    read = replace(REPORT, imported=ImportReport("module Net", "PyTorch", 0.0, 1))
    assert "784 inputs, 3 layers, 410 neurons" in str(read)
    assert "784-300-100-10" in str(REPORT)


def test_a_report_survives_json_exactly() -> None:
    different = replace(REPORT, check=replace(check_report(), difference=Difference(3, None, 1, -2, "pysim")))
    for report in (REPORT, different):
        assert from_json(to_json(report)) == report
    assert to_json(from_json(to_json(REPORT))) == to_json(REPORT)


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("check", "samples"), None, "report.check: key 'samples' is missing; build it again"),
        (("wires", "layers", 1, "mean"), None, "report.wires.layers[1]: key 'mean' is missing; build it again"),
        (("extra",), 1, "report: unknown key 'extra'; build it again"),
        (("a\nb",), 1, "report: unknown key 'a\\nb'; build it again"),
        (("latency",), "4", "report.latency: '4' is no integer; build it again"),
        (("latency",), True, "report.latency: True is no integer; build it again"),
        (("sizes",), 3, "report.sizes: 3 is no list; build it again"),
        (("wires", "shape"), [3, 3], "report.wires.shape: 2 values instead of 3; build it again"),
        (
            ("latency",),
            10**30,
            f"report.latency: {10**30} is not within {-(2**63)} to {2**63 - 1}; build it again",
        ),
        (("warnings",), ["a", 2], "report.warnings[1]: 2 is no text; build it again"),
        (
            ("check", "error"),
            [1.5, "x" * 500],
            f"report.check.error[1]: '{'x' * 17}...{'x' * 18}' is no number; build it again",
        ),
        (("weights_total",), 0, "report: weights_total 0; a network has at least one weight"),
        (("check", "error"), [], "report.check: 0 errors and 3 bounds; need one of each per output"),
        (("check", "saturated"), [1], "report.check: 1 layers saturate, of 3; need a number per layer"),
        (("check",), None, "report: key 'check' is missing; build it again"),
        (("wires", "layers"), [[]], "report.wires.layers[0]: [] is no object; build it again"),
        (("score",), [1], "report.score: [1] is no object; build it again"),
        (("score", "width"), 0, "report.score: width 0 of a fixed-point format; use 1 to 62"),
    ],
)
def test_a_damaged_report_is_one_line_that_names_the_key(keys: tuple[Any, ...], value: Any, message: str) -> None:
    tree = json.loads(to_json(REPORT))
    inside = tree
    for key in keys[:-1]:
        inside = inside[key]
    if value is None:
        del inside[keys[-1]]
    else:
        inside[keys[-1]] = value
    with pytest.raises(BuildError) as caught:
        from_json(json.dumps(tree))
    assert str(caught.value) == message


def test_text_that_is_no_json_is_one_line() -> None:
    with pytest.raises(BuildError, match=r"^line 7, column 11: Unterminated string .*; build it again$"):
        from_json(to_json(REPORT)[:100])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "more than 100 brackets"),
        ('{"name": "a", "name": "b"}', "key 'name' stands twice"),
        ('{"dense_accuracy": NaN}', "NaN is no finite number"),
        ('{"latency": ' + "9" * 5_000 + "}", "digits"),
        ("[]", "report: [] is no object"),
        ("", "line 1, column 1: Expecting value"),
    ],
)
def test_json_that_no_report_is_written_as_is_one_line(text: str, message: str) -> None:
    with pytest.raises(BuildError) as caught:
        from_json(text)
    assert message in str(caught.value)
    assert str(caught.value).endswith("; build it again")
    assert len(str(caught.value)) < 200
    assert "\n" not in str(caught.value)


def printed(report: BuildReport, width: int) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width).print(render(report))
    return stream.getvalue()


def test_piped_text_fits_80_columns_whole_and_without_colour() -> None:
    text = printed(REPORT, 80)
    assert "\x1b" not in text
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    wires = REPORT.wires
    last = wires.layers[-1]
    rows = [line.split() for line in text.splitlines()]
    for before, after, bits in [(w.before, w.total, w.bits) for w in wires.layers] + [
        (wires.before, wires.total, wires.bits)
    ]:
        assert any({f"{before:,}", f"{after:,}", f"{bits:,}"} <= set(row) for row in rows)
    assert [str(last.layer), f"{last.wires:,}"] in [r[:2] for r in rows]


def test_text_says_what_was_checked() -> None:
    text = printed(REPORT, 80)
    assert "agreement: exact (10,000 samples, verilator)" in text
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "accuracy (validation) 98.23 % dense float network, as trained" in lines
    assert "accuracy (validation) 98.17 % pruned float network" in lines
    assert "accuracy (validation) 98.08 % circuit in integers" in lines
    assert "accuracy (test) 98.48 % float network after quantization-aware training" in lines
    assert "accuracy (test) 98.43 % quantized PyTorch" in lines
    assert "accuracy (test) 98.43 % hardware, simulated" in lines
    assert "saturated inputs 31 of 7,840,000 input values" in lines
    assert "saturated words 12 of 4,100,000 words that layers computed" in lines


def test_text_says_what_was_built_from_which_data_and_for_which_fpga() -> None:
    words = " ".join(printed(REPORT, 80).split())
    assert "latency 4 clock cycles" in words
    assert "LUT estimate 11,000 look-up tables with 6 inputs (AMD UltraScale+), before synthesis" in words
    assert "proved neurons 410 have the same words as in the circuit, for all inputs (13,310 weights)" in words
    assert "data set mnist read by loader idx; SHA-256 0123456789ab" in words
    assert "samples 54,000 for training, 6,000 for validation, 10,000 for test; 784 features, 10 classes" in words
    assert "u8.8 is the raw feature, limited to 0 to 255; the network reads the number word / 256" in words
    assert "seed 7 of all random choices" in words


def test_warnings_stand_before_everything_but_the_name() -> None:
    lines = printed(replace(REPORT, warnings=("prune: fell", "check: saturate")), 80).splitlines()
    assert [line.rstrip() for line in lines[1:3]] == ["warning: prune: fell", "warning: check: saturate"]
    assert "warning" not in printed(REPORT, 80)


def test_text_of_a_failed_check_names_the_difference() -> None:
    failed = replace(check_report(), difference=Difference(17, 3, 5, -12, "verilator"), bound=(0.1, 0.1, 0.1))
    text = printed(replace(REPORT, check=failed), 100)
    assert "agreement: sample 17, output 3: expected 5 (evaluate), found -12 (verilator)" in text
    assert "0.75 at output 1, hardware against float; BEYOND the proved bound of 0.1" in text
