"""Training without labels: a module reproduces the outputs of another."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from netgen.data import Floats
from netgen.ir.fixed import Reals
from netgen.nn.defaults import torch_defaults
from netgen.train.fit import Recipe, dtype_of
from netgen.train.samples import Batch

__all__ = ["Reproduction"]


@dataclass(frozen=True)
class Reproduction(Recipe):
    """Hyperparameters of training that lowers the mean squared error of outputs.

    Attributes:
        weights: of the squared error of each output, so that outputs of any size count alike.
    """

    weights: tuple[float, ...] = ()

    def loss(self, scores: Tensor, batch: Batch) -> Tensor:
        """The mean loss of a batch, a scalar."""
        assert batch.soft_labels is not None
        return self._error(scores, batch.soft_labels)

    @torch_defaults()
    def error_of(self, module: nn.Module, features: Floats, outputs: Reals) -> float:
        """The loss of a module on samples, (n, n_in), that should have some outputs, (n, outputs)."""
        module.eval()
        with torch.no_grad():
            found = module(torch.from_numpy(features).to(dtype_of(module)))
        return float(self._error(found.double(), torch.from_numpy(outputs)))

    def _error(self, found: Tensor, wanted: Tensor) -> Tensor:
        """The weighted mean squared error of outputs, (n, outputs): a scalar."""
        weights = torch.tensor(self.weights, dtype=found.dtype)
        return ((found - wanted.to(found.dtype)).square() * weights).mean()
