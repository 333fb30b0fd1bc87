"""Networks that were read are fine-tuned under quantization when asked, and never worse for it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import netgen
from netgen.data import Dataset, Examples
from netgen.errors import DataError, QuantizeError, SpecError
from netgen.importer.inputs import of_raw_features
from netgen.ir import functions as f
from netgen.ir.circuit import Circuit, evaluate
from netgen.ir.circuit_file import to_json
from netgen.ir.network import Head, Network
from netgen.learn.fine_tuning import fine_tune
from netgen.quantize import quantize_read
from netgen.spec.spec import Spec, parse_spec, parse_tree


class Residual(nn.Module):
    """Three convolutions, a skip, a maximum, leaky ReLU and tanh."""

    def __init__(self) -> None:
        super().__init__()
        self.entry = nn.Conv2d(1, 6, 3, padding=1)
        self.inner = nn.Conv2d(6, 6, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.last = nn.Conv2d(6, 8, 3)
        self.scores = nn.Linear(32, 10)
        self.leaky = nn.LeakyReLU(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """Scores (n, 10) of images (n, 64)."""
        entry = self.leaky(self.entry(x.view(-1, 1, 8, 8)))
        pooled = self.pool(self.leaky(self.inner(entry) + entry))
        found: Tensor = self.scores(torch.tanh(self.last(pooled)).flatten(1))
        return found


def examples(digits: Dataset, name: str) -> Examples:
    """The raw samples of a split."""
    split = getattr(digits, name)
    return Examples(split.features.astype(np.float64) / digits.scale, split.labels)


@pytest.fixture(scope="module")
def network(digits: Dataset) -> Network:
    torch.manual_seed(1)
    model, seen = Residual(), examples(digits, "train")
    assert seen.labels is not None
    x, y = torch.from_numpy(seen.raw).float() / 16, torch.from_numpy(seen.labels.copy())
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(100):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return of_raw_features(netgen.read(model.eval(), example=x[:1]), scale=1 / 16, mean=(), std=())


def spec(**quantize: object) -> Spec:
    """3 bits for everything, by which calibration loses much."""
    section = {"weight_width": 3, "activation_width": 3, "epochs": 4, "learning_rate": 0.002, **quantize}
    tree = {"network": {"source": "given"}, "data": {"source": "given"}, "train": {"batch_size": 32}}
    return parse_tree({**tree, "quantize": section})


def tuned(network: Network, digits: Dataset, chosen: Spec) -> tuple[Circuit, tuple[str, ...]]:
    """The fine-tuned circuit and its notes."""
    seen, held = examples(digits, "train"), examples(digits, "validation")
    found = fine_tune(network, seen.raw, seen, held, chosen)
    return found.circuit, found.notes


def values(circuit: Circuit, raw: np.ndarray) -> np.ndarray:
    """The scores of a circuit as numbers."""
    return circuit.heads[0].decode(evaluate(circuit, circuit.encode(raw)))


def accuracy(circuit: Circuit, digits: Dataset) -> float:
    """On the test samples, which fine-tuning has not seen."""
    test = examples(digits, "test")
    return float((values(circuit, test.raw).argmax(axis=1) == test.labels).mean())


@pytest.fixture(scope="module")
def calibrated(network: Network, digits: Dataset) -> Circuit:
    return quantize_read(network, examples(digits, "train").raw, spec().quantize).circuit


def test_labels_bring_back_accuracy_that_calibration_lost(
    network: Network, digits: Dataset, calibrated: Circuit
) -> None:
    """86.1 % of the test samples calibrated, 97.5 % in float."""
    circuit, notes = tuned(network, digits, spec(fine_tune="labels"))
    assert accuracy(calibrated, digits) < 0.88
    assert accuracy(circuit, digits) > 0.92
    assert notes[0].startswith("quantize: weights and biases were fine-tuned against labels and are not those of your ")
    assert "4 epochs of 1,293 samples, the best epoch by 144 others" in notes[0]


def test_the_networks_own_outputs_bring_it_back_without_labels(
    network: Network, digits: Dataset, calibrated: Circuit
) -> None:
    """The mean squared error of the scores falls to less than 3/5."""
    seen, held = (replace(examples(digits, name), labels=None) for name in ("train", "validation"))
    circuit = fine_tune(network, seen.raw, seen, held, spec(fine_tune="outputs")).circuit
    raw = examples(digits, "test").raw
    right = np.asarray(network.evaluate(raw))
    before, after = (float(((values(one, raw) - right) ** 2).mean()) for one in (calibrated, circuit))
    assert after < 0.6 * before
    assert accuracy(circuit, digits) > 0.92


def test_equal_seeds_give_equal_circuits(network: Network, digits: Dataset) -> None:
    chosen = spec(fine_tune="labels", epochs=1)
    first, second, other = (
        to_json(tuned(network, digits, one)[0])
        for one in (chosen, chosen, chosen.model_copy(update={"seed": chosen.seed + 1}))
    )
    assert first == second != other


def test_weights_stay_as_calibrated_where_no_epoch_is_better(
    network: Network, digits: Dataset, calibrated: Circuit
) -> None:
    """A rate of 50 destroys every weight at once."""
    circuit, notes = tuned(network, digits, spec(fine_tune="outputs", epochs=1, learning_rate=50))
    assert to_json(circuit) == to_json(calibrated)
    assert notes[0].startswith(
        "quantize: fine-tuning against the outputs of your model found nothing better: weights stay as calibrated"
    )


def test_the_cost_is_told_before_it_begins(network: Network, digits: Dataset) -> None:
    said: list[str] = []
    seen, held = examples(digits, "train"), examples(digits, "validation")
    chosen = spec(fine_tune="labels", epochs=1)
    fine_tune(network, seen.raw, seen, held, chosen, progress=lambda line, _: said.append(line))
    assert said[0].startswith("quantize: fine-tuning: 1 epochs of 1,293 samples through 22,760 wires, about ")
    assert said[1].startswith("quantize: fine-tuning: epoch 1 of 1, validation accuracy ")


def test_what_cannot_be_fine_tuned_is_refused(network: Network, digits: Dataset) -> None:
    seen, held = examples(digits, "train"), examples(digits, "validation")
    with pytest.raises(QuantizeError) as found:
        fine_tune(network, seen.raw, replace(seen, labels=None), held, spec(fine_tune="labels"))
    assert str(found.value) == "quantize.fine_tune: no labels; give labels, or set fine_tune to outputs"
    single = replace(network, outputs=(Head("one", network.outputs[0].neuron[:1]),))
    with pytest.raises(QuantizeError, match="labels need an output of at least two values; set fine_tune to outputs"):
        fine_tune(single, seen.raw, seen, held, spec(fine_tune="labels"))
    whole = replace(network.layers[0], activation=(f.Quantize(1.0, 0.0, -8.0, 7.0),))
    quantized = replace(network, layers=(whole, *network.layers[1:]))
    with pytest.raises(QuantizeError, match=r"keeps its integers; set quantize.requantize to shift, or fine_tune to n"):
        fine_tune(quantized, seen.raw, seen, held, spec(fine_tune="labels"))
    with pytest.raises(SpecError, match=r"quantize.fine_tune: is for network.source and network.layers; a perceptron"):
        parse_spec("quantize: {fine_tune: labels}")


SMALL: dict[str, Any] = {"check": {"samples": 20, "simulator": "icarus"}, "place": {"moves": 1000}}


def compiled(tmp_path: Path, digits: Dataset, **given: Any) -> netgen.Build:
    """A small network of the user's, compiled with 3 bits."""
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(64, 12), nn.ReLU(), nn.Linear(12, 10))
    test = examples(digits, "test")
    found: netgen.Build = netgen.compile(
        model.eval(), name="small", inputs=test.raw, out=tmp_path, scale=1 / 16, **SMALL, **given
    )
    return found


def test_inputs_alone_are_divided_into_what_is_trained_on_and_what_is_measured(tmp_path: Path, digits: Dataset) -> None:
    """360 inputs: 72 are test samples, 29 of the others choose the epoch."""
    quantize = {"weight_width": 3, "fine_tune": "labels", "epochs": 2, "learning_rate": 0.01}
    with pytest.warns(UserWarning, match="your model itself"):  # it was not trained
        build = compiled(tmp_path, digits, labels=examples(digits, "test").labels, quantize=quantize)
    notes = build.report.warnings
    assert any("2 epochs of 259 samples, the best epoch by 29 others" in note for note in notes)
    assert (
        "quantize: 72 of the 360 inputs, drawn at random, are test samples, on which model and hardware are measured; "
        "fine-tuning saw the others"
    ) in notes
    assert build.report.check.agreement == "exact"
    assert not any("no effect" in note for note in notes)


def test_outputs_are_reproduced_on_samples_for_calibration_where_there_are_some(
    tmp_path: Path, digits: Dataset
) -> None:
    """All inputs stay test samples; no labels are needed."""
    quantize = {"weight_width": 3, "fine_tune": "outputs", "epochs": 2}
    build = compiled(tmp_path, digits, calibration=examples(digits, "train").raw, quantize=quantize)
    notes = build.report.warnings
    assert "quantize: fine-tuned on the 1,293 samples for calibration" in notes
    assert any("2 epochs of 1,163 samples, the best epoch by 130 others" in note for note in notes)


def test_a_model_is_fine_tuned_on_samples_for_training_without_being_pruned(tmp_path: Path, digits: Dataset) -> None:
    seen, test = examples(digits, "train"), examples(digits, "test")
    quantize = {"weight_width": 3, "fine_tune": "labels", "epochs": 2, "learning_rate": 0.01}
    with pytest.warns(UserWarning, match="your model itself"):
        build = compiled(
            tmp_path,
            digits,
            labels=test.labels,
            training=(seen.raw, seen.labels),
            train={"batch_size": 32},
            quantize=quantize,
        )
    assert build.circuit.wires <= build.network.wires
    assert build.network.wires == 64 * 12 + 12 * 10
    assert any("2 epochs of 1,163 samples, the best epoch by 130 others" in note for note in build.report.warnings)


def test_fine_tuning_without_labels_or_samples_is_refused(tmp_path: Path, digits: Dataset) -> None:
    with pytest.raises(DataError, match=r"quantize.fine_tune: labels need labels; give them, or set fine_tune to outp"):
        compiled(tmp_path, digits, quantize={"fine_tune": "labels"})
    torch.manual_seed(2)
    network = netgen.read(nn.Linear(4, 2), example=torch.zeros(1, 4))
    with pytest.raises(DataError, match=r"quantize.fine_tune: no samples; give inputs, or calibration"):
        netgen.compile(network, name="none", out=tmp_path, quantize={"fine_tune": "outputs"})
