"""Circuits as JSON text, one neuron a line: the file `circuit.json` of a build. docs/circuit_file.md specifies it."""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, assert_never, get_args

import numpy as np

from netgen.errors import BuildError, QuantizeError
from netgen.ir.activation import Activation, HalfRule, Rescale, Scale, StepFunction, Steps
from netgen.ir.circuit import Circuit, CircuitHead, CircuitLayer
from netgen.ir.fixed import MAX_WIDTH, FixedPoint, Reals, Words
from netgen.ir.input_rounding import InputRounding
from netgen.ir.network import HeadFunction
from netgen.ir.rows import Gather
from netgen.text import Fields, parse_json, shown

__all__ = ["VERSION", "from_json", "to_json"]

VERSION = 2
"""Of the format; files of another version are refused."""
MOST_FRAC = 1000
"""Fractional bits that a file may state; float64 holds no smaller step than 2**-1074."""


def to_json(circuit: Circuit) -> str:
    """Write a circuit as JSON text that `from_json` reads back."""
    layers = ",\n".join(_layer_lines(layer) for layer in circuit.layers)
    heads = ",\n".join(f"  {_line(_head_tree(head))}" for head in circuit.heads)
    optional = f'"thresholds": {_line(circuit.thresholds)},\n' if circuit.thresholds else ""
    if circuit.input_offset is not None:
        optional += f'"input_offset": {_line(circuit.input_offset.tolist())},\n'
    if (entry := circuit.input_rounding) is not None:
        optional += f'"input_rounding": {_line({**vars(entry), "step": entry.step.tolist()})},\n'
    return (
        f'{{"version": {VERSION},\n"input": {_line(vars(circuit.input))},\n'
        f'"input_scale": {_line(circuit.input_scale.tolist())},\n{optional}'
        f'"layers": [\n{layers}\n],\n"outputs": [\n{heads}\n]}}\n'
    )


def _line(value: object) -> str:
    return json.dumps(value, separators=(", ", ": "))


def _layer_lines(layer: CircuitLayer) -> str:
    neurons = ",\n".join(_neuron_lines(layer))
    output, weights = (None if form is None else vars(form) for form in (layer.output, layer.weight_format))
    return (
        f'  {{"name": {_line(layer.name)}, "gather": "{layer.gather}", "frac": {layer.frac},\n'
        f'   "weight_format": {_line(weights)}, "output": {_line(output)},\n'
        f'   "activation": {_line(_activation_tree(layer.activation))},\n   "neurons": [\n{neurons}\n  ]}}'
    )


def _neuron_lines(layer: CircuitLayer) -> Iterator[str]:
    starts, bias = layer.starts.tolist(), layer.bias.tolist()
    source, weight = layer.source.tolist(), layer.weight.tolist()
    for k, (first, last) in enumerate(pairwise(starts)):
        weights = dict(zip(source[first:last], weight[first:last], strict=True))
        yield "    " + _line({"bias": bias[k], "weights": weights})


def _activation_tree(activation: Activation) -> dict[str, object]:
    match activation:
        case Rescale():
            return {"kind": "rescale", **vars(activation)}
        case Scale(multiplier, offset, shift):
            return {"kind": "scale", "multiplier": multiplier.tolist(), "offset": offset.tolist(), "shift": shift}
        case Steps(functions, function):
            pairs = [{"at": one.at.tolist(), "value": one.value.tolist()} for one in functions]
            return {"kind": "steps", "function": function.tolist(), "functions": pairs}
        case _:
            assert_never(activation)


def _head_tree(head: CircuitHead) -> dict[str, object]:
    arrays = {name: getattr(head, name).ravel().tolist() for name in ("neuron", "scale", "offset")}
    return {"name": head.name, "shape": list(head.neuron.shape), **arrays, "function": head.function, "axis": head.axis}


def from_json(text: str) -> Circuit:
    """Read what `to_json` wrote.

    Raises: BuildError, when the text is not such a circuit.
    """
    keys = ("version", "input", "input_scale", "layers", "outputs")
    tree = _FIELDS.mapping(
        parse_json(text, _FIELDS.error, fix=_FIELDS.fix),
        "circuit",
        keys,
        ("thresholds", "input_offset", "input_rounding"),
    )
    _FIELDS.integer(tree["version"], "version", VERSION, VERSION)
    layers = _FIELDS.items(tree["layers"], "layers")
    outputs = _FIELDS.items(tree["outputs"], "outputs")
    try:
        return Circuit(
            input=_format(tree["input"], "input"),
            input_scale=_reals(tree["input_scale"], "input_scale"),
            layers=tuple(_layer(entry, f"layers[{k}]") for k, entry in enumerate(layers)),
            thresholds=_FIELDS.integers(tree.get("thresholds", []), "thresholds"),
            outputs=tuple(_head(entry, f"outputs[{k}]") for k, entry in enumerate(outputs)),
            input_offset=_reals(tree["input_offset"], "input_offset") if "input_offset" in tree else None,
            input_rounding=_rounding(tree["input_rounding"]) if "input_rounding" in tree else None,
        )
    except QuantizeError as error:
        raise _FIELDS.error(f"{error}; {_FIELDS.fix}") from error


_FIELDS = Fields(lambda line: BuildError(f"not a circuit: {line}"), fix="build it again")


def _rounding(value: object) -> InputRounding:
    place = "input_rounding"
    tree = _FIELDS.mapping(value, place, ("step", "lo", "hi", "halves", "zero", "single"))
    lo, hi, zero = (_FIELDS.integer(tree[key], f"{place}.{key}") for key in ("lo", "hi", "zero"))
    halves: HalfRule = _choice(tree["halves"], f"{place}.halves", get_args(HalfRule))
    single = _FIELDS.boolean(tree["single"], f"{place}.single")
    return InputRounding(_reals(tree["step"], f"{place}.step"), lo, hi, halves, zero, single)


def _layer(value: object, place: str) -> CircuitLayer:
    keys = ("name", "gather", "frac", "weight_format", "output", "activation", "neurons")
    entry = _FIELDS.mapping(value, place, keys)
    starts, source, weight, bias = [0], [], [], []
    for k, neuron in enumerate(_FIELDS.items(entry["neurons"], f"{place}.neurons")):
        at = f"{place}.neurons[{k}]"
        tree = _FIELDS.mapping(neuron, at, ("bias", "weights"))
        bias.append(_FIELDS.integer(tree["bias"], f"{at}.bias"))
        for name, number in _FIELDS.mapping(tree["weights"], f"{at}.weights").items():
            source.append(_neuron(name, f"{at}.weights"))
            weight.append(_FIELDS.integer(number, f"{at}.weights"))
        starts.append(len(source))
    weight_format, output = entry["weight_format"], entry["output"]
    return CircuitLayer(
        name=_FIELDS.text(entry["name"], f"{place}.name"),
        starts=_words(starts),
        source=_words(source),
        weight=_words(weight),
        bias=_words(bias),
        frac=_FIELDS.integer(entry["frac"], f"{place}.frac", -MOST_FRAC, MOST_FRAC),
        activation=_activation(entry["activation"], f"{place}.activation"),
        output=None if output is None else _format(output, f"{place}.output"),
        gather=_choice(entry["gather"], f"{place}.gather", get_args(Gather)),
        weight_format=None if weight_format is None else _format(weight_format, f"{place}.weight_format"),
    )


def _activation(value: object, place: str) -> Activation:
    kind = _choice(_FIELDS.mapping(value, place).get("kind"), f"{place}.kind", ("rescale", "scale", "steps"))
    if kind == "rescale":
        tree = _FIELDS.mapping(value, place, ("kind", "shift", "lo", "hi", "rounding"))
        lo, hi = (None if tree[key] is None else _FIELDS.integer(tree[key], f"{place}.{key}") for key in ("lo", "hi"))
        halves: HalfRule = _choice(tree["rounding"], f"{place}.rounding", get_args(HalfRule))
        return Rescale(_FIELDS.integer(tree["shift"], f"{place}.shift", -MAX_WIDTH, MAX_WIDTH), lo, hi, halves)
    if kind == "scale":
        tree = _FIELDS.mapping(value, place, ("kind", "multiplier", "offset", "shift"))
        multiplier, offset = (_words(_FIELDS.integers(tree[key], f"{place}.{key}")) for key in ("multiplier", "offset"))
        return Scale(multiplier, offset, _FIELDS.integer(tree["shift"], f"{place}.shift", 0, MAX_WIDTH))
    tree = _FIELDS.mapping(value, place, ("kind", "function", "functions"))
    functions = []
    for k, one in enumerate(_FIELDS.items(tree["functions"], f"{place}.functions")):
        at = f"{place}.functions[{k}]"
        pair = _FIELDS.mapping(one, at, ("at", "value"))
        functions.append(StepFunction(*(_words(_FIELDS.integers(pair[key], f"{at}.{key}")) for key in ("at", "value"))))
    return Steps(tuple(functions), _words(_FIELDS.integers(tree["function"], f"{place}.function")))


def _head(value: object, place: str) -> CircuitHead:
    tree = _FIELDS.mapping(value, place, ("name", "shape", "neuron", "scale", "offset", "function", "axis"))
    shape = _FIELDS.integers(tree["shape"], f"{place}.shape", 1)
    neuron = _words(_FIELDS.integers(tree["neuron"], f"{place}.neuron"))
    scale, offset = (_reals(tree[key], f"{place}.{key}") for key in ("scale", "offset"))
    if any(len(array) not in {1, len(neuron)} for array in (scale, offset)) or len(neuron) != _size(shape):
        raise _FIELDS.wrong(place, f"{len(neuron)} neurons for the shape {list(shape)}, or other numbers of scales")
    return CircuitHead(
        name=_FIELDS.text(tree["name"], f"{place}.name"),
        neuron=neuron.reshape(shape),
        scale=scale.reshape(shape if len(scale) > 1 else ()),
        offset=offset.reshape(shape if len(offset) > 1 else ()),
        function=_choice(tree["function"], f"{place}.function", get_args(HeadFunction)),
        axis=_FIELDS.integer(tree["axis"], f"{place}.axis", -len(shape), max(len(shape) - 1, 0)),
    )


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def _words(values: Any) -> Words:
    return np.array(values, dtype=np.int64)


def _reals(value: object, place: str) -> Reals:
    return np.array([_FIELDS.real(one, f"{place}[{k}]") for k, one in enumerate(_FIELDS.items(value, place))])


def _choice(value: object, place: str, choices: tuple[Any, ...]) -> Any:
    if value not in choices:
        raise _FIELDS.wrong(place, f"{shown(value)} is none of {', '.join(choices)}")
    return value


def _neuron(name: str, place: str) -> int:
    """The number of a neuron, as `to_json` writes it."""
    if not (name.isascii() and name.isdigit() and len(name) < 10 and str(int(name)) == name):
        raise _FIELDS.wrong(place, f"{shown(name)} is no number of a neuron")
    return int(name)


def _format(value: object, place: str) -> FixedPoint:
    tree = _FIELDS.mapping(value, place, ("width", "frac", "signed"))
    return FixedPoint(
        _FIELDS.integer(tree["width"], f"{place}.width", 1, MAX_WIDTH),
        _FIELDS.integer(tree["frac"], f"{place}.frac", -MOST_FRAC, MOST_FRAC),
        _FIELDS.boolean(tree["signed"], f"{place}.signed"),
    )
