"""Sizes beyond any machine, or beyond this one, are refused before memory or time is spent."""

from pathlib import Path

import numpy as np
import pytest

from netgen.data import Dataset, Split
from netgen.errors import SpecError, TrainError, WeightsError
from netgen.learn import memory
from netgen.learn.learner import Learner
from netgen.spec.spec import parse_spec


def _data(features: int = 4, samples: int = 10) -> Dataset:
    split = Split(np.zeros((samples, features), dtype=np.float32), np.arange(samples) % 2)
    return Dataset(split, split, split, classes=2, scale=np.ones(features), digest="")


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ("network: {hidden: [1000000000000]}", "network.hidden.0: 1000000000000; "),
        (f"network: {{hidden: [{10**30}]}}", f"network.hidden.0: {10**30}; "),
        (f"network: {{hidden: {[1] * 101}}}", "network.hidden: "),
        (f"train: {{epochs: {10**9}}}", "train.epochs: 1000000000; "),
        (f"train: {{batch_size: {10**30}}}", f"train.batch_size: {10**30}; "),
        (f"augment: {{copies: {10**9}}}", "augment.copies: 1000000000; "),
        (f"prune: {{rounds: {2**70}}}", f"prune.rounds: {2**70}; "),
        (f"prune: {{epochs: {2**70}}}", f"prune.epochs: {2**70}; "),
        (f"prune: {{steps: {2**70}}}", f"prune.steps: {2**70}; "),
        (f"prune: {{retrain: {2**70}}}", f"prune.retrain: {2**70}; "),
        (f"prune: {{place_moves: {2**70}}}", f"prune.place_moves: {2**70}; "),
        (f"quantize: {{rounds: {2**70}}}", f"quantize.rounds: {2**70}; "),
        (f"quantize: {{epochs: {2**70}}}", f"quantize.epochs: {2**70}; "),
    ],
)
def test_a_number_beyond_any_machine_is_refused_with_its_key(keys: str, place: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(keys)
    assert str(caught.value).startswith(place)
    assert any(words in str(caught.value) for words in (" at most ", "or less"))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        # 4 * 9,000 + 9,000^2 + 9,000 * 2 weights of 128 bytes
        (
            "network: {hidden: [9000, 9000]}",
            "network.hidden: [9000, 9000]: need about 10.4 GB of 4.0 GB of memory; use fewer",
        ),
        # 100 copies of 9,000,000 samples, each of 4 bytes and 4 bytes for each of 2 classes
        (
            "augment: {copies: 100}",
            "augment.copies: 100: need about 10.8 GB of 4.0 GB of memory; use fewer",
        ),
    ],
)
def test_a_network_beyond_this_machine_is_refused_before_it_is_made(
    keys: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "memory_of_machine", lambda: 4 * 10**9)
    with pytest.raises(TrainError) as caught:
        memory.check_memory(parse_spec(keys), features=4, classes=2, samples=9_000_000)
    assert str(caught.value) == message


def test_a_learner_counts_the_bits_of_thermometer_codes_as_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = parse_spec("data: {thresholds: [0.25, 0.5, 0.75]}\nnetwork: {hidden: [5]}")
    assert Learner(spec, _data()).sizes == (12, 5, 2)
    monkeypatch.setattr(memory, "memory_of_machine", lambda: 4 * 10**9)
    with pytest.raises(TrainError, match=r"^network\.hidden: \[9000, 9000\]: need about"):
        Learner(parse_spec("network: {hidden: [9000, 9000]}"), _data())


def test_the_memory_of_this_machine_is_more_than_a_gigabyte_and_less_than_a_petabyte() -> None:
    assert 10**9 < memory.memory_of_machine() < 10**15


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    learner = Learner(parse_spec(f"network: {{hidden: [3], weights: {'x' * 300}.pt}}"), _data(), base=tmp_path)
    with pytest.raises(WeightsError, match=r": File name too long; correct network\.weights$"):
        _ = learner.weights


def test_a_file_far_larger_than_the_network_is_refused_unread(tmp_path: Path) -> None:
    """4 * 3 + 3 * 2 = 18 weights; a sparse file of 10 GB, of which no byte is read."""
    with (tmp_path / "m.pt").open("wb") as file:
        file.truncate(10**10)
    learner = Learner(parse_spec("network: {hidden: [3], weights: m.pt}"), _data(), base=tmp_path)
    with pytest.raises(WeightsError, match=r"m\.pt: 10,000,000,000 bytes for a network of 18 weights; save its state"):
        _ = learner.weights
