"""netgen.compile: a user's model becomes hardware as it is, or one line says why not."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

import netgen
from netgen.errors import BuildError, DataError, ModelError, NetgenError, QuantizeError, SpecError
from netgen.flow.imported import Given
from netgen.ir.circuit_file import to_json

compiling = import_module("netgen.flow.compile")
X, Y = load_digits(return_X_y=True)
SMALL: dict[str, Any] = {"place": {"moves": 20_000}, "check": {"simulator": "icarus"}}


def a_model(seed: int = 0) -> nn.Sequential:
    """A perceptron with batch normalization after its ReLU; three weights of four in its first layer are 0."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(64, 12), nn.ReLU(), nn.BatchNorm1d(12), nn.Linear(12, 10))
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    x, y = torch.tensor(X / 16, dtype=torch.float32), torch.tensor(Y)
    for _ in range(150):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        with torch.no_grad():
            weight = model[0].weight
            weight[weight.abs() < weight.abs().quantile(0.75)] = 0  # type: ignore[operator]
    return model.eval()


@pytest.fixture(scope="module")
def model() -> nn.Sequential:
    return a_model()


@pytest.fixture(scope="module")
def compiled(model: nn.Sequential, tmp_path_factory: pytest.TempPathFactory) -> netgen.Build:
    out = tmp_path_factory.mktemp("out")
    return netgen.compile(model, inputs=X[:200], labels=Y[:200], scale=1 / 16, name="mine", out=out, **SMALL)


def test_a_compiled_model_is_as_accurate_as_the_users_own(model: nn.Sequential, compiled: netgen.Build) -> None:
    """The accuracy of the module itself, computed by PyTorch alone, stands beside that of the hardware."""
    with torch.no_grad():
        own = float((model(torch.tensor(X[:200] / 16).float()).argmax(1) == torch.tensor(Y[:200])).float().mean())
    check = compiled.report.check
    assert check.model_accuracy == pytest.approx(own, abs=1e-6)
    assert check.hardware_accuracy is not None
    assert check.hardware_accuracy >= own - 0.02
    assert check.difference is None


def test_the_scores_of_a_compiled_model_are_near_the_modules(model: nn.Sequential, compiled: netgen.Build) -> None:
    circuit = compiled.circuit
    words = netgen.evaluate(circuit, circuit.encode(X[:200]))
    with torch.no_grad():
        expected = model(torch.tensor(X[:200] / 16).float()).numpy()
    found = circuit.heads[0].decode(words)
    assert np.abs(found - expected).max() == pytest.approx(max(compiled.report.check.error), rel=1e-3)
    assert np.sqrt(((found - expected) ** 2).mean()) < 2**-5 * np.sqrt((expected**2).mean())


def test_a_proved_bound_of_the_error_stands_beside_the_measured_one_where_it_says_something(
    compiled: netgen.Build, tmp_path: Path
) -> None:
    """Of one hidden layer of tanh, against PyTorch on 20,000 inputs; words of a deep ReLU network may saturate."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()
    x = np.random.default_rng(1).uniform(-1, 0.99, (100, 4))
    built = netgen.compile(model, inputs=x, name="tanh", out=tmp_path, **SMALL)
    circuit, bound = built.circuit, built.report.check.bound
    many = np.random.default_rng(2).uniform(-1, 0.99, (20_000, 4))
    with torch.no_grad():
        right = model(torch.tensor(many)).numpy()
    worst = np.abs(circuit.heads[0].decode(netgen.evaluate(circuit, circuit.encode(many))) - right).max(axis=0)
    assert (worst <= bound).all()
    assert max(bound) < 0.05 * np.ptp(right)
    assert "; within the proved bound of" in str(built.report)
    assert compiled.report.check.bound == ()


def test_the_report_tells_what_the_model_reads_of_a_raw_feature(compiled: netgen.Build) -> None:
    assert compiled.report.input_word.endswith(
        "reads the number word / 1, of which your model reads raw feature * 0.0625"
    )


def test_nothing_is_pruned_or_trained(model: nn.Sequential, compiled: netgen.Build) -> None:
    left = sum(int(np.count_nonzero(model.state_dict()[f"{k}.weight"])) for k in (0, 3))
    assert compiled.network.wires == left
    assert not (compiled.folder / "dense.json").exists()


def test_a_compiled_folder_is_checked_again_without_the_model(compiled: netgen.Build) -> None:
    again = netgen.recheck(compiled.folder)
    assert again.difference is None
    assert again.hardware_accuracy == compiled.report.check.hardware_accuracy
    assert again.edits == {}


def test_targets_of_a_regression_are_no_labels(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"^labels: from 4 to 7 for one output; .*; for outputs that are no classes leave"
    ):
        netgen.compile(nn.Linear(4, 1), inputs=np.eye(4), labels=[4, 5, 6, 7], name="x", out=tmp_path)


def test_compiling_again_keeps_every_stage(model: nn.Sequential, compiled: netgen.Build) -> None:
    told: list[str] = []
    arguments: dict[str, Any] = {"inputs": X[:200], "labels": Y[:200], "scale": 1 / 16, "name": "mine", **SMALL}
    out = compiled.folder.parent
    netgen.compile(model, out=out, progress=lambda text, _: told.append(text), **arguments)
    assert [text for text in told if text.endswith(": made")] == []


def test_the_spec_of_a_compiled_folder_cannot_be_built_without_the_model(
    compiled: netgen.Build, tmp_path: Path
) -> None:
    with pytest.raises(BuildError, match=r"made by netgen\.compile; compile it again$"):
        netgen.build(compiled.folder / "spec.yaml", out=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"inputs": X[:5, :63]}, "module Sequential: "),
        ({"inputs": X[:5] * np.nan}, "inputs: [0, 0] is nan; every number must be finite"),
        ({"inputs": X[:0]}, "inputs: no sample; give at least one, or None"),
        ({"inputs": X[:5].astype(str)}, "inputs: numbers of type <U32; give real numbers"),
        ({"labels": Y[:4]}, "labels: 4 for 5 inputs; give one for each"),
        ({"labels": Y[:5] + 20}, "labels: from 20 to 24 for 10 outputs; the model's classes are 0 to 9"),
        (
            {"labels": ["a"] * 5},
            "labels: 'a' is no class; give the number of each sample's greatest output",
        ),
        (
            {"labels": np.linspace(0, 1.6, 5)},
            "labels: 0.4 is no class; give the number of each sample's greatest output; for outputs that are no "
            "classes leave labels out: hardware is then compared with the model's values",
        ),
        ({"labels": np.arange(1, 11), "inputs": X[:10]}, "labels: from 1 to 10 for 10 outputs; subtract 1"),
        ({"quantize": {"bits": 3}}, "quantize.bits: unknown key"),
        ({"name": "../x"}, "name: '../x' cannot name a build"),
        ({"mean": "half"}, "mean: 'half'; give numbers"),
        ({"labels": [[1], [2]]}, "labels: 2 for 5 inputs; give one for each"),
        ({"labels": [[1, 2], [2]]}, "labels: setting an array element with a sequence."),
        ({"labels": [None] * 5}, "labels: None is no class; give the number of each sample's greatest output"),
        (
            {"labels": [0.0, 1, 2, 3, np.inf]},
            "labels: inf is no class; give the number of each sample's greatest output",
        ),
        ({"labels": [0.0, 1, 2, 3, 1e300]}, "labels: 1e+300 is no class; give the number"),
        ({"inputs": X[:5] * 1e300}, "inputs: [0, 2] is 5e+300; scale it: models compute in single precision"),
        ({"inputs": np.ma.masked_equal(X[:5], 0)}, "inputs: values that are masked; fill them: x.filled(0)"),
        ({"scale": (1.0, 0.5)}, "scale: 2 numbers; give one, and std for each channel or feature"),
        ({"std": 1e-320}, "network.std: 9.99989e-321; give larger numbers"),
        ({"std": (1.0, 2.0, 3.0)}, "network.std: 3 numbers for an input of shape (64,); give 1, 64 or 64"),
    ],
)
def test_what_does_not_fit_is_one_line(
    arguments: dict[str, Any], line: str, model: nn.Sequential, tmp_path: Path
) -> None:
    given = {"inputs": X[:5], "labels": Y[:5], "name": "x", "out": tmp_path, **arguments}
    if "inputs" in arguments and "labels" not in arguments:
        del given["labels"]
    with pytest.raises((DataError, SpecError, ModelError)) as caught:
        netgen.compile(model, **given)
    assert str(caught.value).startswith(line)


def test_a_module_without_inputs_is_asked_for_one(model: nn.Sequential, tmp_path: Path) -> None:
    with pytest.raises(NetgenError, match="give at least one sample"):
        netgen.compile(model, name="x", out=tmp_path)


def test_tensors_of_pytorch_and_single_numbers_are_taken_as_they_are(
    model: nn.Sequential, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of half the bits, in a column, and with gradients: the same words and labels reach the build."""
    seen: list[Given] = []
    monkeypatch.setattr(compiling, "build", lambda *_, given, **__: seen.append(given))
    raw = torch.tensor(X[:200])
    for inputs, labels in (
        (raw.bfloat16(), torch.tensor(Y[:200, np.newaxis])),
        (raw.clone().requires_grad_(), torch.tensor(Y[:200]).float().requires_grad_()),
    ):
        netgen.compile(model, inputs=inputs, labels=labels, scale=1 / 16, mean=0.0, std=1.0, name="mine")
    for given in seen:
        assert np.array_equal(given.samples.test, X[:200])
        assert np.array_equal(np.asarray(given.samples.labels), Y[:200])


def test_one_hot_labels_are_class_numbers(model: nn.Sequential, compiled: netgen.Build) -> None:
    arguments: dict[str, Any] = {"inputs": X[:200], "scale": 1 / 16, "name": "mine", **SMALL}
    again = netgen.compile(model, labels=np.eye(10)[Y[:200]], out=compiled.folder.parent, **arguments)
    assert again.report.check.hardware_accuracy == compiled.report.check.hardware_accuracy


# A circuit of the user's own: quantized already, and placed as it is.


@pytest.fixture(scope="module")
def again(compiled: netgen.Build, tmp_path_factory: pytest.TempPathFactory) -> netgen.Build:
    out = tmp_path_factory.mktemp("circuit")
    return netgen.compile(compiled.circuit, inputs=X[:50], labels=Y[:50], name="own", out=out, **SMALL)


def test_a_circuit_is_placed_as_it_is(compiled: netgen.Build, again: netgen.Build) -> None:
    assert to_json(again.circuit) == to_json(compiled.circuit)
    assert again.report.wires.total == compiled.report.wires.total
    assert (again.folder / "placement.csv").read_text() == (compiled.folder / "placement.csv").read_text()


def test_the_hardware_of_a_circuit_classifies_as_evaluate_does(compiled: netgen.Build, again: netgen.Build) -> None:
    scores = netgen.evaluate(compiled.circuit, compiled.circuit.encode(X[:50]))
    assert again.report.check.hardware_accuracy == (scores.argmax(1) == Y[:50]).mean()
    assert again.report.check.model_accuracy is None
    assert netgen.recheck(again.folder).difference is None


def test_a_circuit_has_no_float_network(again: netgen.Build) -> None:
    with pytest.raises(BuildError, match=r"built from a circuit, which has no float network; use its circuit$"):
        _ = again.network


def test_another_circuit_of_the_same_name_is_built_anew(again: netgen.Build, tmp_path: Path) -> None:
    first = again.circuit.layers[0]
    other = replace(again.circuit, layers=(replace(first, bias=first.bias + 1), *again.circuit.layers[1:]))
    for circuit in (again.circuit, other):
        built = netgen.compile(circuit, name="own", out=tmp_path, **SMALL)
        assert to_json(built.circuit) == to_json(circuit)
        assert built.report.check.difference is None


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"inputs": X[:5, :60]}, "inputs: shape (5, 60), but the model reads input of (n, 64); give (n, 64)"),
        (
            {"quantize": {"weight_width": 4}},
            "quantize: a Circuit is quantized and scales its inputs by its input_scale",
        ),
        ({"scale": 2.0}, "scale, mean and std: a Circuit is quantized and scales its inputs by its input_scale"),
        ({"inputs": X[:2], "labels": [3, 10]}, "labels: from 3 to 10 for 10 outputs; the model's classes are 0 to 9"),
    ],
)
def test_what_does_not_fit_a_circuit_is_one_line(
    arguments: dict[str, Any], line: str, compiled: netgen.Build, tmp_path: Path
) -> None:
    with pytest.raises(NetgenError) as caught:
        netgen.compile(compiled.circuit, name="x", out=tmp_path, **arguments)
    assert str(caught.value).startswith(line)


# A model that was trained on features of another scale.


def test_a_model_given_features_of_another_scale_is_told_in_one_line(model: nn.Sequential, tmp_path: Path) -> None:
    """The report's first warning is Python's: with the model's own accuracy, as PyTorch has it, and what fits."""
    wrong = 255 / 16 * X[:200]
    with torch.no_grad():
        own = float((model(torch.tensor(wrong).float()).argmax(1) == torch.tensor(Y[:200])).float().mean())
    with pytest.warns(UserWarning, match="data: your model itself, in float, classifies ") as caught:
        built = netgen.compile(model, inputs=wrong, labels=Y[:200], name="raw", out=tmp_path, **SMALL)
    (line,) = [str(one.message) for one in caught]
    assert f"classifies {own:.1%} of 200 samples right as they are given" in line
    assert f"always giving the most frequent class gives {np.bincount(Y[:200]).max() / 200:.1%}" in line
    assert " with scale=1/255; " in line
    assert built.report.warnings[0] == line


def test_the_report_prints_as_text_with_the_layers_of_the_model(compiled: netgen.Build) -> None:
    text = str(compiled.report)
    assert "agreement: exact (200 samples, icarus)" in text
    assert f"non-zero weights after quantization, of {compiled.network.wires} in the model" in " ".join(text.split())
    assert "sparsity" not in text
    assert [row.name for row in compiled.report.wires.layers] == ["0", "3"]


# No data at all.


def test_without_samples_the_range_of_the_inputs_is_asked_for(model: nn.Sequential, tmp_path: Path) -> None:
    network = netgen.read(model, example=X[:1].astype(np.float32))
    with pytest.raises(QuantizeError, match=r"^quantize: no samples, .* give samples, or quantize\.input_range$"):
        netgen.compile(network, name="x", out=tmp_path, **SMALL)
    with pytest.raises(SpecError, match=r"^quantize\.input_range: 1\.0 is not below 0\.0; give the least value first$"):
        netgen.compile(network, name="x", out=tmp_path, quantize={"input_range": (1, 0)}, **SMALL)


def test_without_samples_hardware_and_integers_agree_on_random_words(model: nn.Sequential, tmp_path: Path) -> None:
    """Values from 0 to 1 are input words of 8 bits; formats by random inputs are told."""
    network = netgen.read(model, example=X[:1].astype(np.float32))
    built = netgen.compile(network, name="x", out=tmp_path, quantize={"input_range": (0, 1)}, **SMALL)
    assert built.report.check.difference is None
    assert built.report.check.samples == 1000
    assert built.report.check.hardware_accuracy is None
    words = built.circuit.encode(X / 16)
    assert np.abs(built.circuit.input.decode(words) - X / 16).max() <= 2**-8
    assert any(line.startswith("quantize: formats by 256 random inputs") for line in built.report.warnings)


class TwoHeads(nn.Module):
    """Class scores and a box, from one hidden layer."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.hidden, self.scores, self.box = nn.Linear(64, 4), nn.Linear(4, 10), nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Both outputs."""
        hidden = torch.relu(self.hidden(x))
        return self.scores(hidden), self.box(hidden)


def test_two_outputs_are_compiled_each_on_its_own(tmp_path: Path) -> None:
    """No output alone is the class, so hardware gives the values of both; labels are compared with the first."""
    model = TwoHeads().eval()
    build = netgen.compile(model, inputs=X[:20] / 16, labels=Y[:20], name="two", out=tmp_path, **SMALL)
    with torch.no_grad():
        scores, box = model(torch.tensor(X[:20] / 16).float())
    assert build.report.check.model_accuracy == pytest.approx((scores.argmax(1).numpy() == Y[:20]).mean())
    circuit = build.circuit
    words = netgen.evaluate(circuit, circuit.encode(X[:20] / 16))
    assert [head.neuron.size for head in circuit.heads] == [10, 4]
    assert np.abs(circuit.heads[1].decode(words[:, 10:]) - box.numpy()).max() < 0.05 * np.abs(box.numpy()).max()
    assert build.report.check.difference is None


def test_data_of_more_classes_than_the_network_has_outputs_are_refused(tmp_path: Path) -> None:
    """Ten digits for five outputs, which would classify half of them wrong without a word."""
    program = torch.export.export(nn.Linear(64, 5).eval(), (torch.zeros(1, 64),))
    torch.export.save(program, tmp_path / "five.pt2")
    (tmp_path / "five.yaml").write_text("network: {source: five.pt2}")
    with pytest.raises(DataError, match=r"^data: 10 classes, the network has 5 outputs; name other data$"):
        netgen.build(tmp_path / "five.yaml", out=tmp_path / "out", until="quantize")


@pytest.mark.parametrize("section", ["train", "augment", "prune", "quantize", "place", "emit", "check"])
def test_a_section_that_is_no_dictionary_is_refused(section: str) -> None:
    with pytest.raises(SpecError) as caught:
        netgen.compile(nn.Linear(2, 2), name="a", inputs=np.zeros((1, 2)), **{section: "obs"})  # type: ignore[arg-type]
    assert str(caught.value) == f"{section}: 'obs' is no dictionary; give keys of the section and their values"
