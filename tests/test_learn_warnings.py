"""Which losses of accuracy, and which keys without effect, a user is warned of."""

import numpy as np
import pytest
import torch
from torch import nn

import netgen
from netgen.data import Dataset, Split
from netgen.learn.warnings import (
    assumed,
    coarse,
    falls,
    fixed_functions,
    guessing,
    ignored,
    scaled_weights,
    unused,
)
from netgen.nn.trainable import TrainableNetwork
from netgen.spec.network import NetworkSpec
from netgen.spec.sections import TrainSpec
from netgen.spec.spec import Spec, parse_spec

FOLDED = (
    "network.weights: the scale of the features is folded into layer 1, so the weights act on raw features, up to 16 "
    "in magnitude"
)
HELD = {"dense": 0.98, "pruned": 0.97, "quantized": 0.965, "hardware": 0.96}


def _falls(spec: Spec | None = None, *, samples: int = 1_000, **accuracy: float) -> tuple[str, ...]:
    return falls(spec or Spec(), **HELD | accuracy, validation=samples, test=samples)


def test_no_warning_where_accuracy_held() -> None:
    assert _falls() == ()
    assert _falls(dense=0.5, pruned=0.9, quantized=0.9, hardware=0.95) == ()


def test_a_pruned_network_that_lost_twenty_points_is_named_with_the_key_to_change() -> None:
    """Pendigits with the default sparsity: 98 % dense, 79 % pruned."""
    assert _falls(dense=0.98, pruned=0.79, quantized=0.79, hardware=0.79) == (
        "prune: validation accuracy fell from 98.0% (dense) to 79.0% (pruned); lower prune.sparsity (0.9), "
        "or raise prune.rounds and prune.retrain",
    )


@pytest.mark.parametrize(
    ("target", "fix"),
    [("wires: 40", "raise prune.wires (40)"), ("fan_in: 2", "raise prune.fan_in (2)")],
)
def test_the_fix_names_the_target_of_the_spec(target: str, fix: str) -> None:
    spec = parse_spec(f"prune: {{sparsity: null, {target}}}")
    assert fix in _falls(spec, dense=0.98, pruned=0.79, quantized=0.79, hardware=0.79)[0]


def test_a_circuit_that_lost_what_the_float_network_knew_is_told_what_to_widen() -> None:
    assert _falls(pruned=0.945, quantized=0.29, hardware=0.29) == (
        "quantize: validation accuracy fell from 94.5% (float) to 29.0% (hardware); widen quantize.input_width, "
        "weight_width or activation_width, or raise quantize.epochs",
    )


def test_a_loss_that_two_stages_share_is_told_too() -> None:
    """Breast cancer with the default sparsity: 97.8 % dense, 93.5 % pruned, 89.1 % in integers."""
    assert _falls(dense=0.978, pruned=0.935, quantized=0.891, hardware=0.97) == (
        "prune, quantize: validation accuracy fell from 97.8% (dense) to 93.5% (pruned) and 89.1% (hardware); "
        "lower prune.sparsity (0.9), or raise prune.retrain and quantize.epochs",
    )


def _data(features: list[list[float]], labels: list[int], scale: float = 1.0) -> Dataset:
    split = Split(np.array(features, dtype=np.float32), np.array(labels))
    return Dataset(split, split, split, classes=2, scale=np.full(len(features[0]), scale), digest="")


def test_a_dense_network_that_only_guesses_is_told_what_guessing_gives() -> None:
    data = _data([[0.0]] * 5, [0, 0, 0, 1, 1])
    (line,) = guessing(0.6, 0.8, data, Spec())
    assert line.startswith("train: the dense network classifies 60.0% of the validation samples; always giving the ")
    assert "would classify 60.0%: raise train.epochs" in line
    assert guessing(0.8, 0.7, data, Spec()) == ()


def test_a_circuit_that_only_guesses_is_told_where_the_dense_network_does_not() -> None:
    """Of unbalanced classes the most frequent one is nearly as good as a network, so no accuracy falls by 5 points."""
    data = _data([[0.0]] * 20, [0] * 19 + [1])
    (line,) = guessing(0.96, 0.95, data, parse_spec("prune: {sparsity: 0.99}"))
    assert line == (
        "prune, quantize: the circuit classifies 95.0% of the validation samples; always giving the most frequent "
        "class would classify 95.0%: lower prune.sparsity (0.99), or widen quantize.input_width, weight_width or "
        "activation_width"
    )


def test_a_model_of_the_users_own_that_only_guesses_is_not_told_to_train_longer() -> None:
    data = _data([[0.0]] * 5, [0, 0, 0, 1, 1])
    (line,) = guessing(0.6, 0.6, data, parse_spec("network: {source: a.onnx, keep: false}"))
    assert line.endswith("would classify 60.0%: give what the model was trained on, and labels numbered as its outputs")


def test_given_weights_that_only_guess_are_told_to_be_given_what_they_were_trained_on() -> None:
    data = _data([[0.0]] * 5, [0, 0, 0, 1, 1])
    given = Spec(network=NetworkSpec(weights="m.pt"), train=TrainSpec(epochs=0))
    (line,) = guessing(0.4, 0.4, data, given)
    assert line.startswith("network.weights: the given weights classify 40.0% of the validation samples; ")
    assert "would classify 60.0%: scale the data as those that they were trained on" in line
    trained = Spec(network=NetworkSpec(weights="m.pt"), train=TrainSpec(epochs=1))
    assert guessing(0.4, 0.4, data, trained)[0].startswith("train: ")


def test_features_that_are_small_beside_the_largest_are_told_how_to_become_visible() -> None:
    """At 8 bits a step is 1/256: 0.001 k varies by 0.78 steps for k from 0 to 3, and 0.25 k by 192."""
    data = _data([[0.25 * k, 0.001 * k, 0.0] for k in range(4)] * 25, [0, 1, 0, 1] * 25)
    (line,) = coarse(Spec(), data)
    assert line == (
        "data: 1 of 3 features vary by less than 2 steps of the 8-bit input word in 9 of 10 samples "
        "(numbers 1, from 0), so the hardware hardly sees them; set data.scale to feature, or raise "
        "quantize.input_width (8)"
    )
    assert coarse(parse_spec("quantize: {input_width: 12}"), data) == ()
    assert coarse(parse_spec("data: {thresholds: [0.5]}"), data) == ()
    assert "subtract the mean" in coarse(parse_spec("data: {scale: feature}"), data)[0]


def test_features_that_words_hold_exactly_or_that_seldom_vary_are_not_counted() -> None:
    """A pixel of 0 or 1 among bytes is the word itself; a pixel that is 0 in 97 % of the images loses little."""
    exact = _data([[k / 256, 0.5] for k in (0, 1)] * 50, [0, 1] * 50)
    seldom = _data([[0.001 if k < 3 else 0.0, 0.5] for k in range(100)], [0, 1] * 50)
    assert coarse(Spec(), exact) == coarse(Spec(), seldom) == ()


def test_test_data_unlike_the_training_data_are_named_beyond_what_chance_explains() -> None:
    """90 % of n samples has a deviation of 0.3 / sqrt(n); of two such sets, times sqrt(2), twice: 0.19 for 20."""
    assert len(_falls(dense=0.9, pruned=0.9, quantized=0.9, hardware=0.8)) == 1
    assert _falls(dense=0.9, pruned=0.9, quantized=0.9, hardware=0.72, samples=20) == ()
    (line,) = _falls(dense=0.9, pruned=0.9, quantized=0.9, hardware=0.7, samples=20)
    assert line == (
        "check: hardware classifies 90.0% of 20 validation samples and 70.0% of 20 test samples; the test data differ "
        "from the training data: check their order, scale and labels"
    )


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ("reweight_at: 50", "train.reweight_at: 50 has no effect while train.regularizer is none"),
        ("reweight_at: 50, regularizer: l1", "train.reweight_at: 50 has no effect while train.strength is 0"),
        ("strength: 0.5", "train.strength: 0.5 has no effect while train.regularizer is none"),
        ("regularizer: l1", "train.regularizer: l1 has no effect while train.strength is 0"),
    ],
)
def test_keys_of_a_penalty_without_the_others_are_named(keys: str, line: str) -> None:
    (found,) = unused(parse_spec(f"train: {{{keys}}}"))
    assert found.startswith(line)


def test_no_warning_for_a_spec_whose_keys_all_act() -> None:
    assert unused(Spec()) == ()
    assert unused(parse_spec("train: {regularizer: l1, strength: 0.1, reweight_at: 50}")) == ()


@pytest.mark.parametrize(
    ("keys", "scale", "lines"),
    [
        ("weights: u.pt", 1 / 16, [FOLDED]),
        ("weights: u.pt", 1.0, []),
        ("hidden: [4]", 1 / 16, []),
    ],
)
def test_weights_that_meet_scaled_features_are_said_to_act_on_raw_ones(
    keys: str, scale: float, lines: list[str]
) -> None:
    split = Split(np.zeros((2, 1), dtype=np.float32), np.array([0, 1]))
    data = Dataset(split, split, split, classes=2, scale=np.array([scale]), digest="")
    found = scaled_weights(parse_spec(f"network: {{{keys}}}"), data)
    assert [line.partition(";")[0] for line in found] == lines


@pytest.mark.parametrize(
    ("keys", "network"),
    [
        ("hidden: [8, 4], weights: model.pt", "2 x (Linear -> BatchNorm1d (eps 1e-05) -> ReLU) -> Linear"),
        ("hidden: [8], batch_norm: false, weights: model.pt", "1 x (Linear -> ReLU) -> Linear"),
    ],
)
def test_given_weights_are_told_which_network_they_are_taken_for(keys: str, network: str) -> None:
    assert assumed(parse_spec(f"network: {{{keys}}}")) == (
        f"network.weights: the file does not contain activations or their order; the network is taken for {network}; "
        "if your model computes anything else, this circuit is another function",
    )


def test_networks_that_netgen_trains_need_no_such_word() -> None:
    assert assumed(parse_spec("network: {hidden: [8]}")) == ()


def test_keys_of_training_have_no_effect_on_a_network_that_is_read() -> None:
    keys = "network: {source: net.onnx, hidden: [5]}\nprune: {sparsity: 0.5}\nquantize: {epochs: 3, weight_width: 8}"
    assert ignored(parse_spec(keys)) == (
        "network.source: the network is built as it is, so network.hidden, prune.sparsity, quantize.epochs have no "
        "effect; remove them, or set network.keep to false, or set quantize.fine_tune",
    )
    assert ignored(parse_spec("network: {source: net.onnx}\nquantize: {weight_width: 8}")) == ()


def test_keys_of_perceptrons_are_told_beside_layers() -> None:
    text = "network: {layers: [dense 4], hidden: [9]}\nquantize: {epochs: 2, weight_digits: 1}"
    assert ignored(parse_spec(text)) == (
        "network.layers: the network has its own layers and is calibrated, so network.hidden, quantize.weight_digits, "
        "quantize.epochs have no effect; remove them, or set quantize.fine_tune",
    )
    scaled = ignored(parse_spec("network: {layers: [dense 4], mean: [0.5]}"))
    assert scaled[0].endswith("so network.mean has no effect; remove it")
    tuned = "network: {layers: [dense 4]}\nquantize: {epochs: 2, fine_tune: labels}"
    assert ignored(parse_spec(tuned)) == ()


def test_a_source_that_is_pruned_has_no_dense_training() -> None:
    text = "network: {source: a.onnx, keep: false}\ntrain: {epochs: 3, learning_rate: 0.1}\nprune: {rounds: 2}"
    assert ignored(parse_spec(text)) == (
        "network.source: the network has its own layers and weights, so train.epochs has no effect; remove it",
    )
    kept = ignored(parse_spec("network: {source: a.onnx}\nprune: {rounds: 2}"))
    assert kept[0].endswith("prune.rounds has no effect; remove it, or set network.keep to false")


def test_keys_of_fine_tuning_have_an_effect_where_it_is_asked_for() -> None:
    keys = "network: {source: net.onnx}\ntrain: {batch_size: 32}\nquantize: {fine_tune: labels, epochs: 3}"
    assert ignored(parse_spec(keys)) == ()
    assert ignored(parse_spec(keys.replace("batch_size: 32", "epochs: 3"))) == (
        "network.source: the network has its own layers and weights, so train.epochs has no effect; remove it",
    )


def test_functions_that_were_not_trained_are_told() -> None:
    torch.manual_seed(1)
    network = netgen.read(nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 2)), example=torch.rand(1, 3))
    spec = parse_spec("network: {layers: [dense 2], activation: piecewise}")
    assert fixed_functions(spec, network) == (
        "network.activation: piecewise had no effect: functions are trained while a network is pruned and no weights "
        "are shared; raise prune.untie_at, and set prune.rule",
    )
    module = TrainableNetwork(network)
    module.train_functions()
    assert fixed_functions(spec, module.network()) == ()
    assert fixed_functions(parse_spec("network: {layers: [dense 2]}"), network) == ()


def test_a_program_is_told_the_key_that_it_wrote() -> None:
    spec = parse_spec("network: {source: given}\ndata: {source: given}\nquantize: {epochs: 4}")
    assert ignored(spec, compiled=True) == (
        "quantize.epochs has no effect: the model is built as it is; remove it, or set quantize.fine_tune",
    )


@pytest.mark.parametrize("key", ["train.gate_share", "train.gate_exploration", "prune.gated_share"])
def test_a_key_of_gates_without_gates_is_told(key: str) -> None:
    section, name = key.split(".")
    text = f"{section}: {{{name}: 0.25}}"
    assert unused(parse_spec(text)) == (f"{key}: 0.25 has no effect without exit or gate in network.layers; remove it",)
    assert unused(parse_spec(f"{text}\nnetwork: {{layers: [dense 4, exit, dense 8]}}")) == ()
