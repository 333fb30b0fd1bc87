"""Networks of which one part is spoiled on purpose: it is blamed, and the remedy that is told is enough.

Two equal neurons that are read with weights +w and -w change nothing in float; but a large w, or large values of the
two, need a step in which everything beside them is rounded away.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from report_samples import placements, random_netlist, sample_report
from sklearn.datasets import load_digits
from torch import nn

import netgen
from netgen.flow.blame import Blame, blame, loss_of
from netgen.flow.imported import RawSamples
from netgen.ir.fixed import Reals
from netgen.report import HeadFidelity
from netgen.spec.sections import QuantizeSpec

X, Y = load_digits(return_X_y=True)
BITS_8 = QuantizeSpec(weight_width=8, activation_width=8)
SMALL: dict[str, Any] = {"place": {"moves": 20_000}, "check": {"simulator": "icarus"}}


class Classifier(nn.Module):
    """Three layers for the digits, with pixels from 0 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(64, 16), nn.Linear(16, 12), nn.Linear(12, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores, (n, 10)."""
        scores: torch.Tensor = self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x)))))
        return scores


@pytest.fixture(scope="module")
def trained() -> dict[str, torch.Tensor]:
    """Weights that classify the digits, where neurons 0 and 1 of `fc1` are equal and read with opposite weights."""
    torch.manual_seed(0)
    model = Classifier()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    x, y = torch.tensor(X / 16, dtype=torch.float32), torch.tensor(Y)
    for _ in range(200):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        with torch.no_grad():
            model.fc1.weight[1], model.fc1.bias[1] = model.fc1.weight[0], model.fc1.bias[0]
            model.fc2.weight[:, 1] = -model.fc2.weight[:, 0]
    return model.state_dict()


def large_weights(state: dict[str, torch.Tensor]) -> None:
    state["fc2.weight"][:, 0], state["fc2.weight"][:, 1] = 300.0, -300.0


def large_weights_of_one_neuron(state: dict[str, torch.Tensor]) -> None:
    state["fc2.weight"][5, 0], state["fc2.weight"][5, 1] = 300.0, -300.0


def large_activations(state: dict[str, torch.Tensor]) -> None:
    state["fc1.bias"][:2] += 1000.0


def spoiled(trained: dict[str, torch.Tensor], spoil: Callable[[dict[str, torch.Tensor]], None]) -> Classifier:
    model = Classifier().double()
    state = {name: tensor.double().clone() for name, tensor in trained.items()}
    spoil(state)
    model.load_state_dict(state)
    return model.eval()


def own_accuracy(model: nn.Module, x: Reals, y: npt.NDArray[np.int64]) -> float:
    """By PyTorch alone."""
    with torch.no_grad():
        return float((model(torch.tensor(x)).argmax(1).numpy() == y).mean())


def blamed(model: nn.Module, *, labels: bool, x: Reals = X / 16, spec: QuantizeSpec = BITS_8) -> Blame:
    found = blame(netgen.read(model, example=x[:1]), RawSamples(x, x, Y if labels else None), spec)
    assert found is not None
    return found


@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize(
    ("spoil", "part", "remedy"),
    [
        (large_weights, ("weights", "fc2"), "quantize.weight_width: {fc2: "),
        (large_activations, ("activations", "fc1"), "quantize.equalize: true"),
    ],
)
def test_the_spoiled_part_is_blamed_and_widened(
    spoil: Callable[[dict[str, torch.Tensor]], None],
    part: tuple[str, str],
    remedy: str,
    labels: bool,
    trained: dict[str, torch.Tensor],
) -> None:
    """By accuracy; without labels by signal to noise."""
    found = blamed(spoiled(trained, spoil), labels=labels)
    assert (found.kind, found.layer, found.width) == (*part, 8)
    assert found.cost > 0.9
    assert found.remedy.startswith(remedy)
    assert found.enough
    assert found.after.endswith("%" if labels else "dB")


def test_weights_that_spoil_one_neuron_get_a_step_for_each_channel(trained: dict[str, torch.Tensor]) -> None:
    found = blamed(spoiled(trained, large_weights_of_one_neuron), labels=True)
    assert (found.kind, found.layer, found.remedy, found.tried) == ("weights", "fc2", "quantize.per_channel: true", 1)
    assert found.enough


def test_an_equalized_layer_that_is_too_narrow_is_widened(trained: dict[str, torch.Tensor]) -> None:
    spec = BITS_8.model_copy(update={"equalize": True, "activation_width": {"fc1": 2, "others": 8}})
    found = blamed(spoiled(trained, lambda _: None), labels=True, spec=spec)
    assert (found.kind, found.layer, found.width) == ("activations", "fc1", 2)
    assert found.remedy.startswith("quantize.activation_width: {fc1: ")
    assert found.enough


def test_inputs_beside_a_large_one_that_nothing_reads_are_blamed(trained: dict[str, torch.Tensor]) -> None:
    """Pixels up to 0.37 beside values up to 100: 8 bits have a step of 1/2, 12 bits of 1/32."""
    wide = nn.Sequential(nn.Linear(65, 64, bias=False), spoiled(trained, lambda _: None)).double()
    pixels = np.concatenate([np.eye(64) / 0.37, np.zeros((64, 1))], axis=1)
    wide.load_state_dict({**wide.state_dict(), "0.weight": torch.tensor(pixels)})
    x = np.concatenate([0.37 * X / 16, np.random.default_rng(0).uniform(0, 100, (len(X), 1))], axis=1)
    found = blamed(wide.eval(), labels=True, x=x)
    assert (found.kind, found.layer, found.width) == ("inputs", "", 8)
    assert found.remedy == "quantize.input_width: 12"
    assert str(found).startswith("the 8-bit inputs cost most (")


def test_a_stated_range_in_which_the_inputs_saturate_is_corrected(trained: dict[str, torch.Tensor]) -> None:
    spec = BITS_8.model_copy(update={"input_range": (0.0, 0.125)})
    found = blamed(spoiled(trained, lambda _: None), labels=True, spec=spec)
    assert (found.kind, found.remedy, found.enough) == ("inputs", "quantize.input_range: [0, 1]", True)


def test_where_all_words_are_too_narrow_all_are_widened(trained: dict[str, torch.Tensor]) -> None:
    """Weights of 3 bits in every layer, of which one alone is not enough."""
    spec = QuantizeSpec(weight_width=3, activation_width=3)
    found = blamed(spoiled(trained, lambda _: None), labels=True, spec=spec)
    assert found.cost < 0.9
    assert found.remedy == "quantize: {weight_width: 5, activation_width: 5}"


def test_nothing_is_blamed_where_nothing_is_lost(trained: dict[str, torch.Tensor]) -> None:
    network = netgen.read(spoiled(trained, lambda _: None), example=X[:1] / 16)
    wide = QuantizeSpec(weight_width=16, activation_width=16)
    assert blame(network, RawSamples(X / 16, X / 16, Y), wide) is None


def test_a_loss_is_of_accuracy_or_of_classes_or_of_signal_and_more_than_a_hundredth() -> None:
    netlist = random_netlist((4, 3, 2), 10, seed=1)
    check = sample_report(netlist, *placements(netlist, seed=1)).check
    head = HeadFidelity("y", worst=1.0, mean=0.1, snr=40.0, samples=100, saturated=0.0)

    def text(model: float | None = None, hardware: float | None = None, *heads: HeadFidelity) -> str | None:
        loss = loss_of(replace(check, model_accuracy=model, hardware_accuracy=hardware, heads=heads))
        return None if loss is None else f"{loss.head}: {loss.text}"

    assert text(1.0, 0.99) is None
    assert text(0.95, 0.9, head) == "0: accuracy fell from 95.0% (your model, in float) to 90.0% (hardware)"
    pruned = replace(check, model_accuracy=0.95, pruned_accuracy=0.905, hardware_accuracy=0.9)
    assert loss_of(pruned) is None
    loss = loss_of(replace(pruned, pruned_accuracy=0.93))
    assert loss is not None
    assert loss.text == "accuracy fell from 93.0% (the pruned network, in float) to 90.0% (hardware)"
    assert text(None, None, head) is None
    assert text(None, None, replace(head, snr=19.9)) == "0: signal to noise is 19.9 dB"
    assert text(None, None, replace(head, snr=20.1)) is None
    other = replace(head, name="class", same_class=0.98)
    assert text(None, None, head, other) == "1: the class of output class is not your model's for 2.0% of the samples"
    assert text(None, None, replace(head, snr=10.0), other) == "0: signal to noise of output y is 10.0 dB"
    assert text() is None


def test_compile_tells_the_layer_to_blame_and_what_to_write_which_is_then_enough(
    trained: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    model, x, y = spoiled(trained, large_weights), X[:100] / 16, Y[:100]
    own = own_accuracy(model, x, y)
    first = netgen.compile(model, inputs=x, labels=y, name="a", out=tmp_path, **SMALL)
    hardware = first.report.check.hardware_accuracy
    (line,) = [line for line in first.report.warnings if "fell" in line]
    assert line.startswith(
        f"quantize: accuracy fell from {own:.1%} (your model, in float) to {hardware:.1%} (hardware): the 8-bit "
        "weights of layer fc2 cost most ("
    )
    told = re.search(r"; quantize\.weight_width: \{fc2: (\d+)\} is enough: ", line)
    assert told is not None
    assert line.endswith(f", {own:.1%} in float, on 100 samples")
    widths = {"fc2": int(told[1])}
    wider = netgen.compile(
        model, inputs=x, labels=y, name="b", out=tmp_path, quantize={"weight_width": widths}, **SMALL
    )
    assert not [line for line in wider.report.warnings if "fell" in line]
    assert wider.report.check.hardware_accuracy == pytest.approx(own, abs=0.01 + 1e-9)
    assert f" is enough: {wider.report.check.hardware_accuracy:.1%}, " in line


def test_a_spec_tells_the_layer_to_blame(trained: dict[str, torch.Tensor], tmp_path: Path) -> None:
    model = spoiled(trained, large_activations).float()
    torch.export.save(torch.export.export(model, (torch.zeros(1, 64),)), tmp_path / "net.pt2")
    (tmp_path / "net.yaml").write_text(
        "network: {source: net.pt2, scale: 0.0625}\nquantize: {weight_width: 8, activation_width: 8}\n"
        "place: {moves: 20000}\ncheck: {simulator: icarus, samples: 60}\n"
    )
    found = netgen.build(tmp_path / "net.yaml", out=tmp_path).report.warnings
    (line,) = [line for line in found if "fell" in line]
    assert ": the 8-bit activations of layer fc1 cost most (" in line
    assert re.search(r"; quantize\S+ .* is enough: ", line)
    assert line.endswith("on 60 samples")
