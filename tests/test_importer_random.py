"""Random modules of all kinds of layers compute what PyTorch computes, whatever is joined."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # PyTorch's own abbreviation
from strategies import FUZZ_CASES
from torch import Tensor, nn

from netgen.importer.read import read_with_report

ACTIVATIONS = [nn.ELU, nn.GELU, nn.Hardswish, nn.LeakyReLU, nn.Mish, nn.ReLU, nn.ReLU6, nn.SiLU, nn.Sigmoid, nn.Tanh]
KINDS = [
    *(
        "activation",
        "add",
        "average",
        "concatenate",
        "convolution",
        "depthwise",
        "dropout",
        "greatest",
        "linear",
        "mean",
    ),
    *("norm", "pad", "pool", "prelu", "scale", "slice", "transposed", "turn", "upsample"),
]


class Drawn(nn.Module):
    """A graph of random layers on tensors of (channels, rows, columns); each reads one or two earlier tensors."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed
        self.layers = nn.ModuleDict()
        self.made = False
        with torch.no_grad():
            self(torch.zeros(1, 2, 5, 4))
        self.made = True
        for name, tensor in self.state_dict().items():
            spread = torch.rand(tensor.shape) if name.endswith("running_var") else torch.randn(tensor.shape)
            if tensor.is_floating_point():
                tensor.copy_(0.5 * spread + (0.5 if name.endswith("running_var") else 0.0))

    def layer(self, name: str, make: type[nn.Module], *args: object, **kwargs: object) -> nn.Module:
        """The layer of a step; made when the graph is drawn."""
        if not self.made:
            self.layers[name] = make(*args, **kwargs)
        return self.layers[name]

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        rng = np.random.default_rng(self.seed)
        tensors = [x]
        for index in range(int(rng.integers(4, 12))):
            kind = KINDS[int(rng.integers(len(KINDS)))]
            tensors.append(
                self.step(f"{kind}{index}", kind, tensors[-1 - int(rng.geometric(0.7) - 1) % len(tensors)], rng)
            )
            if tensors[-1].numel() > 600:
                tensors[-1] = F.max_pool2d(tensors[-1], 2, ceil_mode=True)[:, :6]
        scores = self.layer("head", nn.Linear, tensors[-1].numel(), 3)(tensors[-1].flatten(1))
        return scores.softmax(1), tensors[-2]

    def step(self, name: str, kind: str, x: Tensor, rng: np.random.Generator) -> Tensor:  # noqa: PLR0912  # one case a kind
        channels, rows, columns = (int(n) for n in x.shape[1:])
        result: Tensor
        match kind:
            case "activation":
                result = self.layer(name, ACTIVATIONS[int(rng.integers(len(ACTIVATIONS)))])(x)
            case "add":
                result = x - 0.5 * self.layer(name, nn.Conv2d, channels, channels, 3, padding="same")(x)
            case "average":
                pad = int(rng.integers(2))
                counted = bool(rng.integers(2))
                result = (
                    F.avg_pool2d(x, (2, 3), (1, 2), pad, ceil_mode=True, count_include_pad=counted)
                    if min(rows + 2 * pad, columns + 2 * pad) >= 3
                    else x.mean(3, keepdim=True)
                )
            case "concatenate":
                result = torch.cat([x, torch.relu(x[:, :1])], 1)
            case "convolution":
                stride = int(rng.integers(1, 3))
                result = self.layer(name, nn.Conv2d, channels, 3, 3, stride, padding=1, bias=bool(rng.integers(2)))(x)
            case "depthwise":
                result = self.layer(name, nn.Conv2d, channels, channels, 3, padding=2, dilation=2, groups=channels)(x)
            case "dropout":
                result = self.layer(name, nn.Dropout)(x)
            case "greatest":
                result = x - x.amax(2, keepdim=True)
            case "linear":
                result = self.layer(name, nn.Linear, columns, 3)(x)
            case "mean":
                result = x + x.mean((2, 3), keepdim=True)
            case "norm":
                result = self.layer(name, nn.BatchNorm2d, channels, eps=0.01)(x)
            case "pad":
                result = F.pad(x, (1, 0, 2, 1), value=float(rng.integers(2)))
            case "pool":
                result = F.max_pool2d(x, 3, 1, 1)
            case "prelu":
                result = self.layer(name, nn.PReLU, channels)(x)
            case "scale":
                result = x * torch.linspace(-1, 2, columns, dtype=x.dtype) + 0.25
            case "slice":
                result = x[:, :, : max(1, rows - 1)].flip(1)
            case "transposed":
                result = self.layer(name, nn.ConvTranspose2d, channels, 2, 2, 2, padding=int(rows > 1 and columns > 1))(
                    x
                )
            case "turn":
                result = x.permute(0, 2, 3, 1).reshape(1, columns, channels, rows)
            case _:
                result = F.interpolate(x, scale_factor=2)
        return result


@pytest.mark.parametrize("seed", range(FUZZ_CASES // 20))
def test_fuzz_a_random_module_is_read_as_it_computes(seed: int) -> None:
    torch.manual_seed(seed)
    module = Drawn(seed).eval()
    x = torch.randn(2, 2, 5, 4)
    network, report = read_with_report(module, x)
    with torch.no_grad():
        right = [module.double()(sample[None].double()) for sample in x]
    for index, found in enumerate(network.evaluate(x.numpy())):
        expected = np.concatenate([one[index].numpy() for one in right])
        np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-9, atol=1e-10 * np.abs(expected).max())
    assert report.worst < 1e-11
