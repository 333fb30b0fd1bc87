"""State dicts of others: matched by name and shape, or refused in one line."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import FIX, PLAIN, B, W, from_file, loaded, moved, refused, same_function
from torch import Tensor, nn
from torch.nn.utils import prune

from netgen.errors import WeightsError
from netgen.train import dense_network_of, predict

X = np.random.default_rng(0).normal(size=(20, 2))


class Named(nn.Module):
    """Linear, batch normalization, ReLU, linear, under names and in an order of definition of one's own."""

    def __init__(self, names: Sequence[str], layers: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.names = names
        for name in layers:
            self.add_module(name, layers[name])

    def forward(self, x: Tensor) -> Tensor:
        *hidden, last = self.names
        for name in hidden:
            x = self.get_submodule(name)(x)
        scores: Tensor = self.get_submodule(last)(torch.relu(x))
        return scores


# What is loaded: the function of the user's own model.


def test_a_sequential_model_with_batch_normalization_keeps_its_function(tmp_path: Path) -> None:
    model = moved(nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 3)), 5)
    same_function(loaded(tmp_path, model.state_dict(), (5, 4, 3), batch_norm=True), model, 5)


@pytest.mark.parametrize(
    ("defined", "called"),
    [
        ("fc1 bn1 fc2", "fc1 bn1 fc2"),
        ("fc2 fc1 bn1", "fc1 bn1 fc2"),  # defined in another order than called
        ("out norm inner", "inner norm out"),  # no numbers: the shapes decide
    ],
)
def test_layers_are_matched_by_name_and_shape_whatever_their_order(tmp_path: Path, defined: str, called: str) -> None:
    first, norm, last = called.split()
    layers = {first: nn.Linear(5, 4), norm: nn.BatchNorm1d(4), last: nn.Linear(4, 3)}
    model = moved(Named(called.split(), {name: layers[name] for name in defined.split()}), 5)
    same_function(loaded(tmp_path, model.state_dict(), (5, 4, 3), batch_norm=True), model, 5)


def test_numbers_order_layers_of_equal_shape_ten_behind_nine(tmp_path: Path) -> None:
    layers = {f"layers.{k}": (k + 1) * torch.eye(2) for k in (10, 9, 0)}
    state = {f"{name}.weight": weight for name, weight in layers.items()}
    network = dense_network_of(loaded(tmp_path, state, (2, 2, 2, 2)))
    assert [float(layer.weight[0, 0]) for layer in network.layers] == [1, 10, 11]


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "_orig_mod.module.", "model.", "net.", "module.model."])
def test_prefixes_of_wrappers_are_stripped(tmp_path: Path, prefix: str) -> None:
    network = dense_network_of(loaded(tmp_path, {prefix + key: value for key, value in PLAIN.items()}))
    assert np.array_equal(network.layers[1].weight, W)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "net.", "module.model."])
def test_layers_are_named_as_in_the_wrapped_model(tmp_path: Path, prefix: str) -> None:
    state = {prefix + key: value for key, value in (_linear("left") | _linear("right")).items()}
    refused(
        tmp_path,
        state,
        "left and right fit the same layer; name them so that numbers give their order, as fc1 and fc2",
    )


def test_masks_of_torch_prune_are_applied(tmp_path: Path) -> None:
    """Weight, then bias pruned: the file holds `_orig` and `_mask` of both; 4 of 8 weights and 2 of 4 biases stay."""
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    for layer in (model[0], model[2]):
        prune.custom_from_mask(layer, "weight", torch.eye(2))  # type: ignore[no-untyped-call]
        prune.custom_from_mask(layer, "bias", torch.tensor([1.0, 0.0]))  # type: ignore[no-untyped-call]
    network = loaded(tmp_path, model.state_dict())
    assert dense_network_of(network).weights_left == network.wires == 4
    same_function(network, model, 2)


def test_weights_whose_pruning_was_made_permanent_load_though_the_bias_comes_first(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    for layer in (model[0], model[2]):
        prune.custom_from_mask(layer, "weight", torch.eye(2))  # type: ignore[no-untyped-call]
        prune.remove(layer, "weight")  # type: ignore[no-untyped-call]
    assert list(model.state_dict())[:2] == ["0.bias", "0.weight"]
    network = loaded(tmp_path, model.state_dict())
    assert network.wires == 4
    same_function(network, model, 2)


def test_a_mask_beside_a_weight_counts(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 3)).eval()
    mask = torch.ones(4, 5)
    mask[1, 2] = 0
    network = loaded(tmp_path, {**model.state_dict(), "0.mask": mask}, (5, 4, 3), batch_norm=True)
    assert network.wires == 5 * 4 + 4 * 3 - 1
    with torch.no_grad():
        model.get_submodule("0").get_parameter("weight").mul_(mask)
    same_function(network, model, 5)


def test_a_linear_layer_without_bias_has_the_bias_0(tmp_path: Path) -> None:
    model = moved(
        nn.Sequential(nn.Linear(5, 4, bias=False), nn.BatchNorm1d(4, affine=False), nn.ReLU(), nn.Linear(4, 3)), 5
    )
    same_function(loaded(tmp_path, model.state_dict(), (5, 4, 3), batch_norm=True), model, 5)


@pytest.mark.parametrize(
    "convert",
    [Tensor.half, Tensor.bfloat16, Tensor.double, Tensor.to_sparse, lambda t: t.to(torch.float8_e4m3fn)],
    ids=["half", "bfloat16", "double", "sparse", "float8"],
)
def test_other_types_of_real_numbers_are_read_with_their_values(
    tmp_path: Path, convert: Callable[[Tensor], Tensor]
) -> None:
    """All values of W are exact in each of these types."""
    state = {key: convert(value) if value.dim() == 2 else value for key, value in PLAIN.items()}
    assert np.array_equal(dense_network_of(loaded(tmp_path, state)).layers[0].weight, W)


def test_weights_act_on_the_features_before_scaling(tmp_path: Path) -> None:
    """Features are multiplied by 1/16 and 4; the network of scaled features gives what the user's gives of raw ones."""
    torch.save(PLAIN, tmp_path / "m.pt")
    scale = np.array([1 / 16, 4.0])
    scaled = dense_network_of(from_file(tmp_path / "m.pt", scale=scale))
    raw = dense_network_of(from_file(tmp_path / "m.pt"))
    assert np.array_equal(predict(scaled, X * scale), predict(raw, X))


def test_a_scale_that_takes_weights_beyond_single_precision_is_refused(tmp_path: Path) -> None:
    torch.save(PLAIN | {"0.weight": W * 1e38}, tmp_path / "m.pt")
    with pytest.raises(
        WeightsError, match=r"weight of the first layer is beyond single precision when divided by the scale"
    ):
        from_file(tmp_path / "m.pt", scale=np.full(2, 2.0**-10))


# What is refused: what does not fit, or fits in two ways.

NORM = {"weight": B, "bias": B, "running_mean": B, "running_var": B}


def _norm(name: str, size: int = 2) -> dict[str, Tensor]:
    return {f"{name}.{key}": torch.ones(size) for key in NORM}


def _linear(name: str, n_out: int = 2, n_in: int = 2) -> dict[str, Tensor]:
    return {f"{name}.weight": torch.ones(n_out, n_in), f"{name}.bias": torch.ones(n_out)}


ELSEWHERE = "may stand elsewhere than directly after layer {}; fold it into the weights, or number it like its layer"


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (
            _linear("0", 3) | _linear("2", 2, 3),
            "the weight of 0 has shape (3, 2), the spec's network (2, 2); network.hidden must match the weights",
        ),
        (_linear("0") | _linear("1") | _linear("2"), f"holds 3 Linear for the 2 of the spec's network; {FIX}"),
        (_linear("0"), f"holds 1 Linear for the 2 of the spec's network; {FIX}"),
        (PLAIN | _norm("1"), f"holds 1 BatchNorm1d for the 0 of the spec's network; {FIX}"),
        (
            _linear("left") | _linear("right"),
            "left and right fit the same layer; name them so that numbers give their order, as fc1 and fc2",
        ),
        (
            PLAIN | {"2.alpha": B},
            "2 has an entry 'alpha'; only Linear layers and BatchNorm1d between them can be read",
        ),
        (
            PLAIN | {"1.weight": B, "1.bias": B},
            "1 has a weight of shape (2,); only Linear layers and BatchNorm1d between them can be read",
        ),
        (
            {"0.weight_orig": W, **PLAIN},
            "0 has no weight_mask; only Linear layers and BatchNorm1d between them can be read",
        ),
        (
            PLAIN | {"0.bias": torch.ones(3)},
            "0 has a bias of shape (3,) beside a weight of (2, 2); need (2,)",
        ),
        (
            {"0.weight_orig": W, "0.weight_mask": W, "0.bias": B} | _linear("2"),
            "the mask of 0 holds other numbers than 0 and 1; save it again",
        ),
    ],
    ids=["shape", "too many", "too few", "norm", "two ways", "unknown", "layer norm", "half a mask", "bias", "mask"],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, state: object, message: str) -> None:
    refused(tmp_path, state, message)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (_norm("0") | _linear("1") | _linear("3"), "batch normalization 0 " + ELSEWHERE.format(1)),
        (_linear("0") | _norm("2") | _linear("3"), "batch normalization 2 " + ELSEWHERE.format(0)),
        (_linear("0") | _linear("2") | _norm("3"), "batch normalization 3 " + ELSEWHERE.format(0)),
        (_norm("bn1") | _linear("fc1") | _linear("fc2"), "batch normalization bn1 " + ELSEWHERE.format("fc1")),
        (_linear("fc1") | _linear("fc2") | _norm("norm"), "batch normalization norm " + ELSEWHERE.format("fc1")),
        (PLAIN, f"holds 0 BatchNorm1d for the 1 of the spec's network; {FIX}"),
        (
            _linear("0") | _norm("1", 3) | _linear("2"),
            f"batch normalizations do not fit after the hidden layers; {FIX}",
        ),
    ],
    ids=["inputs", "after the ReLU", "outputs", "inputs by name", "unnamed place", "none", "size"],
)
def test_a_batch_normalization_in_another_place_is_refused(tmp_path: Path, state: object, message: str) -> None:
    """All sizes are 2, so only the names can say where a batch normalization stands."""
    refused(tmp_path, state, message, norm=True)


def test_a_negative_variance_is_refused(tmp_path: Path) -> None:
    state = _linear("0") | _norm("1") | _linear("2") | {"1.running_var": -B}
    refused(tmp_path, state, "1 has a running_var below 0; save the state_dict again", norm=True)
