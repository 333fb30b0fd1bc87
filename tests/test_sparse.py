import pytest
import torch
from torch import Tensor, nn

from netgen.nn.sparse import SPARSE_SHARE, Wires, linear


def _layer(n_out: int, n_in: int, share: float, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Weight, bias and mask."""
    generator = torch.Generator().manual_seed(seed)
    weight, bias = torch.randn(n_out, n_in, generator=generator).double(), torch.randn(n_out, generator=generator)
    return weight, bias.double(), (torch.rand(n_out, n_in, generator=generator) < share).double()


@pytest.mark.parametrize("batch", [1, 3, 64])
@pytest.mark.parametrize("share", [0.15, 0.6])
def test_scores_and_gradients_equal_those_of_a_matrix_product(batch: int, share: float) -> None:
    weight, bias, mask = _layer(7, 11, share, seed=batch)
    wires = Wires.of(mask)
    x = torch.randn(batch, 11, generator=torch.Generator().manual_seed(1)).double()
    results = []
    for sparse in (False, True):
        w, b, entered = (t.clone().requires_grad_() for t in (weight, bias, x))
        values = w[mask > 0]
        out = linear(entered, values, b, wires) if sparse else nn.functional.linear(entered, w * mask, b)
        (out**2).sum().backward()  # type: ignore[no-untyped-call]
        results.append([out.detach(), w.grad, b.grad, entered.grad])
    for one, two in zip(*results, strict=True):
        assert one is not None
        assert two is not None
        assert torch.allclose(one, two, atol=1e-12)


def test_gradients_pass_the_finite_differences_of_gradcheck() -> None:
    weight, bias, mask = _layer(4, 6, 0.2, seed=5)
    wires = Wires.of(mask)
    assert wires.is_sparse
    x = torch.randn(3, 6, generator=torch.Generator().manual_seed(2)).double().requires_grad_()
    inputs = (x, weight[mask > 0].requires_grad_(), bias.requires_grad_())
    assert torch.autograd.gradcheck(lambda x, w, b: linear(x, w, b, wires), inputs)


def test_a_quarter_of_the_weights_is_sparse_and_an_empty_layer_gives_its_biases() -> None:
    assert not Wires.of(torch.ones(3, 4)).is_sparse
    few = torch.zeros(4, 10)
    few.view(-1)[: int(SPARSE_SHARE * 40)] = 1
    assert Wires.of(few).is_sparse
    none = Wires.of(torch.zeros(3, 4))
    assert linear(torch.ones(2, 4), torch.ones(0), torch.tensor([1.0, 2.0, 3.0]), none).tolist() == [[1, 2, 3]] * 2


def test_values_of_wires_stand_in_their_matrix_and_have_its_gradients() -> None:
    """By finite differences; of many wires, of none, and of all, which is no copy."""
    for share in (0.6, 0.0, 1.0):
        mask = torch.rand(4, 5, generator=torch.Generator().manual_seed(1)) < share
        wires = Wires.of(mask)
        values = torch.rand(int(mask.sum()), dtype=torch.float64, requires_grad=True)
        expected = torch.zeros(4, 5, dtype=torch.float64)
        expected[mask] = values.detach()
        assert torch.equal(wires.matrix(values), expected)
        assert torch.autograd.gradcheck(lambda v, w=wires: w.matrix(v).square(), (values,))
