"""Trained modules, tried as a new user would, are read right."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from model_files import model_file
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

import netgen
from netgen.errors import ModelError
from netgen.importer.read import read_with_report


class Residual(nn.Module):
    """Layers declared in another order than that in which they compute, with a skip over two of them."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(6, 3)
        self.norm = nn.BatchNorm1d(6)
        self.first = nn.Linear(8, 6)
        self.middle = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.first(x))
        result: Tensor = self.last(x + torch.relu(self.norm(self.middle(x))))
        return result


class TwoInputs(nn.Module):
    """Two inputs, and outputs in a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(8, 4), nn.Linear(3, 4)

    def forward(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        both = torch.cat([self.left(x), self.right(y)], 1)
        return {"sum": both.sum(1, keepdim=True), "class": both.argmax(1)}


class Wrapped(nn.Module):
    """A module that gives its own precision, whatever it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.inner(x.float() / 255)
        return result


def trained(module: nn.Module) -> nn.Module:
    """A module whose parameters and statistics are no longer those of the beginning."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.5 * torch.randn(parameter.shape, generator=generator))
        for name, buffer in module.named_buffers():
            if name.endswith("running_mean"):
                buffer.copy_(torch.randn(buffer.shape, generator=generator))
            if name.endswith("running_var"):
                buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    return module


def pruned(*, removed: bool) -> nn.Module:
    module = trained(nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3)))
    for layer in (module[0], module[2]):  # type: ignore[index]  # a Sequential
        prune.l1_unstructured(layer, "weight", amount=0.5)  # type: ignore[no-untyped-call]
        if removed:
            prune.remove(layer, "weight")  # type: ignore[no-untyped-call]
    return module


def normalized() -> nn.Module:
    """Weights that hooks compute, as before parametrizations."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PyTorch's own: it gives these functions up
        first = nn.utils.weight_norm(nn.Linear(8, 6))
        return trained(nn.Sequential(first, nn.ReLU(), nn.utils.spectral_norm(nn.Linear(6, 3))))


def compiled(module: nn.Module) -> Any:
    """A module in the wrapper of `torch.compile`; nothing is compiled before it is called."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # PyTorch's own, while it loads its compiler
        return torch.compile(module)


def chain(*layers: nn.Module) -> Callable[[], nn.Module]:
    return lambda: trained(nn.Sequential(*layers))


MODULES: dict[str, Callable[[], nn.Module]] = {
    "a norm after the activation": chain(nn.Linear(8, 6), nn.ReLU(), nn.BatchNorm1d(6), nn.Linear(6, 3)),
    "a norm of the inputs": chain(nn.BatchNorm1d(8), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3)),
    "a norm with a large epsilon": chain(nn.Linear(8, 6), nn.BatchNorm1d(6, eps=0.1), nn.ReLU(), nn.Linear(6, 3)),
    "a norm without affine": chain(nn.Linear(8, 6), nn.BatchNorm1d(6, affine=False), nn.ReLU(), nn.Linear(6, 3)),
    "a skip, and layers out of order": lambda: trained(Residual()),
    "dropout": chain(nn.Dropout(), nn.Linear(8, 6), nn.Dropout(), nn.ReLU(), nn.Linear(6, 3)),
    "half precision": lambda: trained(nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 3))).half(),
    "brain floats": lambda: trained(nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 3))).bfloat16(),
    "inputs that are written to": chain(nn.ReLU(inplace=True), nn.Linear(8, 3)),
    "leaky rectifiers": chain(nn.Linear(8, 6), nn.LeakyReLU(0.2), nn.Linear(6, 3)),
    "no biases": chain(nn.Linear(8, 6, bias=False), nn.ReLU(), nn.Linear(6, 3, bias=False)),
    "pruning masks left in": lambda: pruned(removed=False),
    "pruning masks removed": lambda: pruned(removed=True),
    "sigmoid": chain(nn.Linear(8, 6), nn.Sigmoid(), nn.Linear(6, 3)),
    "tanh": chain(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 3)),
    "the inputs only": nn.Flatten,
    "weights that hooks compute": normalized,
    "weight normalization": lambda: trained(
        nn.Sequential(parametrizations.weight_norm(nn.Linear(8, 6)), nn.ReLU(), nn.Linear(6, 3))
    ),
    "data parallelism": lambda: nn.DataParallel(trained(nn.Sequential(nn.Linear(8, 3)))),
    "a compiled module": lambda: compiled(trained(nn.Sequential(nn.Linear(8, 3)))),
}
SAMPLES = np.random.default_rng(4).normal(size=(6, 8))


def inside(module: nn.Module) -> nn.Module:
    """The module in its wrapper."""
    inner = getattr(module, "_orig_mod", module)
    inner = inner.module if isinstance(inner, nn.DataParallel) else inner
    assert isinstance(inner, nn.Module)
    return inner


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_read_as_it_computes_in_double_precision(name: str) -> None:
    module = MODULES[name]()
    network, report = read_with_report(module, SAMPLES[:1])
    with torch.no_grad():
        right = inside(module).double().eval()(torch.from_numpy(SAMPLES.copy())).numpy()
    np.testing.assert_allclose(np.asarray(network.evaluate(SAMPLES)), right, rtol=1e-12, atol=1e-13)
    assert report.worst < 1e-12
    assert report.reference.endswith("in float64")


def test_wires_that_a_mask_prunes_are_no_wires() -> None:
    torch.manual_seed(0)  # without a unit that loses all its weights
    module = pruned(removed=False)
    first, last = module.get_buffer("0.weight_mask").bool(), module.get_buffer("2.weight_mask").bool()
    network = netgen.read(module, SAMPLES[:1])
    assert [layer.wires for layer in network.layers] == [first[last.any(0)].sum(), last.sum()]


def test_a_module_is_left_as_it_was() -> None:
    module = pruned(removed=False).train()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    hooks = [len(part._forward_pre_hooks) for part in module.modules()]
    netgen.read(module, SAMPLES[:1])
    assert module.training
    assert [len(part._forward_pre_hooks) for part in module.modules()] == hooks
    assert all(parameter.requires_grad and parameter.dtype == torch.float32 for parameter in module.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_layers_have_the_paths_of_their_modules() -> None:
    network = netgen.read(trained(Residual()), SAMPLES[:1])
    assert [layer.name for layer in network.layers] == ["first", "middle", "add", "last"]


def test_several_inputs_and_named_outputs_are_those_of_the_module() -> None:
    module = trained(TwoInputs())
    y = np.random.default_rng(5).normal(size=(6, 3))
    network = netgen.read(module, (SAMPLES[:2], y[:2]))
    assert [(port.name, port.shape) for port in network.inputs] == [("x", (8,)), ("y", (3,))]
    assert [head.name for head in network.outputs] == ["sum", "class"]
    with torch.no_grad():
        right = module.double()(torch.from_numpy(SAMPLES), torch.from_numpy(y))
    total, index = network.evaluate((SAMPLES, y))
    np.testing.assert_allclose(np.asarray(total), right["sum"].numpy(), rtol=1e-12)
    np.testing.assert_array_equal(index, right["class"].numpy())


def test_named_inputs_are_given_by_a_dictionary() -> None:
    network = netgen.read(trained(TwoInputs()), {"y": np.ones((1, 3)), "x": SAMPLES[:1]})
    assert {port.name: port.shape for port in network.inputs} == {"x": (8,), "y": (3,)}


def test_a_module_that_casts_is_compared_in_its_own_precision() -> None:
    pixels = np.random.default_rng(6).integers(0, 256, size=(4, 8)).astype(np.uint8)
    module = trained(Wrapped())
    network, report = read_with_report(module, pixels[:1])
    with torch.no_grad():
        right = module(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(np.asarray(network.evaluate(pixels)), right, rtol=1e-4, atol=1e-5)
    assert report.reference.endswith("in float32")
    assert report.assumed == ("to_copy: a cast to torch.float32 keeps the whole value",)


def test_whole_numbers_are_given_to_a_module_of_real_ones_as_real_ones() -> None:
    pixels = np.random.default_rng(6).integers(0, 256, size=(4, 8)).astype(np.uint8)
    module = trained(nn.Linear(8, 4))
    network = netgen.read(module, pixels)
    with torch.no_grad():
        right = module.double()(torch.from_numpy(pixels).double()).numpy()
    np.testing.assert_allclose(np.asarray(network.evaluate(pixels)), right, rtol=1e-12)


class ProposalNet(nn.Module):
    """P-Net of MTCNN (Zhang et al. 2016) as facenet-pytorch has it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 10, 3), nn.PReLU(10)
        self.pool1 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(10, 16, 3), nn.PReLU(16)
        self.conv3, self.prelu3 = nn.Conv2d(16, 32, 3), nn.PReLU(32)
        self.conv4_1, self.softmax4_1 = nn.Conv2d(32, 2, 1), nn.Softmax(dim=1)
        self.conv4_2 = nn.Conv2d(32, 4, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.pool1(self.prelu1(self.conv1(x)))
        x = self.prelu3(self.conv3(self.prelu2(self.conv2(x))))
        return self.conv4_2(x), self.softmax4_1(self.conv4_1(x))


def test_a_network_by_others_gives_its_published_outputs() -> None:
    module = ProposalNet()
    module.load_state_dict(torch.load(model_file("mtcnn_pnet.pt"), weights_only=True))
    with np.load(model_file("mtcnn_pnet.npz")) as known:
        x, box, face = known["inputs"], known["outputs_box"], known["outputs_face"]
    network, report = read_with_report(module, x[:1])
    found = network.evaluate(x)
    np.testing.assert_allclose(np.asarray(found[0]), box, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.asarray(found[1]), face, rtol=1e-5, atol=1e-6)
    assert [layer.name for layer in network.layers] == ["conv1", "pool1", "conv2", "conv3", "conv4_2", "conv4_1"]
    assert [head.function for head in network.outputs] == ["none", "softmax"]
    assert report.worst < 1e-12


def test_a_network_that_differs_from_its_source_is_refused_with_the_first_layer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from netgen.importer import aten
    from netgen.ir.functions import Clip

    def wrong(call: aten.Call) -> Any:
        return call.builder.apply(call.name, call.signals("self"), (Clip(0.0, 0.5),))

    monkeypatch.setitem(aten.HANDLERS, "relu", wrong)
    module = trained(nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3)))
    with pytest.raises(ModelError, match=r"^module Sequential: layer 1 differs from the source by .* report this as"):
        netgen.read(module, SAMPLES[:1])


def test_a_module_in_training_mode_is_reported_where_evaluation_computes_something_else() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 2))
    x = torch.randn(2, 4)
    assert read_with_report(model.train(), x)[1].assumed == (
        "the module is in training mode, but is read as in evaluation mode: BatchNorm1d with running statistics, "
        "Dropout without effect; call eval()",
    )
    assert read_with_report(model.eval(), x)[1].assumed == ()
    same = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Dropout(0.0)).train()
    assert read_with_report(same, x)[1].assumed == ()
