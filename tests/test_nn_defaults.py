"""No setting of torch in the user's process changes a result, and netgen leaves all of them as they were."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from train_cases import perceptron

import netgen
from netgen.data import Dataset
from netgen.errors import TrainError
from netgen.ir.dense import DenseLayer, DenseNetwork
from netgen.nn.defaults import torch_defaults
from netgen.spec.sections import PruneSpec
from netgen.spec.spec import parse_spec
from netgen.train import Pruning, Recipe, Samples, accuracy_of, curvature_in, fit, predict, prune_and_retrain

RECIPE = Recipe(batch_size=256, learning_rate=0.005, weight_decay=0.0, label_smoothing=0.0)
NETWORK = DenseNetwork((DenseLayer(np.ones((10, 64)), np.zeros(10), np.ones((10, 64), dtype=np.bool_), "identity"),))


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_inside_there_is_one_thread_and_behind_it_as_many_as_before_errors_included() -> None:
    with torch_defaults():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3
    with pytest.raises(KeyboardInterrupt), torch_defaults():
        raise KeyboardInterrupt
    assert torch.get_num_threads() == 3


def test_training_pruning_and_predicting_leave_the_number_of_threads(digits: Dataset) -> None:
    seen = []
    network = perceptron((64, 4, 10), batch_norm=True)
    fit(network, digits, RECIPE, epochs=1, seed=1, progress=lambda *_: seen.append(torch.get_num_threads()))
    samples = Samples.of(digits.train).with_teacher(network, 2.0)
    pruning = Pruning(network, samples, RECIPE, PruneSpec(rounds=1, retrain=0), seed=1)
    prune_and_retrain(pruning, digits, epochs=0)
    accuracy_of(network, digits.test)
    predict(NETWORK, digits.test.features.astype(np.float64))
    curvature_in(NETWORK, digits.test.features.astype(np.float64))
    assert seen == [1]
    assert torch.get_num_threads() == 3


def test_an_error_in_training_leaves_the_number_of_threads(digits: Dataset) -> None:
    network = perceptron((64, 4, 10), batch_norm=True)
    pruning = Pruning(network, Samples.of(digits.train), RECIPE, PruneSpec(sparsity=None, accuracy=0.99), seed=1)
    with pytest.raises(TrainError):
        prune_and_retrain(pruning, digits, epochs=0)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(network, digits, RECIPE, epochs=1, seed=1, progress=stop)
    assert torch.get_num_threads() == 3


SPEC = """
name: threads
network: {hidden: [4]}
train: {epochs: 1}
prune: {rounds: 1, retrain: 0}
quantize: {epochs: 1}
place: {moves: 100, certificate: false}
check: {simulator: amaranth, samples: 4}
"""


def test_a_build_leaves_the_number_of_threads(tmp_path: Path) -> None:
    (tmp_path / "threads.yaml").write_text(SPEC, encoding="utf-8")
    netgen.build(tmp_path / "threads.yaml", out=tmp_path)
    assert torch.get_num_threads() == 3


@contextmanager
def _double_precision() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


SETTINGS: dict[str, AbstractContextManager[object]] = {
    "double precision": _double_precision(),
    "no gradients": torch.no_grad(),
    "inference": torch.inference_mode(),
    "mixed precision": torch.autocast("cpu"),
    "another device": torch.device("meta"),
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build folder made under PyTorch's own defaults."""
    return netgen.build(parse_spec(SPEC), out=tmp_path_factory.mktemp("plain"), until="check").folder


@pytest.mark.parametrize("name", SETTINGS)
def test_a_build_under_any_setting_of_the_process_gives_the_same_bytes(name: str, plain: Path, tmp_path: Path) -> None:
    with SETTINGS[name]:
        made = netgen.build(parse_spec(SPEC), out=tmp_path, until="check").folder
    for file in ("dense.npz", "pruned.npz", "network.npz", "circuit.json", "check.json"):
        assert (made / file).read_bytes() == (plain / file).read_bytes(), file


def test_a_build_leaves_the_state_of_the_random_generator(tmp_path: Path) -> None:
    before = torch.get_rng_state()
    netgen.build(parse_spec(SPEC), out=tmp_path, until="check")
    assert torch.equal(torch.get_rng_state(), before)
