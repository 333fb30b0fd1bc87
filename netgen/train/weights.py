"""Start an `Mlp` from weights that were trained elsewhere."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from netgen.errors import WeightsError
from netgen.ir.fixed import Reals
from netgen.train.mlp import Mlp


def load_state(state: Mapping[str, Tensor], mlp: Mlp, scale: Reals | None = None) -> None:
    """Load weights into an `Mlp`; those that are exactly zero count as pruned.

    Args:
        state: weights and biases by the names of the `Mlp`, as `netgen.importer.checkpoint.read_perceptron` gives them.
        scale: (n_in,), factors by which features were multiplied; the first layer is divided by them, so that the
            weights act on the features as they were before. All 1 when None.
    Raises: WeightsError, when a weight is too large after this division.
    """
    found = dict(state)
    if scale is not None:
        first = found["linears.0.weight"]
        found["linears.0.weight"] = first / torch.from_numpy(np.array(scale)).to(first)
        if not torch.isfinite(found["linears.0.weight"]).all():
            raise WeightsError(
                "the weight of the first layer is beyond single precision when divided by the scale of the features, "
                f"{scale.min():g}; scale features and weights to about 1"
            )
    found |= {
        key.replace(".weight", ".mask"): (value != 0).float()
        for key, value in found.items()
        if key.startswith("linears.") and key.endswith(".weight")
    }
    mlp.load_state_dict({**mlp.state_dict(), **found})
