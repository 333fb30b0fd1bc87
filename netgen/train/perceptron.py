"""The multilayer perceptron as a `TrainableNetwork`: from layers that PyTorch trained, and to matrices.

Batch normalization goes along as it is, so that pruning continues where the dense training ended.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from netgen.errors import WeightsError
from netgen.ir.dense import DenseLayer, DenseNetwork, network_of
from netgen.ir.fixed import FixedPoint, Reals
from netgen.ir.functions import Quantize
from netgen.ir.network import Network
from netgen.nn.defaults import torch_defaults
from netgen.nn.trainable import TrainableNetwork, array_of
from netgen.train.derivatives import curvature_of
from netgen.train.removal import remove_wires
from netgen.train.shaped import Shaped

__all__ = ["curvature_in", "dense_network_of", "perceptron_of", "perceptron_of_state", "predict"]


@torch_defaults()
def perceptron_of(shaped: Shaped) -> TrainableNetwork:
    """The same function as a network of wires, for layers that are all dense; on the same device."""
    linears = [*(shaped.get_submodule(names[0]) for names in shaped.named), shaped.scores]
    norms = [shaped.get_submodule(f"norm{k}") for k in range(1, len(linears)) if shaped.batch_norm]
    weights, biases = [], []
    for linear in linears:
        assert isinstance(linear, nn.Linear)
        weights.append(array_of(linear.weight))
        biases.append(array_of(linear.bias))
    return _perceptron(weights, biases, norms, shaped.rounding).to(shaped.scores.weight.device)


@torch_defaults()
def perceptron_of_state(
    state: Mapping[str, Tensor],
    *,
    rounding: Sequence[FixedPoint] = (),
    scale: Reals | None = None,
) -> TrainableNetwork:
    """A network with weights that were trained elsewhere; those that are exactly zero count as pruned.

    Args:
        state: weights and biases by the names that `netgen.importer.checkpoint.read_perceptron` gives them.
        rounding: for each hidden layer the format that its results are rounded to; none is rounded when empty.
        scale: (n_in,), factors by which features were multiplied; the first layer is divided by them, so that the
            weights act on the features as they were before. All 1 when None.
    Raises: WeightsError, when a weight is too large after this division.
    """
    depths = range(sum(key.startswith("linears.") and key.endswith(".weight") for key in state))
    weights = [state[f"linears.{k}.weight"].float() for k in depths]
    if scale is not None:
        weights[0] = weights[0] / torch.from_numpy(np.array(scale)).to(weights[0])
        if not torch.isfinite(weights[0]).all():
            raise WeightsError(
                "the weight of the first layer is beyond single precision when divided by the scale of the features, "
                f"{scale.min():g}; scale features and weights to about 1"
            )
    norms = []
    for k in depths:
        if f"norms.{k}.weight" in state:
            norm = nn.BatchNorm1d(len(weights[k]))
            keys = ("weight", "bias", "running_mean", "running_var")
            norm.load_state_dict({key: state[f"norms.{k}.{key}"] for key in keys}, strict=False)
            norms.append(norm)
    biases = [array_of(state[f"linears.{k}.bias"].float()) for k in depths]
    made = _perceptron([array_of(weight) for weight in weights], biases, norms, rounding)
    remove_wires(made, [array_of(layer.weight) != 0 for layer in made.sums])
    return made


def _perceptron(
    weights: Sequence[Reals], biases: Sequence[Reals], norms: Sequence[nn.Module], rounding: Sequence[FixedPoint]
) -> TrainableNetwork:
    """A network with a wire for every weight, zeros included, in single precision."""
    layers = [
        DenseLayer(weight, bias, np.ones(weight.shape, dtype=np.bool_), "relu")
        for weight, bias in zip(weights, biases, strict=True)
    ]
    dense = DenseNetwork((*layers[:-1], replace(layers[-1], activation="identity")))
    made = TrainableNetwork(_rounded(network_of(dense), rounding))
    for layer, norm in zip(made.sums, norms, strict=False):
        assert isinstance(norm, nn.BatchNorm1d)
        layer.norm = copy.deepcopy(norm).cpu()
    return made


def _rounded(network: Network, rounding: Sequence[FixedPoint]) -> Network:
    """The network with hidden results rounded to formats, halves up, instead of rectified; as it is without formats."""
    if not rounding:
        return network
    *hidden, last = network.layers
    steps = [Quantize(form.step, 0.0, form.lo, form.hi, "half_up") for form in rounding]
    layers = [replace(layer, activation=(step,)) for layer, step in zip(hidden, steps, strict=True)]
    return replace(network, layers=(*layers, last))


def dense_network_of(network: TrainableNetwork) -> DenseNetwork:
    """A perceptron by matrices, in the shape that it had before pruning; batch normalization is folded.

    Hidden results are rectified, also where training rounds them.
    """
    found, first = [], 0
    for layer in network.parts:
        weight, bias = layer.folded()
        matrix, all_biases = np.zeros((len(layer.like), layer.first - first)), np.zeros(len(layer.like))
        matrix[layer.target, layer.source - first] = weight
        mask = np.zeros(matrix.shape, dtype=np.bool_)
        mask[layer.target, layer.source - first] = True
        all_biases[layer.rows] = bias
        found.append(DenseLayer(matrix, all_biases, mask, "relu" if layer.activation else "identity"))
        first = layer.first
    return DenseNetwork(tuple(found))


@torch_defaults()
def curvature_in(network: DenseNetwork, features: Reals, *, rounding: Sequence[FixedPoint] = ()) -> list[Reals]:
    """Compute the second derivative of the mean cross entropy by each weight, in double precision.

    Args:
        features: (n, n_in).
        rounding: formats of the hidden results; none is rounded when empty.
    Returns: per layer (n_out, n_in); 0 where there is no wire.
    """
    module = TrainableNetwork(_rounded(network_of(network), rounding), torch.float64)
    found = curvature_of(module, torch.from_numpy(np.asarray(features, dtype=np.float64)))
    matrices = []
    for layer, values in zip(network.layers, found, strict=True):
        matrix = np.zeros(layer.mask.shape)
        matrix[layer.mask] = values
        matrices.append(matrix)
    return matrices


@torch_defaults()
def predict(network: DenseNetwork, features: Reals) -> Reals:
    """Compute the float scores, (n, n_out) float64, of features (n, n_in), by PyTorch in double precision."""
    x = torch.from_numpy(np.array(features, dtype=np.float64))
    for layer in network.layers:
        x = nn.functional.linear(x, torch.from_numpy(layer.weight.copy()), torch.from_numpy(layer.bias.copy()))
        if layer.activation == "relu":
            x = torch.relu(x)
    scores: Reals = x.numpy()
    return scores
