"""Load weights that were trained elsewhere into an `Mlp`."""

from pathlib import Path

import numpy as np
import torch

from netgen.errors import WeightsError
from netgen.ir.fixed import Reals
from netgen.train.mlp import Mlp
from netgen.train.state_file import read_state
from netgen.train.state_match import linears_in_order, modules_of, norms_in_order


def load_state(path: Path, mlp: Mlp, scale: Reals | None = None) -> None:
    """Load a `state_dict` that `torch.save` wrote into an `Mlp`, by the names and shapes of its modules.

    A linear layer without a bias gets the bias 0, a batch normalization without weight and bias 1 and 0. Weights that
    are exactly zero, masks of `torch.nn.utils.prune` included, count as pruned.

    Args:
        scale: (n_in,), factors by which features were multiplied; the first layer is divided by them, so that the
            weights act on the features as they were before. All 1 when None.
    Raises: WeightsError, when the file cannot be read, does not fit the network or fits in more than one way.
    """
    linears, norms = modules_of(path, read_state(path))
    linears = linears_in_order(path, linears, mlp.sizes)
    norms = norms_in_order(path, norms, linears, wanted=bool(mlp.norms))
    state = mlp.state_dict()
    for depth, module in enumerate(linears):
        weight, bias = module.pruned("weight"), module.pruned("bias")
        assert weight is not None
        if depth == 0 and scale is not None:
            weight = weight / torch.from_numpy(np.array(scale)).to(weight)
            if not torch.isfinite(weight).all():
                raise WeightsError(
                    f"{path}: the weight of {module} is beyond single precision when divided by the scale of the "
                    f"features, {scale.min():g}; scale features and weights to about 1"
                )
        state[f"linears.{depth}.weight"].copy_(weight)
        state[f"linears.{depth}.bias"].copy_(torch.zeros(len(weight)) if bias is None else bias)
        state[f"linears.{depth}.mask"].copy_((weight != 0).float())
    for depth, module in enumerate(norms):
        for key, default in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            values = module.tensor(key)
            if key == "running_var" and values is not None and (values < 0).any():
                raise WeightsError(f"{path}: {module} has a running_var below 0; save the state_dict again")
            state[f"norms.{depth}.{key}"].copy_(torch.full(module.shape, default) if values is None else values)
    mlp.load_state_dict(state)
