"""Layers of a spec that do not fit its samples, or the memory of the machine."""

import pytest

from netgen.errors import SpecError
from netgen.learn.shape import check_layers
from netgen.spec.shapes import parse_layer


def _checked(*texts: str) -> None:
    check_layers([parse_layer(text) for text in texts], (1, 8, 8), batch_size=1)


@pytest.mark.parametrize(
    ("layers", "problem"),
    [
        (("dense 65536", "dense 65536"), "network.layers: layer 2 has 4,294,967,296 weights; give at most 100,000,000"),
        (("conv 1 9x9",), "network.layers: layer 1: a kernel of 9x9 on 8x8"),
    ],
)
def test_layers_that_cannot_be_trained_are_refused_before_any_memory_is_taken(
    layers: tuple[str, ...], problem: str
) -> None:
    """65,536 * 65,536 weights of the second layer would need 69 GB."""
    with pytest.raises(SpecError) as caught:
        _checked(*layers)
    assert str(caught.value) == problem
