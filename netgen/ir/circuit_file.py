"""Circuits as JSON text, one neuron a line: the file `circuit.json` of a build."""

import json
from itertools import pairwise
from typing import Any, get_args

import numpy as np

from netgen.errors import BuildError, QuantizeError
from netgen.ir.circuit import Circuit, CircuitLayer
from netgen.ir.dense import Activation
from netgen.ir.fixed import MAX_WIDTH, FixedPoint
from netgen.text import Fields, parse_json, shown

__all__ = ["MOST_WEIGHTS", "from_json", "to_json"]

MOST_WEIGHTS = 30_000_000
"""Entries of all weight matrices that `from_json` accepts, zeros included; int64 and the interval analysis of as many
need 1.5 GB."""
MOST_FRAC = 1000
"""Fractional bits that a file may state; float64 holds no smaller step than 2**-1074."""


def to_json(circuit: Circuit) -> str:
    """Write a circuit as JSON text that `from_json` reads back; weights of 0 are left out."""

    def one_line(value: object) -> str:
        return json.dumps(value, separators=(", ", ": "))

    layers = []
    for layer in circuit.layers:
        rows = ",\n".join(
            "    " + one_line({"bias": int(bias), "weights": {int(i): int(row[i]) for i in np.flatnonzero(row)}})
            for row, bias in zip(layer.weight, layer.bias, strict=True)
        )
        output = None if layer.output is None else vars(layer.output)
        layers.append(
            f'  {{"n_in": {layer.weight.shape[1]}, "activation": "{layer.activation}",\n'
            f'   "weight_format": {one_line(vars(layer.weight_format))}, "output": {one_line(output)},\n'
            f'   "neurons": [\n{rows}\n  ]}}'
        )
    thresholds = f'"thresholds": {one_line(circuit.thresholds)},\n' if circuit.thresholds else ""
    return (
        f'{{"input": {one_line(vars(circuit.input))},\n"input_scale": {one_line(circuit.input_scale.tolist())},\n'
        f"{thresholds}"
        '"layers": [\n' + ",\n".join(layers) + "\n]}\n"
    )


def from_json(text: str) -> Circuit:
    """Read what `to_json` wrote.

    Raises: BuildError, when the text is not such a circuit, or has more than `MOST_WEIGHTS` weights.
    """
    keys = ("input", "input_scale", "layers")
    tree = _FIELDS.mapping(parse_json(text, _FIELDS.error, fix=_FIELDS.fix), "circuit", keys, ("thresholds",))
    scales = _FIELDS.items(tree["input_scale"], "input_scale")
    thresholds = _FIELDS.integers(tree.get("thresholds", []), "thresholds")
    entries = [
        _FIELDS.mapping(entry, f"layers[{k}]", ("n_in", "activation", "weight_format", "output", "neurons"))
        for k, entry in enumerate(_FIELDS.items(tree["layers"], "layers"))
    ]
    _check_sizes(len(scales) * max(len(thresholds), 1), entries)
    try:
        return Circuit(
            input=_format(tree["input"], "input"),
            input_scale=np.array([_FIELDS.real(scale, f"input_scale[{k}]") for k, scale in enumerate(scales)]),
            layers=tuple(_layer(entry, f"layers[{k}]") for k, entry in enumerate(entries)),
            thresholds=thresholds,
        )
    except QuantizeError as error:
        raise _FIELDS.error(f"{error}; {_FIELDS.fix}") from error


_FIELDS = Fields(lambda line: BuildError(f"not a circuit: {line}"), fix="build it again")


def _check_sizes(inputs: int, entries: list[dict[str, Any]]) -> None:
    """Check that layers chain, and fit in memory, before any matrix is allocated."""
    sizes = [inputs]
    for k, entry in enumerate(entries):
        place = f"layers[{k}]"
        if entry["n_in"] != sizes[-1] or type(entry["n_in"]) is not int:
            raise _FIELDS.wrong(f"{place}.n_in", f"{shown(entry['n_in'])}, but {sizes[-1]} words enter")
        sizes.append(len(_FIELDS.items(entry["neurons"], f"{place}.neurons")))
    weights = sum(n_in * n_out for n_in, n_out in pairwise(sizes))
    if weights > MOST_WEIGHTS:
        raise _FIELDS.wrong("layers", f"{weights:,} weights, zeros included; at most {MOST_WEIGHTS:,} fit in memory")


def _layer(entry: dict[str, Any], place: str) -> CircuitLayer:
    neurons = [
        _FIELDS.mapping(neuron, f"{place}.neurons[{k}]", ("bias", "weights"))
        for k, neuron in enumerate(entry["neurons"])
    ]
    weight = np.zeros((len(neurons), entry["n_in"]), dtype=np.int64)
    for k, (row, neuron) in enumerate(zip(weight, neurons, strict=True)):
        at = f"{place}.neurons[{k}].weights"
        for name, value in _FIELDS.mapping(neuron["weights"], at).items():
            row[_input_of(name, len(row), at)] = _FIELDS.integer(value, at)
    if entry["activation"] not in get_args(Activation):
        raise _FIELDS.wrong(f"{place}.activation", f"{shown(entry['activation'])} is no activation")
    return CircuitLayer(
        weight=weight,
        bias=np.array(
            [_FIELDS.integer(neuron["bias"], f"{place}.neurons[{k}].bias") for k, neuron in enumerate(neurons)],
            dtype=np.int64,
        ),
        weight_format=_format(entry["weight_format"], f"{place}.weight_format"),
        activation=entry["activation"],
        output=None if entry["output"] is None else _format(entry["output"], f"{place}.output"),
    )


def _input_of(name: str, inputs: int, place: str) -> int:
    """The number of an input, as `to_json` writes it."""
    if not (name.isascii() and name.isdigit() and len(name) < 10 and str(int(name)) == name and int(name) < inputs):
        raise _FIELDS.wrong(place, f"{shown(name)} is none of {inputs} inputs")
    return int(name)


def _format(value: object, place: str) -> FixedPoint:
    tree = _FIELDS.mapping(value, place, ("width", "frac", "signed"))
    if type(tree["signed"]) is not bool:
        raise _FIELDS.wrong(f"{place}.signed", f"{shown(tree['signed'])} is neither true nor false")
    return FixedPoint(
        _FIELDS.integer(tree["width"], f"{place}.width", 1, MAX_WIDTH),
        _FIELDS.integer(tree["frac"], f"{place}.frac", -MOST_FRAC, MOST_FRAC),
        tree["signed"],
    )
