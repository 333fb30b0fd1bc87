"""Trained networks on disk: as plain arrays, and back."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from netgen.ir.fixed import Words
from netgen.ir.network_file import arrays_of, network_from
from netgen.nn.defaults import torch_defaults
from netgen.nn.piecewise import TrainedFunction
from netgen.nn.trainable import LEAST_VARIANCE, TrainableLayer, TrainableNetwork

__all__ = ["load_trained", "save_trained"]

Array = np.ndarray[tuple[int, ...], np.dtype[np.generic]]


def save_trained(path: Path, network: TrainableNetwork) -> None:
    """Write a network under training as a .npz of plain arrays; the same state gives the same bytes.

    It holds the network that the module was made of, and of each layer what pruning has left and training has found.
    """
    arrays: dict[str, Array] = {f"like.{key}": value for key, value in arrays_of(network.like).items()}
    arrays["inputs"] = network.inputs
    for layer in network.parts:
        place = f"layer.{layer.first}"
        arrays[f"{place}.rows"] = layer.rows
        if len(layer.wire) < layer.like.wires:
            arrays[f"{place}.wire"] = layer.wire
        if layer.tied:
            arrays[f"{place}.parameter"] = layer.parameter
        arrays |= {f"{place}.state.{key}": value.cpu().numpy() for key, value in layer.state_dict().items()}
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


@torch_defaults()
def load_trained(path: Path) -> TrainableNetwork:
    """Read what `save_trained` wrote."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    network = TrainableNetwork(
        network_from({k.removeprefix("like."): v for k, v in arrays.items() if k[:5] == "like."})
    )
    network.inputs = arrays["inputs"].astype(np.int64)
    alive = [layer for layer in network.parts if f"layer.{layer.first}.rows" in arrays]
    for layer in alive:
        place = f"layer.{layer.first}."
        _restore(layer, {key.removeprefix(place): value for key, value in arrays.items() if key.startswith(place)})
    network.layers = nn.ModuleList(alive)
    network.renew()
    return network


def _restore(layer: TrainableLayer, arrays: dict[str, Array]) -> None:
    """Set the wires, neurons and parameters of a layer."""
    layer.rows, layer.wire = arrays["rows"].astype(np.int64), arrays.get("wire", layer.wire).astype(np.int64)
    layer.source, layer.target = layer.like.source[layer.wire], layer.like.target[layer.wire]
    parameter: Words = arrays.get("parameter", np.arange(len(layer.wire))).astype(np.int64)
    layer.parameter = parameter
    state = {key.removeprefix("state."): torch.from_numpy(v) for key, v in arrays.items() if key[:6] == "state."}
    layer.weight, layer.bias = nn.Parameter(state["weight"]), nn.Parameter(state["bias"])
    if "norm.weight" in state:
        layer.norm = nn.BatchNorm1d(len(layer.rows), eps=LEAST_VARIANCE).to(state["norm.weight"])
        layer.norm.load_state_dict({key[5:]: value for key, value in state.items() if key[:5] == "norm."})
    if "trained.bends" in state:
        layer.trained = TrainedFunction(len(layer.rows)).to(state["trained.bends"])
        layer.trained.load_state_dict({key[8:]: value for key, value in state.items() if key[:8] == "trained."})
