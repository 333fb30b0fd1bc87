"""What a new user brings: a network is compiled as PyTorch computes it, or refused in one line that names the cause.

Expected values are PyTorch's own, from small networks that are trained here.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.utils import prune

import netgen
from netgen.errors import ModelError, NetgenError
from netgen.quantize import quantize_network, quantize_read
from netgen.spec.sections import QuantizeSpec

DIGITS, LABELS = load_digits(return_X_y=True)
FEATURES = DIGITS.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16) / 16
"""(1797, 16) means of 2 x 2 pixels, 0 to 1."""
BITS = 12
RATIO = 30.0
"""Decibels that step functions leave, which read sums of 10 bits; another slope, place or eps leaves less than 20."""
SMALL: dict[str, Any] = {"place": {"moves": 20_000}, "check": {"simulator": "icarus"}}


def trained(module: nn.Module, x: Any = FEATURES, *, steps: int = 60) -> nn.Module:
    """The module, trained to classify the digits for some steps, in evaluation mode."""
    torch.manual_seed(0)
    for part in module.modules():
        if hasattr(part, "reset_parameters"):
            part.reset_parameters()  # type: ignore[operator]
    inputs, labels = torch.tensor(np.array(x), dtype=torch.float32), torch.tensor(LABELS)
    optimizer = torch.optim.Adam(module.parameters(), 0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(inputs), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return module.eval()


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.enter, self.inner, self.leave = nn.Linear(16, 12), nn.Linear(12, 12), nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.enter(x))
        scores: Tensor = self.leave(x + torch.relu(self.inner(x)))
        return scores


class OutOfOrder(nn.Module):
    """The layer that is called last is defined first, and both could stand in either place."""

    def __init__(self) -> None:
        super().__init__()
        self.late, self.early = nn.Linear(16, 16), nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.late(torch.tanh(self.early(x)))
        return scores


class Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.fc(x)
        return scores if scores.sum() > 0 else -scores


class TwoInputs(nn.Module):
    """Two real-valued outputs, of two inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(8, 6), nn.Linear(8, 6)
        self.place, self.size = nn.Linear(6, 2), nn.Linear(6, 1)

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        hidden = torch.relu(self.left(a) + self.right(b))
        return self.place(hidden), self.size(hidden)


class HandQuantized(nn.Module):
    """Quantization-aware training as it is often written by hand: `clamp(round(x / step)) * step`, straight through."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.leave = nn.Linear(16, 12), nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.rounded(x, 1 / 32, 0, 31)
        x = torch.relu(nn.functional.linear(x, self.rounded(self.enter.weight, 1 / 16, -8, 7), self.enter.bias))
        scores: Tensor = nn.functional.linear(
            self.rounded(x, 1 / 8, 0, 15), self.rounded(self.leave.weight, 1 / 16, -8, 7), self.leave.bias
        )
        return scores

    def rounded(self, x: Tensor, step: float, least: int, most: int) -> Tensor:
        return x + (torch.clamp(torch.round(x / step), least, most) * step - x).detach()


class FakeQuantized(nn.Module):
    """PyTorch's own fake quantizers, of which one is per channel, with steps that are no powers of two."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.leave = nn.Linear(16, 12), nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        fake = torch.fake_quantize_per_tensor_affine
        weight = fake(self.enter.weight, 0.021, 0, -128, 127)
        x = torch.relu(nn.functional.linear(fake(x, 1 / 64, 0, 0, 255), weight, self.enter.bias))
        steps, zeros = torch.linspace(0.005, 0.013, 10), torch.zeros(10, dtype=torch.int32)
        weight = torch.fake_quantize_per_channel_affine(self.leave.weight, steps, zeros, 0, -128, 127)
        scores: Tensor = nn.functional.linear(fake(x, 0.03, 0, 0, 255), weight, self.leave.bias)
        return scores


class Holder(nn.Module):
    """A wrapper such as those of training frameworks."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.model(x)
        return scores


def chain(*between: nn.Module, bias: bool = True) -> nn.Sequential:
    return nn.Sequential(nn.Linear(16, 12, bias=bias), *between, nn.Linear(12, 10, bias=bias))


def pruned(*, permanent: bool) -> nn.Module:
    module = trained(chain(nn.ReLU()))
    for layer in (module.get_submodule("0"), module.get_submodule("2")):
        prune.l1_unstructured(layer, "weight", amount=0.6)  # type: ignore[no-untyped-call]
        if permanent:
            prune.remove(layer, "weight")  # type: ignore[no-untyped-call]
    return module


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "linear, ReLU, batch norm": lambda: trained(chain(nn.ReLU(), nn.BatchNorm1d(12))),
    "linear, batch norm, ReLU": lambda: trained(chain(nn.BatchNorm1d(12), nn.ReLU())),
    "batch norm on inputs": lambda: trained(nn.Sequential(nn.BatchNorm1d(16), *chain(nn.ReLU()))),
    "batch norm with eps 0.1": lambda: trained(chain(nn.BatchNorm1d(12, eps=0.1), nn.ReLU())),
    "batch norm without affine": lambda: trained(chain(nn.BatchNorm1d(12, affine=False), nn.ReLU())),
    "leaky ReLU of slope 0.2": lambda: trained(chain(nn.LeakyReLU(0.2))),
    "tanh": lambda: trained(chain(nn.Tanh())),
    "sigmoid": lambda: trained(chain(nn.Sigmoid())),
    "a residual": lambda: trained(Residual()),
    "layers out of order": lambda: trained(OutOfOrder()),
    "without biases": lambda: trained(chain(nn.ReLU(), bias=False)),
    "masks of pruning left in": lambda: pruned(permanent=False),
    "pruning made permanent": lambda: pruned(permanent=True),
    "dropout": lambda: trained(chain(nn.ReLU(), nn.Dropout(0.5))),
    "data parallel": lambda: nn.DataParallel(trained(chain(nn.ReLU()))),
    "held by another module": lambda: Holder(trained(chain(nn.ReLU()))),
    "double precision": lambda: trained(chain(nn.ReLU())).double(),
    "bfloat16": lambda: trained(chain(nn.ReLU())).bfloat16(),
    "half precision": lambda: trained(chain(nn.ReLU())).half(),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_read_and_quantized_as_pytorch_computes_it(name: str) -> None:
    """PyTorch's outputs in double precision are those of the network, and nearly those of the circuit."""
    module = NETWORKS[name]()
    network = netgen.read(module, example=FEATURES[:1].astype(np.float32))
    with torch.no_grad():
        expected = module.double()(torch.tensor(FEATURES)).numpy()
    assert np.allclose(network.evaluate(FEATURES), expected, rtol=1e-9, atol=1e-9)
    circuit = quantize_network(network, FEATURES, weight_width=BITS, activation_width=BITS)
    found = circuit.heads[0].decode(netgen.evaluate(circuit, circuit.encode(FEATURES)))
    assert 10 * np.log10((expected**2).mean() / ((found - expected) ** 2).mean()) > RATIO
    assert (found.argmax(1) == expected.argmax(1)).mean() > 0.98


def test_compiled_by_torch_is_read_as_the_module_inside() -> None:
    """The wrapper holds it as `_orig_mod`; it is not compiled by being read."""
    module = trained(chain(nn.ReLU()))
    network = netgen.read(cast(nn.Module, torch.compile(module, backend="eager")), example=FEATURES[:1])
    with torch.no_grad():
        expected = module.double()(torch.tensor(FEATURES)).numpy()
    assert np.allclose(network.evaluate(FEATURES), expected, rtol=1e-9, atol=1e-9)


DEVIATION = FEATURES.std(axis=0) + 1e-9
SCALES = {
    "0 to 1": FEATURES,
    "raw 0 to 100": 100 * FEATURES,
    "standardised": (FEATURES - FEATURES.mean(axis=0)) / DEVIATION,
    "uint8": np.round(255 * FEATURES).astype(np.uint8),
}


@pytest.mark.parametrize("name", SCALES)
def test_features_of_any_scale_keep_their_meaning(name: str) -> None:
    """The circuit encodes the raw features itself; 8 bits of them classify as PyTorch does."""
    x = SCALES[name]
    module = trained(chain(nn.BatchNorm1d(12), nn.ReLU()), x)
    network = netgen.read(module, example=x[:1].astype(np.float32))
    circuit = quantize_network(network, x)
    with torch.no_grad():
        expected = module(torch.tensor(x, dtype=torch.float32)).argmax(1).numpy()
    assert (netgen.evaluate(circuit, circuit.encode(x)).argmax(1) == expected).mean() > 0.96


# What cannot be read is refused, in one line that names it.


def with_weight(change: Callable[[Tensor], Tensor]) -> nn.Module:
    module = chain(nn.ReLU()).eval()
    layer = module[0]
    layer.weight = nn.Parameter(change(layer.weight.detach()), requires_grad=False)  # type: ignore[operator]
    return module


class Case(NamedTuple):
    make: Callable[[], Any]
    line: str
    shape: tuple[int, ...] = (1, 16)


def dynamic() -> nn.Module:
    return torch.ao.quantization.quantize_dynamic(chain(nn.ReLU()).eval(), {nn.Linear})  # type: ignore[no-untyped-call,no-any-return]


REFUSED = {
    "sparse": Case(
        lambda: with_weight(Tensor.to_sparse), "0.weight is stored as torch.sparse_coo; convert it by to_de"
    ),
    "integer": Case(lambda: with_weight(lambda w: w.to(torch.int32)), "0.weight has int32 numbers; "),
    "complex": Case(lambda: with_weight(lambda w: w.to(torch.complex64)), "0.weight has complex numbers; "),
    "not finite": Case(lambda: with_weight(lambda w: w / 0), "0.weight has numbers that are not finite; "),
    "meta": Case(lambda: chain(nn.ReLU()).to("meta"), "0.weight is on the meta device, without numbers; "),
    "quantized": Case(dynamic, "a module with quantized weights; read the network as QONNX or QDQ ONNX instead"),
    "branches on its data": Case(Branching, "it branches on its data, which no fixed network can; "),
    "transformer": Case(lambda: nn.TransformerEncoderLayer(16, 2, 16, batch_first=True), "self_attn: ", (1, 1, 16)),
    "recurrent": Case(lambda: nn.LSTM(16, 4), "lstm: recurrent layers are not supported; ", (1, 1, 16)),
    "layer norm": Case(lambda: chain(nn.LayerNorm(12)), "1: layer_norm: "),
    "other features": Case(lambda: chain(nn.ReLU()), "it cannot compute a sample of shape (1, 15): ", (1, 15)),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_a_module_that_no_circuit_computes_is_refused_by_name(name: str) -> None:
    case = REFUSED[name]
    with pytest.raises(ModelError) as caught:
        netgen.read(case.make().eval(), example=np.zeros(case.shape, dtype=np.float32))
    assert str(caught.value).startswith("module ")
    assert case.line in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
def test_torchscript_is_refused_by_name(tmp_path: Path) -> None:
    script = torch.jit.script(chain(nn.ReLU()).eval())
    script.save(str(tmp_path / "net.pt"))  # type: ignore[no-untyped-call]
    with pytest.raises(ModelError, match=r"a TorchScript module; give the nn.Module that it was made from$"):
        netgen.read(script, example=FEATURES[:1])
    with pytest.raises(ModelError, match=r"net\.pt: a TorchScript file; "):
        netgen.read(tmp_path / "net.pt")


@pytest.mark.parametrize(
    ("name", "save", "line"),
    [
        ("net.pth", torch.save, "a pickled module of class "),
        ("net.pth", lambda net, path: torch.save(net.state_dict(), path), "a state_dict that begins with '0.weight': "),
        (
            "net.ckpt",
            lambda net, path: torch.save({"epoch": 1, "net": net.state_dict()}, path),
            "a training checkpoint ",
        ),
        ("net.safetensors", lambda net, path: save_file(net.state_dict(), path), "weights without a network; "),
        ("net.h5", lambda _, path: path.write_bytes(b"HDF"), "a file of kind '.h5'; give a .pt2 or .onnx file"),
    ],
)
def test_a_file_without_a_graph_is_refused_by_what_it_holds(
    name: str, save: Callable[[nn.Module, Path], object], line: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    save(chain(nn.ReLU()), path)
    with pytest.raises(ModelError) as caught:
        netgen.read(path)
    assert str(caught.value).startswith(f"{path}: {line}")
    (tmp_path / "s.yaml").write_text(f"network: {{source: {name}}}\n")
    with pytest.raises(NetgenError) as caught_too:
        netgen.build(tmp_path / "s.yaml", out=tmp_path)
    assert line in str(caught_too.value)


# Weights of a spec's own perceptron, by name and shape.


def loaded(tmp_path: Path, state: dict[str, Tensor], *, batch_norm: bool = False, hidden: Sequence[int] = (12,)) -> Any:
    from netgen.importer.checkpoint import read_perceptron
    from netgen.train import dense_network_of, perceptron_of_state

    torch.save(state, tmp_path / "net.pt")
    found = read_perceptron(tmp_path / "net.pt", (16, *hidden, 10), batch_norm=batch_norm)
    return dense_network_of(perceptron_of_state(found))


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state,
        lambda state: {f"module.{key}": value for key, value in state.items()},
        lambda state: {f"_orig_mod.{key}": value for key, value in state.items()},
        lambda state: dict(reversed(state.items())),
        lambda state: {key: value.double() for key, value in state.items()},
        lambda state: {key: value.to_sparse() if value.ndim == 2 else value for key, value in state.items()},
    ],
    ids=["plain", "data parallel", "compiled", "in another order", "double", "sparse"],
)
@pytest.mark.parametrize("permanent", [False, True])
def test_weights_of_a_perceptron_are_those_of_pytorch(
    change: Callable[[dict[str, Tensor]], dict[str, Tensor]], permanent: bool, tmp_path: Path
) -> None:
    from netgen.train import predict

    module = pruned(permanent=permanent)
    network = loaded(tmp_path, change(module.state_dict()))
    with torch.no_grad():
        expected = module(torch.tensor(FEATURES, dtype=torch.float32)).numpy()
    assert np.allclose(predict(network, FEATURES), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("module", "line"),
    [
        (chain(nn.ReLU(), nn.BatchNorm1d(12)), "holds 1 BatchNorm1d for the 0 of the spec's network"),
        (nn.Sequential(nn.BatchNorm1d(16), *chain(nn.ReLU())), "holds 1 BatchNorm1d for the 0 of the spec's network"),
        (Residual(), "holds 3 Linear for the 2 of the spec's network"),
        (chain(nn.PReLU()), "only Linear layers and BatchNorm1d between them can be read"),
        (nn.Sequential(nn.Conv1d(1, 2, 3)), "only Linear layers and BatchNorm1d between them can be read"),
    ],
)
def test_weights_of_another_network_are_refused(module: nn.Module, line: str, tmp_path: Path) -> None:
    with pytest.raises(NetgenError, match=line):
        loaded(tmp_path, module.state_dict())


def test_a_norm_after_the_activation_is_not_taken_for_one_before_it(tmp_path: Path) -> None:
    with pytest.raises(NetgenError, match="batch normalization 2 may stand elsewhere than directly after layer 0"):
        loaded(tmp_path, chain(nn.ReLU(), nn.BatchNorm1d(12)).state_dict(), batch_norm=True)


def test_layers_that_fit_in_two_ways_are_refused(tmp_path: Path) -> None:
    class Alike(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.enter, self.late, self.early = nn.Linear(16, 12), nn.Linear(12, 12), nn.Linear(12, 12)
            self.leave = nn.Linear(12, 10)

    with pytest.raises(NetgenError, match="late and early fit the same layer"):
        loaded(tmp_path, Alike().state_dict(), hidden=(12, 12, 12))


# Whole builds.


def test_two_inputs_and_two_real_outputs_are_built_and_reported_head_by_head(tmp_path: Path) -> None:
    torch.manual_seed(1)
    module = TwoInputs().eval()
    left, right = FEATURES[:60, :8], FEATURES[:60, 8:]
    built = netgen.compile(module, inputs=(left, right), name="two", out=tmp_path, **SMALL)
    with torch.no_grad():
        expected = module(*(torch.tensor(one, dtype=torch.float32) for one in (left, right)))
    check, circuit = built.report.check, built.circuit
    words = np.split(netgen.evaluate(circuit, circuit.encode(FEATURES[:60])), [2], axis=1)
    assert check.difference is None
    assert check.hardware_accuracy is None
    for head, word, real, shown in zip(circuit.heads, words, expected, check.heads, strict=True):
        error = np.abs(head.decode(word) - real.numpy())
        assert shown.worst == pytest.approx(error.max(), rel=1e-3)
        assert shown.mean == pytest.approx(error.mean(), rel=1e-3)
        ratio = 10 * np.log10((real.numpy() ** 2).mean() / (error**2).mean())
        assert shown.snr == pytest.approx(ratio, abs=0.01)
        assert ratio > 25


def test_a_file_of_a_spec_with_data_is_told_when_its_features_have_another_scale(tmp_path: Path) -> None:
    """Trained on features from -1 to 1; the data are 0 to 16. With scale and mean it fits."""
    module = trained(nn.Sequential(nn.Linear(64, 12), nn.ReLU(), nn.Linear(12, 10)), DIGITS / 8 - 1)
    program = torch.export.export(module, (torch.zeros(1, 64),))
    torch.export.save(program, tmp_path / "net.pt2")
    text = "network: {{source: net.pt2{}}}\nplace: {{moves: 20000}}\ncheck: {{simulator: icarus, samples: 20}}\n"
    for name, keys in (("raw", ""), ("scaled", ", scale: 0.125, mean: [1]")):
        (tmp_path / f"{name}.yaml").write_text(text.format(keys))
        report = netgen.build(tmp_path / f"{name}.yaml", out=tmp_path).report
        told = [line for line in report.warnings if line.startswith("data: your model itself, in float, classifies ")]
        assert len(told) == (name == "raw")
        assert report.check.difference is None


@pytest.mark.parametrize("module", [HandQuantized, FakeQuantized], ids=["by hand", "by fake quantizers"])
def test_a_module_that_quantizes_keeps_its_integers(module: Callable[[], nn.Module]) -> None:
    """PyTorch computes the same outputs to single precision: a word rounded otherwise would differ by a step, 1e-3."""
    trained_module = trained(module())
    network = netgen.read(trained_module, example=FEATURES[:1].astype(np.float32))
    circuit = quantize_read(network, FEATURES, QuantizeSpec()).circuit
    with torch.no_grad():
        expected = trained_module.double()(torch.tensor(FEATURES)).numpy()
    found = circuit.heads[0].decode(netgen.evaluate(circuit, circuit.encode(FEATURES)))
    assert np.abs(found - expected).max() < 1e-5
