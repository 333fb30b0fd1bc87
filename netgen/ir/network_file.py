"""Networks as plain arrays by name, and back: what a `.npz` file of a network holds.

Arrays of layer k are called `k.starts`, `k.source` and so on; `description` is JSON text with the names, the ports, the
heads and the activation functions. Parameters of functions that are arrays stand beside them, as `k.function.slope`.
"""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_args

import numpy as np

from netgen.errors import WeightsError
from netgen.ir.functions import Composition, Function, Product
from netgen.ir.network import Head, Layer, Network, Port
from netgen.text import Fields, parse_json, shown

__all__ = ["arrays_of", "network_from"]

Array = np.ndarray[Any, Any]
ARRAYS = ("starts", "source", "weight", "bias", "parameter", "step")
KINDS: dict[str, Any] = {kind.__name__: kind for kind in get_args(Function)}


def arrays_of(network: Network) -> dict[str, Array]:
    """The arrays of a network, by name; the same arrays for the same network."""
    arrays: dict[str, Array] = {}
    layers = []
    for number, layer in enumerate(network.layers):
        arrays |= {f"{number}.{name}": getattr(layer, name) for name in ARRAYS if getattr(layer, name) is not None}
        pipeline = _pipeline_tree(layer.activation, f"{number}.function", arrays)
        layers.append({"name": layer.name, "gather": layer.gather, "activation": pipeline})
    heads = []
    for number, head in enumerate(network.outputs):
        arrays[f"head{number}.neuron"] = head.neuron
        heads.append({"name": head.name, "function": head.function, "axis": head.axis, "keep": head.keep})
    inputs = [{"name": port.name, "shape": list(port.shape)} for port in network.inputs]
    tree = {"inputs": inputs, "layers": layers, "outputs": heads}
    arrays["description"] = np.array(json.dumps(tree, sort_keys=True))
    return arrays


def _pipeline_tree(pipeline: Composition, place: str, arrays: dict[str, Array]) -> list[dict[str, Any]]:
    """Functions as a tree of plain values; parameters that are arrays move into `arrays`."""
    found = []
    for number, function in enumerate(pipeline):
        at = f"{place}{number}"
        tree: dict[str, Any] = {"kind": type(function).__name__}
        for field in fields(function):
            value = getattr(function, field.name)
            if isinstance(value, tuple):
                tree[field.name] = _pipeline_tree(value, f"{at}.{field.name}", arrays)
            elif isinstance(value, np.ndarray):
                arrays[f"{at}.{field.name}"] = value
                tree[field.name] = None
            else:
                tree[field.name] = value if isinstance(value, str | bool) else _number_tree(float(value))
        found.append(tree)
    return found


def _number_tree(value: float) -> float | str:
    """A number as JSON can write it; infinity is text."""
    return value if np.isfinite(value) else repr(value)


def network_from(arrays: Mapping[str, Array]) -> Network:
    """The network whose arrays `arrays_of` gave.

    Raises: WeightsError, when an array is missing or of another kind, or the network is not valid.
    """
    tree = parse_json(str(_array(arrays, "description")), _FIELDS.error, fix=_FIELDS.fix)
    tree = _FIELDS.mapping(tree, "description", ("inputs", "layers", "outputs"))
    layers = []
    for number, value in enumerate(_FIELDS.items(tree["layers"], "layers")):
        place = f"layers[{number}]"
        entry = _FIELDS.mapping(value, place, ("name", "gather", "activation"))
        given = {name: arrays[f"{number}.{name}"] for name in ARRAYS if f"{number}.{name}" in arrays}
        if missing := next((name for name in ARRAYS[:4] if name not in given), None):
            raise _FIELDS.wrong(place, f"array {number}.{missing} is missing")
        pipeline = _pipeline(entry["activation"], f"{number}.function", arrays)
        layers.append(Layer(name=str(entry["name"]), gather=entry["gather"], activation=pipeline, **given))
    outputs = []
    for number, value in enumerate(_FIELDS.items(tree["outputs"], "outputs")):
        entry = _FIELDS.mapping(value, f"outputs[{number}]", ("name", "function", "axis", "keep"))
        neuron = _array(arrays, f"head{number}.neuron")
        axis = _FIELDS.integer(entry["axis"], f"outputs[{number}].axis", -neuron.ndim, max(neuron.ndim - 1, 0))
        outputs.append(Head(str(entry["name"]), neuron, entry["function"], axis, bool(entry["keep"])))
    inputs = []
    for number, value in enumerate(_FIELDS.items(tree["inputs"], "inputs")):
        entry = _FIELDS.mapping(value, f"inputs[{number}]", ("name", "shape"))
        inputs.append(Port(str(entry["name"]), _FIELDS.integers(entry["shape"], f"inputs[{number}].shape", 1, 1 << 32)))
    return Network(tuple(inputs), tuple(layers), tuple(outputs))


_FIELDS = Fields(WeightsError, fix="read the model again")


def _array(arrays: Mapping[str, Array], name: str) -> Array:
    if name not in arrays:
        raise _FIELDS.wrong(name, "the array is missing")
    return arrays[name]


def _pipeline(value: object, place: str, arrays: Mapping[str, Array]) -> Composition:
    found = []
    for number, item in enumerate(_FIELDS.items(value, place)):
        at = f"{place}{number}"
        tree = _FIELDS.mapping(item, at)
        kind = KINDS.get(str(tree.get("kind")))
        if kind is None:
            raise _FIELDS.wrong(at, f"{shown(tree.get('kind'))} is no activation function")
        names = [field.name for field in fields(kind)]
        _FIELDS.mapping(item, at, ("kind", *names))
        found.append(kind(**{name: _parameter(kind, name, tree[name], f"{at}.{name}", arrays) for name in names}))
    return tuple(found)


def _parameter(kind: type, name: str, value: object, place: str, arrays: Mapping[str, Array]) -> Any:
    if kind is Product:
        return _pipeline(value, place, arrays)
    if value is None:
        return _array(arrays, place)
    if isinstance(value, bool) or (isinstance(value, str) and name == "rounding"):
        return value
    return float(value) if value in {"inf", "-inf"} else _FIELDS.real(value, place)
