"""The placer that follows a network while it is pruned."""

import numpy as np
import pytest

from netgen.ir.netlist import netlist_between
from netgen.learn.follow import Follower
from netgen.spec.hardware import PlaceSpec


def test_a_follower_measures_the_wire_length_of_its_placement() -> None:
    rng = np.random.default_rng(0)
    masks = [rng.random((6, 9)) < 0.4, rng.random((4, 6)) < 0.5]
    follower = Follower(PlaceSpec(pitch=(1, 2, 3)), moves=2_000, seed=1)
    for _ in range(2):  # the first placement, then from the last one
        distances = follower(masks)
        total = sum(float(d[m].sum()) for d, m in zip(distances, masks, strict=True))
        netlist = netlist_between(masks)
        assert netlist.wires <= sum(int(m.sum()) for m in masks)
        assert total == pytest.approx(follower.length)
        masks[0] = masks[0] & (rng.random((6, 9)) < 0.9)
        masks[0][2] = False  # a neuron dies, and the box shrinks


@pytest.mark.parametrize("heavy", [(0, 2, 5), (1, 3, 1)])
def test_a_follower_keeps_the_wire_of_greatest_weight_short(heavy: tuple[int, int, int]) -> None:
    """In a dense network the one wire of weight 1,000 is as short as possible: 1."""
    masks = [np.ones((6, 9), dtype=np.bool_), np.ones((4, 6), dtype=np.bool_)]
    weights = [mask.astype(np.int64) for mask in masks]
    layer, target, source = heavy
    weights[layer][target, source] = 1_000
    follower = Follower(PlaceSpec(), moves=20_000, seed=1)
    distances = follower(masks, weights)
    assert distances[layer][target, source] == 1
    assert follower.length == sum(d.sum() for d in distances)  # unweighted
    assert Follower(PlaceSpec(), moves=20_000, seed=1)(masks)[layer][target, source] > 1
