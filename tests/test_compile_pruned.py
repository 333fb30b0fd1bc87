"""A user's own model, pruned for short wires from its own weights."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import netgen
from netgen.data import Dataset
from netgen.errors import CheckError, DataError, SpecError, TrainError
from netgen.flow.array_files import write_arrays
from netgen.flow.verify import recheck
from netgen.ir.functions import PiecewiseLinear
from netgen.ir.network_file import arrays_of

Arrays = tuple[np.ndarray, np.ndarray]
PRUNE = {"rule": "obs_distance", "sparsity": None, "wire_length": 700, "rounds": 3, "schedule": "gradual", "retrain": 5}


@pytest.fixture(scope="module")
def samples(digits: Dataset) -> tuple[Arrays, Arrays]:
    """Standardised digits as the model reads them, (n, 1, 8, 8): for training and for test."""
    found = []
    for split in (digits.train, digits.test):
        raw = split.features.astype(np.float64) / digits.scale
        found.append((((raw - 5) / 6).reshape(-1, 1, 8, 8), split.labels))
    return found[0], found[1]


@pytest.fixture(scope="module")
def model(samples: tuple[Arrays, Arrays]) -> nn.Sequential:
    torch.manual_seed(1)
    made = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(54, 10))
    x, y = torch.from_numpy(samples[0][0]).float(), torch.from_numpy(samples[0][1].copy())
    optimizer = torch.optim.Adam(made.parameters(), 0.01)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(made(x), y).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return made.eval()


@pytest.fixture(scope="module")
def pruned(
    model: nn.Sequential, samples: tuple[Arrays, Arrays], tmp_path_factory: pytest.TempPathFactory
) -> netgen.Build:
    return netgen.compile(
        model,
        name="own",
        inputs=samples[1][0],
        labels=samples[1][1],
        training=samples[0],
        train={"learning_rate": 0.005, "batch_size": 64, "regularizer": "distance", "strength": 0.01},
        prune=PRUNE,
        place={"moves": 100_000, "certificate": False},
        check={"samples": 50, "simulator": "icarus"},
        out=tmp_path_factory.mktemp("out"),
    )


def test_a_users_model_is_pruned_from_its_own_weights(
    model: nn.Sequential, pruned: netgen.Build, samples: tuple[Arrays, Arrays]
) -> None:
    """Accuracies are counted here; a network with new weights could not be as good after five epochs."""
    x, y = samples[1]
    with torch.no_grad():
        own = float((model(torch.from_numpy(x).float()).argmax(dim=1).numpy() == y).mean())
    left = float((np.asarray(pruned.network.evaluate(x)).argmax(axis=1) == y).mean())
    assert own > 0.9
    assert left > own - 0.12
    assert pruned.report.check.agreement == "exact"
    assert pruned.report.wires.total < 1_000
    assert pruned.network.wires < netgen.read(model, example=torch.from_numpy(x[:1]).float()).wires / 5


def test_the_report_tells_what_pruning_did(pruned: netgen.Build) -> None:
    assert pruned.report.imported is not None
    assert not pruned.report.imported.kept
    assert any(line.startswith("prune: ") and "validation accuracy" in line for line in pruned.report.warnings)


def test_what_is_called_your_model_is_the_model_before_pruning(
    model: nn.Sequential, pruned: netgen.Build, samples: tuple[Arrays, Arrays]
) -> None:
    """Scores are PyTorch's and the circuit's, on the 50 samples that were checked; the pruned network differs."""
    x, y = samples[1][0][:50], samples[1][1][:50]
    with torch.no_grad():
        own = model(torch.from_numpy(x).float()).double().numpy()
    circuit = pruned.circuit
    (head,) = circuit.heads
    words = netgen.evaluate(circuit, circuit.encode(x.reshape(50, -1)))
    found = head.decode(words)
    left = np.asarray(pruned.network.evaluate(x))
    check = pruned.report.check
    assert check.model_accuracy == (own.argmax(axis=1) == y).mean()
    assert check.pruned_accuracy == (left.argmax(axis=1) == y).mean()
    assert check.hardware_accuracy == (words.argmax(axis=1) == y).mean()
    (errors,) = check.heads
    assert errors.same_class == (own.argmax(axis=1) == words.argmax(axis=1)).mean()
    assert errors.snr == pytest.approx(10 * np.log10((own**2).mean() / ((found - own) ** 2).mean()), abs=1e-3)
    assert max(check.error) == pytest.approx(np.abs(found - own).max(), rel=1e-4)
    assert check.reference == "your model"
    assert check.bound == ()
    assert check.trained_accuracy is None
    assert (errors.same_class, check.model_accuracy) != (1.0, check.pruned_accuracy)


def test_the_report_counts_the_wires_before_pruning_and_names_each_network(
    model: nn.Sequential, pruned: netgen.Build, samples: tuple[Arrays, Arrays]
) -> None:
    before = netgen.read(model, example=torch.from_numpy(samples[0][0][:1]).float()).wires
    text = " ".join(str(pruned.report).split())
    assert f"{pruned.network.wires:,} after pruning, of {before:,} before pruning" in text
    assert "your model, in float" in text
    assert "the pruned network, in float" in text
    assert "in the model" not in text
    assert (pruned.report.weights_total, pruned.report.weights_left) == (before, pruned.network.wires)
    assert recheck(pruned.folder) == pruned.report.check


def test_another_network_before_pruning_is_refused_when_a_build_is_checked_again(
    pruned: netgen.Build, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(pruned.folder, tmp_path / "copy"))
    other = netgen.read(nn.Linear(3, 2).eval(), example=torch.zeros(1, 3))
    write_arrays(copy / "dense.npz", arrays_of(other))
    with pytest.raises(CheckError) as caught:
        recheck(copy)
    assert str(caught.value) == (
        f"{copy}/dense.npz: 3 inputs and 2 outputs, where circuit.json has 64 inputs and 10 outputs; undo the edit, or "
        "build it again"
    )


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"prune": PRUNE}, r"^train, prune: no samples to train on; give training=\(x, y\)$"),
        ({"training": (np.zeros((2, 1, 8, 8)), [0, 1])}, "^training: nothing is trained; give prune=, train= or"),
        ({"prune": PRUNE, "training": np.zeros((2, 64))}, r"^training: give samples and labels, \(x, y\)$"),
        (
            {"prune": PRUNE, "training": (np.zeros((2, 1, 8, 8)), [0, 1])},
            "^inputs, labels: a model that is trained further",
        ),
    ],
)
def test_what_is_missing_is_asked_for(
    model: nn.Sequential, tmp_path: Path, keys: dict[str, object], problem: str
) -> None:
    with pytest.raises(DataError, match=problem):
        netgen.compile(model, name="a", inputs=np.zeros((2, 1, 8, 8)), out=tmp_path, **keys)  # type: ignore[arg-type]


def test_training_samples_of_other_numbers_or_missing_classes_are_refused(model: nn.Sequential, tmp_path: Path) -> None:
    x = np.zeros((3, 1, 8, 8))
    for labels, problem in (
        ([0, 1], "^training: 2 labels for 3 samples"),
        ([0, 2, 2], "^training: no sample of class 1"),
        ([0, 1, 1], "^training: no sample of class 2"),
        (["a", "b", "c"], "^training: labels: 'a' is no class"),
    ):
        with pytest.raises(DataError, match=problem):
            netgen.compile(model, name="a", inputs=x, labels=[0, 1, 2], training=(x, labels), prune=PRUNE, out=tmp_path)


def test_functions_of_a_users_model_are_trained_where_asked_for(
    model: nn.Sequential, samples: tuple[Arrays, Arrays], tmp_path: Path
) -> None:
    """Functions begin as ReLU, which bends once, by 1 at 0."""
    build = netgen.compile(
        model,
        name="bent",
        inputs=samples[1][0],
        labels=samples[1][1],
        training=samples[0],
        network={"activation": "piecewise"},
        train={"learning_rate": 0.005, "batch_size": 64},
        prune={**PRUNE, "wire_length": 1500, "rounds": 1, "retrain": 2},
        place={"moves": 10_000, "certificate": False},
        check={"samples": 5, "simulator": "icarus"},
        out=tmp_path,
    )
    functions = [function for layer in build.network.layers for function in layer.activation]
    bent = [function for function in functions if isinstance(function, PiecewiseLinear)]
    assert bent
    assert any(len(np.unique(function.bends)) > 2 for function in bent)
    assert build.report.check.agreement == "exact"


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        (
            {"activation": "piecewise"},
            r"^network\.activation: 'piecewise' is trained while the model is pruned; give prune",
        ),
        ({"hidden": [3]}, r"^network\.hidden: the model is the network; the only key to give is activation$"),
        ({"scale": 2}, r"^network\.scale: give it to compile itself, as scale=$"),
        ("piecewise", r"^network: 'piecewise'; give a dictionary"),
    ],
)
def test_keys_of_the_network_that_mean_nothing_beside_a_model_are_refused(
    model: nn.Sequential, tmp_path: Path, keys: object, problem: str
) -> None:
    with pytest.raises(SpecError, match=problem):
        netgen.compile(model, name="a", inputs=np.zeros((2, 1, 8, 8)), network=keys, out=tmp_path)  # type: ignore[arg-type]


def test_training_samples_alone_are_not_enough(model: nn.Sequential, tmp_path: Path) -> None:
    training = np.zeros((2, 1, 8, 8)), [0, 1]
    with pytest.raises(DataError, match=r"^inputs, labels: a model that is trained further is checked on test samples"):
        netgen.compile(model, name="a", training=training, prune={"sparsity": 0.5}, out=tmp_path)


class Heads(nn.Module):
    """Scores of the classes, and a number that is greater than all of them; in any order."""

    def __init__(self, *, first: bool) -> None:
        super().__init__()
        self.scores, self.number, self.first = nn.Linear(64, 10), nn.Linear(64, 1), first
        nn.init.constant_(self.number.bias, 100.0)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Map (n, 1, 8, 8) to both."""
        flat = x.flatten(1)
        found = self.scores(flat), self.number(flat)
        return found if self.first else (found[1], found[0])


@pytest.mark.filterwarnings("ignore:data. your model itself")  # it is not trained before
def test_a_model_of_several_outputs_is_pruned_by_its_first_one(samples: tuple[Arrays, Arrays], tmp_path: Path) -> None:
    """The accuracy in integers is counted here, on the test samples; another output is greater than all scores."""
    torch.manual_seed(1)
    x, y = samples[0]
    keys: dict[str, Any] = {
        "inputs": x[:300],
        "labels": y[:300],
        "training": samples[0],
        "train": {"learning_rate": 0.02, "batch_size": 64},
        "prune": {"rule": "magnitude", "sparsity": 0.3, "rounds": 1, "retrain": 2},
        "place": {"moves": 1_000, "certificate": False},
        "check": {"samples": 5, "simulator": "icarus"},
        "out": tmp_path,
    }
    with pytest.raises(TrainError, match=r"^prune: the first output, .*, has 1 of 10 scores of classes"):
        netgen.compile(Heads(first=False).eval(), name="last", **keys)
    build = netgen.compile(Heads(first=True).eval(), name="first", **keys)
    words = netgen.evaluate(build.circuit, build.circuit.encode(x.reshape(len(x), -1)))
    told = json.loads((build.folder / "quantized.json").read_text())["validation_accuracy"]
    assert told == pytest.approx((words[:, :10].argmax(axis=1) == y).mean(), abs=0.1)
    assert told > 0.7
    (line,) = (line for line in build.report.warnings if line.startswith("prune: only "))
    assert "the first output, has labels; " in line
