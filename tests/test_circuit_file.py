"""The file of a circuit: exact, and one line for whatever is wrong in it."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from strategies import TWO_LAYERS, circuits

from netgen.errors import BuildError
from netgen.ir.activation import Rescale, Scale, StepFunction, Steps
from netgen.ir.circuit import Circuit, CircuitHead, CircuitLayer, evaluate
from netgen.ir.circuit_file import from_json, to_json
from netgen.ir.fixed import FixedPoint
from netgen.ir.input_rounding import InputRounding


@given(circuits())
def test_json_brings_back_the_same_circuit(circuit: Circuit) -> None:
    again = from_json(to_json(circuit))
    assert to_json(again) == to_json(circuit)
    assert again.input == circuit.input
    for new, old in zip(again.layers, circuit.layers, strict=True):
        for name in ("starts", "source", "weight"):
            assert np.array_equal(getattr(new, name), getattr(old, name))
        assert np.array_equal(new.bias, old.bias)
        assert (new.weight_format, new.activation, new.output) == (old.weight_format, old.activation, old.output)


REMOVED = object()


def _changed(path: list[str | int], value: object) -> str:
    tree: Any = json.loads(to_json(TWO_LAYERS))
    place = tree
    for step in path[:-1]:
        place = place[step]
    if value is REMOVED:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return json.dumps(tree)


NEURON: list[str | int] = ["layers", 0, "neurons", 0]
TWICE = {"at": [1, 1], "value": [1, 2, 3]}
WRONG: list[tuple[str, str]] = [
    ("", "line 1, column 1: Expecting value"),
    ("{}", "circuit: key 'version' is missing"),
    ("[]", "circuit: [] is no object"),
    ("null", "circuit: None is no object"),
    ("[" * 5000, "more than 100 brackets are open at once"),
    (to_json(TWO_LAYERS)[:-20], "line 20, column 97: Unterminated string starting at"),
    (_changed(["version"], 1), "version: 1 is not within 2 to 2"),
    (_changed(["more"], 1), "circuit: unknown key 'more'"),
    (_changed(["layers"], []), "a circuit without layers; give it at least one"),
    (_changed(["layers"], 7), "layers: 7 is no list"),
    (_changed(["layers", 0], None), "layers[0]: None is no object"),
    (_changed(["layers", 0, "output"], REMOVED), "layers[0]: key 'output' is missing"),
    (
        _changed(["layers", 0, "neurons"], []),
        "layer 1: starts (1,), source (0,), weight (0,) and bias (0,) do not match",
    ),
    (_changed(["layers", 1, "name"], "1"), "two layers named '1'; every name must be unique"),
    (_changed(["layers", 1, "name"], 1), "layers[1].name: 1 is no text"),
    (_changed(["layers", 0, "gather"], "mean"), "layers[0].gather: 'mean' is none of sum, max, select, table"),
    (
        _changed(["layers", 0, "activation", "kind"], "tanh"),
        "layers[0].activation.kind: 'tanh' is none of rescale, scale, steps",
    ),
    (_changed(["layers", 0, "activation"], []), "layers[0].activation: [] is no object"),
    (
        _changed(["layers", 0, "activation", "rounding"], "odd"),
        "layers[0].activation.rounding: 'odd' is none of up, even",
    ),
    (
        _changed(["layers", 0, "activation", "hi"], -1),
        "an activation from 0 to -1; its least value must not be above its greatest",
    ),
    (
        _changed(["layers", 0, "activation"], {"kind": "steps", "function": [0, 1], "functions": []}),
        "neurons name a step function that is none of 0",
    ),
    (
        _changed(
            ["layers", 0, "activation"],
            {"kind": "steps", "function": [0], "functions": [{"at": [1, 1], "value": [1, 2, 3]}]},
        ),
        "the breaks of a step function do not rise; write each once, in ascending order",
    ),
    (
        _changed(["layers", 0, "activation"], {"kind": "scale", "multiplier": [3], "offset": [0], "shift": 1}),
        "a multiplication for (1,) neurons, of 2, shift 1",
    ),
    (
        _changed(["layers", 0, "weight_format", "width"], 0),
        "layers[0].weight_format.width: 0 is not within 1 to 62",
    ),
    (
        _changed(["layers", 0, "weight_format", "width"], 2),
        "layer 1: weights from -2 to 3 do not fit s2.1; widen the weights",
    ),
    (
        _changed(["layers", 0, "weight_format", "frac"], 10**12),
        "layers[0].weight_format.frac: 1000000000000 is not within -1000 to 1000",
    ),
    (
        _changed(["layers", 0, "weight_format", "signed"], 1),
        "layers[0].weight_format.signed: 1 is neither true nor false",
    ),
    (_changed([*NEURON, "bias"], 1.5), "layers[0].neurons[0].bias: 1.5 is no integer"),
    (_changed([*NEURON, "bias"], True), "layers[0].neurons[0].bias: True is no integer"),
    (
        _changed([*NEURON, "bias"], 2**70),
        "layers[0].neurons[0].bias: 1180591620717411303424 is not within -9223372036854775808 to 9223372036854775807",
    ),
    (
        _changed([*NEURON, "bias"], -(2**63)),
        "layer 1: accumulators could exceed 2^60; use narrower weights or inputs",
    ),
    (_changed([*NEURON, "weights"], [3]), "layers[0].neurons[0].weights: [3] is no object"),
    (_changed([*NEURON, "weights"], {"2": 1}), "layer 1: reads a neuron that is not before it"),
    (_changed([*NEURON, "weights"], {"1": 1, "0": 1}), "layer 1: the sources of a neuron must rise; name each once"),
    (_changed([*NEURON, "weights"], {"0": 0}), "layer 1: a weight of 0; leave such wires out"),
    (_changed([*NEURON, "weights"], {"-1": 1}), "layers[0].neurons[0].weights: '-1' is no number of a neuron"),
    (_changed([*NEURON, "weights"], {"01": 1}), "layers[0].neurons[0].weights: '01' is no number of a neuron"),
    (_changed([*NEURON, "weights"], {"\u0661": 1}), "layers[0].neurons[0].weights: '\u0661' is no number of a neuron"),
    (_changed([*NEURON, "weights"], {"0": 1.5}), "layers[0].neurons[0].weights: 1.5 is no integer"),
    (_changed(["input_scale"], [1.0, -1.0]), "input_scale: every factor must be positive and finite"),
    (_changed(["input_scale"], [1.0, "1"]), "input_scale[1]: '1' is no number"),
    (_changed(["input_scale"], [1.0, float("inf")]), "Infinity is no finite number"),
    (_changed(["input", "width"], "4"), "input.width: '4' is no integer"),
    (_changed(["thresholds"], [1, 1]), "thresholds (1, 1) do not rise within s4.2; write each once"),
    (_changed(["thresholds"], [8]), "thresholds (8,) do not rise within s4.2; write each once"),
    (_changed(["outputs", 0, "neuron"], [9]), "output scores: a neuron beyond the 5 of the circuit, or none"),
    (_changed(["outputs", 0, "shape"], [2]), "outputs[0]: 1 neurons for the shape [2], or other numbers of scales"),
    (
        _changed(["outputs", 0, "function"], "mean"),
        "outputs[0].function: 'mean' is none of none, softmax, log_softmax, argmax",
    ),
]


@pytest.mark.parametrize(("text", "line"), WRONG, ids=[line for _, line in WRONG])
def test_a_damaged_circuit_is_one_line_with_the_place_and_what_is_wrong(text: str, line: str) -> None:
    with pytest.raises(BuildError) as caught:
        from_json(text)
    assert str(caught.value) == f"not a circuit: {line}; build it again"


def test_every_kind_of_activation_gather_and_head_comes_back() -> None:
    """A maximum of two inputs, a selection, step functions, a multiplication, halves to even, two heads."""
    word, ones, zeros = FixedPoint(4, 0, signed=True), np.ones(2, dtype=np.int64), np.zeros(2, dtype=np.int64)
    top = CircuitLayer("top", np.array([0, 2]), np.array([0, 1]), ones, zeros[:1], 0, gather="max")
    functions = (StepFunction(np.array([-1, 3]), np.array([5, 0, -2])), StepFunction(np.array([]), np.array([1])))
    read = np.arange(3), np.array([0, 2])
    steps = CircuitLayer("steps", *read, ones, np.array([1, 2]), 0, Steps(functions, np.array([0, 1])))
    scale = CircuitLayer("scale", *read, ones, zeros, 0, Scale(np.array([3, -5]), np.array([8, 0]), 4))
    even = CircuitLayer("even", *read, ones, zeros, 3, Rescale(2, -8, 5, "even"), FixedPoint(3, 1, signed=True))
    heads = (
        CircuitHead("box", np.array([[3, 4]]), np.array([[0.25, 3.0]]), np.array(1.5)),
        CircuitHead("class", np.array([5, 6]), np.array(1.0), np.array(0.0), "argmax", 0),
    )
    select = CircuitLayer(
        "select", read[0] * 2, np.array([0, 1, 0, 2]), np.ones(4, dtype=np.int64), zeros, 0, gather="select"
    )
    layers = (top, steps, scale, even, select)
    rounding = InputRounding(np.array([0.5, 1.0]), -7, 6, "even", 1, single=True)
    circuit = Circuit(
        word,
        np.array([2.0, 3.0]),
        layers,
        outputs=heads,
        input_offset=np.array([0.5, 0.0]),
        input_rounding=rounding,
    )
    again = from_json(to_json(circuit))
    assert to_json(again) == to_json(circuit)
    inputs = np.array([[a, b] for a in range(-8, 8) for b in range(-8, 8)])
    assert np.array_equal(evaluate(again, inputs), evaluate(circuit, inputs))
    raw = np.random.default_rng(0).uniform(-4, 4, (100, 2))
    assert np.array_equal(again.encode(raw), circuit.encode(raw))
    assert again.heads[0].decode(np.array([[2, 3]])).tolist() == [[[2.0, 10.5]]]
