"""The file of a circuit: exact, and one line for whatever is wrong in it."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from strategies import TWO_LAYERS, circuits

from netgen.errors import BuildError
from netgen.ir.circuit import Circuit
from netgen.ir.circuit_file import from_json, to_json


@given(circuits())
def test_json_brings_back_the_same_circuit(circuit: Circuit) -> None:
    again = from_json(to_json(circuit))
    assert to_json(again) == to_json(circuit)
    assert again.input == circuit.input
    for new, old in zip(again.layers, circuit.layers, strict=True):
        assert np.array_equal(new.weight, old.weight)
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
WRONG: list[tuple[str, str]] = [
    ("", "line 1, column 1: Expecting value"),
    ("{}", "circuit: key 'input' is missing"),
    ("[]", "circuit: [] is no object"),
    ("null", "circuit: None is no object"),
    ("[" * 5000, "more than 100 brackets are open at once"),
    (to_json(TWO_LAYERS)[:-20], "line 13, column 35: Expecting ',' delimiter"),
    (_changed(["more"], 1), "circuit: unknown key 'more'"),
    (_changed(["layers"], []), "a circuit without layers; give it at least one"),
    (_changed(["layers"], 7), "layers: 7 is no list"),
    (_changed(["layers", 0], None), "layers[0]: None is no object"),
    (_changed(["layers", 0, "output"], REMOVED), "layers[0]: key 'output' is missing"),
    (_changed(["layers", 0, "neurons"], []), "layers[1].n_in: 2, but 0 words enter"),
    (
        _changed(["layers", 0, "output"], None),
        "layers do not chain: each but the last needs an output format and equal sizes",
    ),
    (_changed(["layers", 0, "n_in"], 10**13), "layers[0].n_in: 10000000000000, but 2 words enter"),
    (_changed(["layers", 0, "n_in"], 2.0), "layers[0].n_in: 2.0, but 2 words enter"),
    (_changed(["layers", 0, "activation"], "tanh"), "layers[0].activation: 'tanh' is no activation"),
    (_changed(["layers", 0, "activation"], []), "layers[0].activation: [] is no activation"),
    (
        _changed(["layers", 0, "weight_format", "width"], 0),
        "layers[0].weight_format.width: 0 is not within 1 to 62",
    ),
    (_changed(["layers", 0, "weight_format", "width"], 2), "weights from -2 to 3 do not fit s2.1; widen the weights"),
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
        "layer 1: accumulators could pass 2**60; narrow its weights or inputs",
    ),
    (_changed([*NEURON, "weights"], [3]), "layers[0].neurons[0].weights: [3] is no object"),
    (_changed([*NEURON, "weights"], {"2": 1}), "layers[0].neurons[0].weights: '2' is none of 2 inputs"),
    (_changed([*NEURON, "weights"], {"-1": 1}), "layers[0].neurons[0].weights: '-1' is none of 2 inputs"),
    (_changed([*NEURON, "weights"], {"01": 1}), "layers[0].neurons[0].weights: '01' is none of 2 inputs"),
    (_changed([*NEURON, "weights"], {"\u0661": 1}), "layers[0].neurons[0].weights: '\u0661' is none of 2 inputs"),
    (_changed([*NEURON, "weights"], {"0": 1.5}), "layers[0].neurons[0].weights: 1.5 is no integer"),
    (_changed(["input_scale"], [1.0]), "layers[0].n_in: 2, but 1 words enter"),
    (_changed(["input_scale"], [1.0, -1.0]), "input_scale: every factor must be positive and finite"),
    (_changed(["input_scale"], [1.0, "1"]), "input_scale[1]: '1' is no number"),
    (_changed(["input_scale"], [1.0, float("inf")]), "Infinity is no finite number"),
    (_changed(["input", "width"], "4"), "input.width: '4' is no integer"),
    (_changed(["thresholds"], [1, 1]), "layers[0].n_in: 2, but 4 words enter"),
    (_changed(["thresholds"], [8]), "thresholds (8,) do not rise within s4.2; write each once"),
]


@pytest.mark.parametrize(("text", "line"), WRONG, ids=[line for _, line in WRONG])
def test_a_damaged_circuit_is_one_line_with_the_place_and_what_is_wrong(text: str, line: str) -> None:
    with pytest.raises(BuildError) as caught:
        from_json(text)
    assert str(caught.value) == f"not a circuit: {line}; build it again"


def test_a_small_text_that_claims_a_large_circuit_is_refused_before_memory_is_used() -> None:
    """6,000 inputs and 6,000 neurons without a single weight: 36,000,000 entries, 288 MB of zeros."""
    tree = json.loads(to_json(TWO_LAYERS))
    tree["input_scale"] = [1.0] * 6000
    tree["layers"][0] |= {"n_in": 6000, "neurons": [{"bias": 0, "weights": {}}] * 6000}
    tree["layers"][1]["n_in"] = 6000
    with pytest.raises(BuildError) as caught:
        from_json(json.dumps(tree))
    assert str(caught.value) == (
        "not a circuit: layers: 36,006,000 weights, zeros included; at most 30,000,000 fit in memory; build it again"
    )
