"""A placed circuit of five neurons that is worked by hand: a and b, then h1 = a + b and h2 = 2 b, then y = h1 + h2."""

import numpy as np
from strategies import lowered

from netgen.energy import Workload, activity_of
from netgen.ir.circuit import Circuit, CircuitLayer
from netgen.ir.fixed import FixedPoint
from netgen.ir.grid import Grid, Placement
from netgen.operators.schedule import schedule

SAMPLES = np.array([[1, 2], [3, 2], [3, 5]])
"""a and b; so h1 is 3, 5, 8, h2 is 4, 4, 10 and y is 7, 9, 18."""


def five_neurons() -> Workload:
    """On a grid of 2 x 2 x 2: a (0, 0, 0), b (1, 0, 0), h1 (0, 1, 0), h2 (1, 0, 1), y (1, 1, 1)."""
    form = FixedPoint(3, 0, True)
    circuit = Circuit(
        input=FixedPoint(3, 0, False),
        input_scale=np.ones(2),
        layers=(
            _layer("hidden", [0, 2, 3], [0, 1, 1], [1, 1, 2], form),
            _layer("out", [0, 2], [2, 3], [1, 1], form),
        ),
    )
    sites = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 1], [1, 1, 1]])
    graph = lowered(circuit, sharing="csd")
    return Workload(
        circuit=circuit,
        placement=Placement(Grid((2, 2, 2)), sites),
        graph=graph,
        timing=schedule(graph, "layer"),
        activity=activity_of(circuit, graph, SAMPLES),
    )


def _layer(name: str, starts: list[int], source: list[int], weight: list[int], form: FixedPoint) -> CircuitLayer:
    return CircuitLayer(
        name=name,
        starts=np.array(starts),
        source=np.array(source),
        weight=np.array(weight),
        bias=np.zeros(len(starts) - 1, dtype=np.int64),
        frac=0,
        weight_format=form,
    )
