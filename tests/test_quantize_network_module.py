"""Any network under given formats as a PyTorch module: the circuit's words, and gradients."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from network_strategies import networks, samples_of
from torch import Tensor, nn

import netgen
from netgen.errors import QuantizeError
from netgen.ir.circuit import evaluate
from netgen.ir.network import Network
from netgen.quantize.calibrate_graph import Calibration, circuit_of, round_network
from netgen.quantize.layer_rounding import Rounded, round_layers
from netgen.quantize.network_module import QuantizedNetwork, words_of_module


class Graph(nn.Module):
    """Convolutions, a skip, a maximum, an average, and one kind of function."""

    def __init__(self, function: nn.Module) -> None:
        super().__init__()
        self.entry = nn.Conv2d(1, 3, 3, padding=1)
        self.inner = nn.Conv2d(3, 3, 3, padding=1, bias=False)
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Linear(12, 4)
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        """Scores (n, 4) of images (n, 1, 6, 6)."""
        entry = self.function(self.entry(x))
        pooled = self.pool(self.function(self.inner(entry) + entry))
        scores: Tensor = self.head(nn.functional.avg_pool2d(pooled, 2, stride=1).flatten(1))
        return scores


def images(count: int) -> np.ndarray:
    """Images (n, 1, 6, 6) of pixels from 0 to 255/256."""
    return np.random.default_rng(4).integers(0, 256, (count, 1, 6, 6)) / 256


def read(function: nn.Module | None = None) -> Network:
    """The graph as a network."""
    torch.manual_seed(3)
    return netgen.read(Graph(function or nn.ReLU()).eval(), example=torch.zeros(1, 1, 6, 6))


def moved(module: QuantizedNetwork, size: float) -> Network:
    """Change all parameters at random, as training does; returns the float network."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.requires_grad:
                parameter.add_(size * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return module.network()


def agrees(rounded: Rounded, module: QuantizedNetwork, network: Network, raw: np.ndarray) -> None:
    """Compare the module with the circuit of the same parameters, bit for bit."""
    circuit = circuit_of(round_layers(network, rounded.formats))
    expected = evaluate(circuit, circuit.encode(raw))
    assert words_of_module(module, circuit, raw).tolist() == expected.tolist()


@settings(max_examples=60)
@given(networks(), st.integers(0, 2**32 - 1), st.sampled_from([3, 6, 12]), st.booleans())
def test_the_module_computes_the_words_of_the_circuit(
    network: Network, seed: int, width: int, per_channel: bool
) -> None:
    """With the weights of the calibration, and with any others."""
    rng = np.random.default_rng(seed)
    given = Calibration(weight_width=width, activation_width=width, per_channel=per_channel)
    rounded = round_network(network, samples_of(network, 40, rng), given)
    raw = network.flat(samples_of(network, 20, rng))
    module = QuantizedNetwork(rounded.corrected, rounded.formats)
    agrees(rounded, module, rounded.corrected, raw)
    agrees(rounded, module, moved(module, 0.3), raw)


@pytest.mark.parametrize("function", [nn.ReLU(), nn.LeakyReLU(0.2), nn.Tanh(), nn.GELU(), nn.Hardtanh(-0.3, 0.7)])
@pytest.mark.parametrize("width", [3, 8, 14])
def test_the_module_of_convolutions_computes_the_words_of_the_circuit(function: nn.Module, width: int) -> None:
    given = Calibration(weight_width=width, activation_width=width)
    rounded = round_network(read(function), images(60), given)
    module = QuantizedNetwork(rounded.corrected, rounded.formats)
    assert (module.dtype == torch.float32) == (width < 14)
    raw = images(60).reshape(60, -1)
    agrees(rounded, module, rounded.corrected, raw)
    agrees(rounded, module, moved(module, 0.4), raw)


def test_rounding_again_under_the_formats_gives_the_calibrated_circuit() -> None:
    """Corrected biases stand in the network, so that nothing needs the samples any more."""
    rounded = round_network(read(nn.Tanh()), images(60), Calibration(weight_width=4, activation_width=5))
    again = round_layers(rounded.corrected, rounded.formats)
    for first, second in zip(rounded.layers, again.layers, strict=True):
        assert first.weight.tolist() == second.weight.tolist()
        assert first.bias.tolist() == second.bias.tolist()
    assert any((a.bias != b.bias).any() for a, b in zip(rounded.network.layers, rounded.corrected.layers, strict=True))


def test_shared_weights_stay_shared_and_shifts_stay_exact() -> None:
    """Equal wires of a kernel and biases of a channel change together; the average keeps its quarter."""
    rounded = round_network(read(), images(60), Calibration())
    module = QuantizedNetwork(rounded.corrected, rounded.formats)
    before, after = rounded.corrected, moved(module, 0.1)
    for old, new in zip(before.layers, after.layers, strict=True):
        if old.parameter is not None:
            for number in np.unique(old.parameter):
                assert len(np.unique(new.weight[old.parameter == number])) == 1
    change = after.layers[0].bias - before.layers[0].bias
    assert len(np.unique(change.round(9))) == 3
    assert np.abs(change).max() > 0.02  # far more than a step
    average = next(k for k, layer in enumerate(before.layers) if (layer.weight == 0.25).all())
    assert (after.layers[average].weight == 0.25).all()


def test_a_kernel_entry_that_later_scales_divide_becomes_a_weight_at_each_scale() -> None:
    """Limits, then a scale for each column: its product with the weight is no longer one weight."""

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(1, 1, 1)

        def forward(self, x: Tensor) -> Tensor:
            """Values (n, 1, 3) of (n, 1, 3)."""
            values: Tensor = self.conv(x).clamp(-0.5, 0.75) * torch.tensor([1.0, 2.0, 2.5])
            return values

    module = Scaled()
    module.load_state_dict({"conv.weight": torch.full((1, 1, 1), 0.75), "conv.bias": torch.full((1,), 0.25)})
    x = np.arange(-8, 8)[:, None, None] / 8 * np.ones((1, 1, 3))
    network = netgen.read(module.eval(), example=torch.zeros(1, 1, 3))
    rounded = round_network(network, x, Calibration(bias_correction=False))
    layer = rounded.network.layers[0]
    assert layer.weight.tolist() == [0.75, 1.5, 1.875]
    words = words_of_module(QuantizedNetwork(rounded.network, rounded.formats), circuit_of(rounded), x.reshape(-1, 3))
    scale = circuit_of(rounded).heads[0].scale
    with torch.no_grad():
        right = module(torch.from_numpy(x).float()).numpy().reshape(-1, 3)
    assert np.abs(words * scale - right).max() <= 0.02


def test_gradients_are_those_of_the_float_network_where_nothing_saturates() -> None:
    """Words of 16 bits are so near the float values that gradients differ by less than a thousandth."""
    network = read(nn.Tanh())
    rounded = round_network(network, images(60), Calibration(weight_width=16, activation_width=14, method="minmax"))
    module = QuantizedNetwork(rounded.corrected, rounded.formats)
    model = Graph(nn.Tanh()).double()
    torch.manual_seed(3)
    model.load_state_dict(Graph(nn.Tanh()).state_dict())
    x = torch.from_numpy(images(60))
    model(x).square().mean().backward()
    module(x.flatten(1).to(module.dtype)).square().mean().backward()
    head = next(part for part in module.parts if part.like.name == "head")
    assert model.head.weight.grad is not None
    assert model.entry.weight.grad is not None
    assert head.weight.grad is not None
    assert torch.allclose(head.weight.grad, model.head.weight.grad.flatten(), rtol=1e-2, atol=1e-4)
    found, wanted = module.parts[0].weight.grad, model.entry.weight.grad.flatten()
    assert found is not None
    assert torch.allclose(found.sort().values, wanted.sort().values, rtol=1e-2, atol=1e-4)


def test_sums_beyond_double_precision_are_refused() -> None:
    rounded = round_network(read(), images(60) * 1e-6, Calibration(weight_width=16, activation_width=16))
    wide = round_layers(rounded.network, rounded.formats)
    object.__setattr__(wide.formats.weights[0], "accumulator", 60)
    with pytest.raises(QuantizeError, match=r"layer entry: sums of up to .* steps cannot be fine-tuned; narrow"):
        QuantizedNetwork(wide.corrected, wide.formats)
