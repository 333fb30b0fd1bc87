"""Random circuits, and inputs for them."""

import os
from dataclasses import replace
from itertools import pairwise, product
from typing import get_args

import numpy as np
from conftest import skip_or_fail
from hypothesis import strategies as st
from table_circuits import bits_in, random_tables, random_truths, table_networks

from netgen.hdl import design_of
from netgen.ir.activation import Activation, Rescale, Scale, StepFunction, Steps
from netgen.ir.chain import ChainLayer, chain
from netgen.ir.circuit import Circuit, CircuitHead, CircuitLayer, classify, ranges_of
from netgen.ir.dense import DenseActivation
from netgen.ir.fixed import FixedPoint, Words
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist, netlist_of
from netgen.ir.ranked import ranked
from netgen.ir.thermometer import BIT
from netgen.lower import SHARING, alkaid, lower
from netgen.operators.design import Design
from netgen.operators.graph import OperatorGraph
from netgen.operators.kinds import MOST_TABLE_BITS
from netgen.operators.schedule import Pipeline, schedule
from netgen.operators.wiring import sites_of

FUZZ_CASES = int(os.environ.get("NETGEN_FUZZ_CASES", "300"))


TWO_LAYERS = chain(
    input=FixedPoint(4, 2, signed=True),
    input_scale=np.ones(2),
    layers=(
        ChainLayer(
            weight=np.array([[3, -2], [0, 1]]),
            bias=np.array([5, 3]),
            weight_format=FixedPoint(3, 1, signed=True),
            activation="relu",
            output=FixedPoint(3, 1, signed=False),
        ),
        ChainLayer(
            weight=np.array([[1, -2]]),
            bias=np.array([4]),
            weight_format=FixedPoint(3, 1, signed=True),
            activation="identity",
            output=None,
        ),
    ),
)
"""Accumulators of the first layer have 2 + 1 = 3 fractional bits, its words 1: a right shift by 2."""


@st.composite
def formats(draw: st.DrawFn, *, widest: int = 10) -> FixedPoint:
    """1 to 10 bits, signed or not; the step anything from far above 1 to far below."""
    return FixedPoint(draw(st.integers(1, widest)), draw(st.integers(-20, 40)), draw(st.booleans()))


@st.composite
def circuits(
    draw: st.DrawFn, *, deepest: int = 4, inputs: int = 12, widest: int = 12, input_width: int = 10
) -> Circuit:
    """Depth 1 to 4, width 1 to 12; dense to nearly empty, rows of zeros; shifts that just saturate, and any others.

    Shapes, formats and shifts shrink; weights come from one seed, because hundreds of draws would cost more than the
    simulation.
    """
    depth = draw(st.integers(1, deepest))
    sizes = [draw(st.integers(1, inputs)), *draw(st.lists(st.integers(1, widest), min_size=depth, max_size=depth))]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.5, 0.1, 1.0]))
    into = entry = draw(formats(widest=input_width))
    features, thresholds = sizes[0], _thresholds(entry, draw(st.sampled_from([0, 0, 1, 3])), rng)
    if thresholds:
        into, sizes[0] = BIT, features * len(thresholds)
    layers = []
    for number, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
        weights = draw(formats())
        weight = rng.integers(weights.lo, weights.hi + 1, (n_out, n_in))
        weight[rng.random((n_out, n_in)) < 0.1] = rng.choice([weights.lo, weights.hi])
        weight[rng.random((n_out, n_in)) >= density] = 0
        weight[rng.random(n_out) < 0.1] = 0
        reach = int(np.abs(weight).sum(axis=1).max()) << into.width
        bias = rng.integers(-reach, reach + 1, n_out) // int(rng.choice([1, 4, reach + 1]))
        output = None
        if number < depth:
            whole = draw(formats())
            fits = int(reach + np.abs(bias).max()).bit_length() - whole.width
            shift = fits + draw(st.integers(-4, 2)) if draw(st.booleans()) else draw(st.integers(-8, 30))
            output = replace(whole, frac=into.frac + weights.frac - shift)
        activation: DenseActivation = draw(st.sampled_from(get_args(DenseActivation)))
        layers.append(ChainLayer(weight, bias, weights, activation, output))
        into = output or into
    return chain(entry, np.ones(features), tuple(layers), thresholds)


def random_graph(
    rng: np.random.Generator,
    *,
    deepest: int,
    inputs: int,
    widest: int,
    input_width: int,
    selects: float = 0.0,
    tables: float = 0.0,
) -> Circuit:
    """A circuit whose neurons read any earlier ones: sums and maxima, every activation, up to three outputs.

    Args:
        selects: share of layers that select instead.
        tables: share of layers that are tables instead, where there are bits to read.
    """
    entry = FixedPoint(int(rng.integers(1, input_width + 1)), 2, bool(rng.integers(2)))
    features = int(rng.integers(1, inputs + 1))
    thresholds = _thresholds(entry, int(rng.choice([0, 0, 0, 2])), rng)
    layers: list[CircuitLayer] = []
    earlier = features * max(len(thresholds), 1)
    for depth in range(int(rng.integers(1, deepest + 1))):
        make = _random_selects if selects and earlier > 1 and rng.random() < selects else _random_layer
        layer = make(rng, f"block.{depth}", earlier, int(rng.integers(1, widest + 1)))
        if tables and rng.random() < tables:
            bits = bits_in(Circuit(entry, np.ones(features), tuple(layers), thresholds)) if layers else None
            if bits is None and (thresholds or (entry.width == 1 and not entry.signed)):
                bits = np.arange(earlier)
            if bits is not None and len(bits):
                layer = random_tables(rng, layer.name, bits, len(layer))
        before = Circuit(entry, np.ones(features), (*layers, layer), thresholds)
        reach = ranges_of(before)[-1]
        activation = _random_activation(rng, reach.acc_lo, reach.acc_hi)
        output = FixedPoint(int(rng.integers(1, 7)), 0, bool(rng.integers(2))) if rng.random() < 0.7 else None
        if layer.gather == "table" and rng.random() < 0.7:
            activation = random_truths(rng, layer)
        layers.append(replace(layer, activation=activation, output=output))
        earlier += len(layer)
    heads = []
    for k in range(int(rng.integers(0, 4))):
        neuron = rng.integers(0, earlier, int(rng.integers(1, 5)))
        heads.append(CircuitHead(f"head{k}", neuron, np.ones(()), np.zeros(()), "none" if k else "argmax"))
    return Circuit(entry, np.ones(features), tuple(layers), thresholds, tuple(heads))


def random_blocks(rng: np.random.Generator, *, inputs: int, widest: int, input_width: int) -> Circuit:
    """A circuit of two blocks that gates skip, some with a block in them; what else is computed reads no block."""
    entry = FixedPoint(int(rng.integers(2, input_width + 1)), 2, bool(rng.integers(2)))
    features = int(rng.integers(2, inputs + 1))
    layers: list[CircuitLayer] = []

    def add(layer: CircuitLayer) -> list[int]:
        before = Circuit(entry, np.ones(features), (*layers, layer))
        reach = ranges_of(before)[-1]
        activation = _random_activation(rng, reach.acc_lo, reach.acc_hi)
        layers.append(replace(layer, activation=activation, output=FixedPoint(int(rng.integers(2, 6)), 0, signed=True)))
        return list(range(*before.first[-2:]))

    def reading(visible: list[int]) -> list[int]:
        layer = _random_layer(rng, f"block.{len(layers)}", len(visible), int(rng.integers(1, widest + 1)))
        return add(replace(layer, source=np.array(visible)[layer.source]))

    def block(visible: list[int], *, inner: bool) -> list[int]:
        gates, own = reading(visible), reading(visible)
        own += reading(visible + own) if rng.random() < 0.5 else []
        own += block(visible + own, inner=False) if inner and rng.random() < 0.5 else []
        rows = [
            [*([int(rng.choice(visible))] if rng.random() < 0.7 else []), int(rng.choice(gates)), int(rng.choice(own))]
            for _ in range(int(rng.integers(1, widest + 1)))
        ]
        return add(_selections(f"block.{len(layers)}", rows))

    visible = list(range(features))
    for _ in range(2):
        visible += block(visible, inner=True)
    reading(visible)
    return Circuit(entry, np.ones(features), tuple(layers))


def _random_layer(rng: np.random.Generator, name: str, earlier: int, neurons: int) -> CircuitLayer:
    """Neurons that read up to seven words each, some of them more often than others; without activation."""
    greatest = rng.random() < 0.3
    rows = []
    for _ in range(neurons):
        count = int(rng.integers(int(greatest), 8))
        near = earlier - 1 - rng.integers(0, min(earlier, 6), count)
        rows.append(np.unique(np.where(rng.random(count) < 0.7, near, rng.integers(0, earlier, count))))
    source = np.concatenate(rows).astype(np.int64)
    most = int(rng.choice([1, 3, 9]))
    weight = rng.integers(1, most + 1, len(source)) * rng.choice([-1, 1], len(source))
    bias = rng.integers(-9, 10, neurons) * rng.integers(0, 2)
    return CircuitLayer(
        name=name,
        starts=np.concatenate([[0], np.cumsum([len(row) for row in rows])]),
        source=source,
        weight=np.ones_like(weight) if greatest else weight,
        bias=np.zeros_like(bias) if greatest else bias,
        frac=0,
        gather="max" if greatest else "sum",
    )


def _random_selects(rng: np.random.Generator, name: str, earlier: int, neurons: int) -> CircuitLayer:
    """Neurons that select, some of them by one gate; without activation."""
    gate = int(rng.integers(0, earlier - 1))
    rows = []
    for _ in range(neurons):
        own = gate if rng.random() < 0.7 else int(rng.integers(0, earlier - 1))
        bypass = [int(rng.integers(0, own))] if own and rng.random() < 0.7 else []
        rows.append([*bypass, own, int(rng.integers(own + 1, earlier))])
    return _selections(name, rows)


def _selections(name: str, rows: list[list[int]]) -> CircuitLayer:
    """Neurons by bypass, gate and word, or gate and word."""
    starts, source = np.concatenate([[0], np.cumsum([len(row) for row in rows])]), np.concatenate(rows)
    none = np.zeros(len(rows), dtype=np.int64)
    return CircuitLayer(name, starts, source, np.ones_like(source), none, frac=0, gather="select")


def _random_activation(rng: np.random.Generator, lo: Words, hi: Words) -> Activation:
    """An activation for accumulators from `lo` to `hi`, (n,) each, whose words have few bits."""
    reach, n = int(max(np.abs(lo).max(), np.abs(hi).max(), 1)), len(lo)
    excess = max(reach.bit_length() - int(rng.integers(2, 7)), 0)
    kind = rng.integers(4)
    if kind < 2:
        limits = [int(rng.integers(-reach, reach + 1)) if rng.random() < 0.3 else None for _ in range(2)]
        if None not in limits:
            limits.sort(key=lambda limit: limit or 0)
        if rng.random() < 0.3:
            limits = [0, None]
        least, most = limits
        return Rescale(excess - int(rng.integers(0, 2)), least, most, "even" if kind else "up")
    if kind == 2:
        multiplier = rng.integers(-11, 12, n)
        return Scale(multiplier, rng.integers(-20, 21, n), excess + int(rng.integers(1, 4)))
    functions = tuple(_random_steps(rng, int(lo.min()), int(hi.max())) for _ in range(int(rng.integers(1, 4))))
    return Steps(functions, rng.integers(0, len(functions), n))


def _random_steps(rng: np.random.Generator, lo: int, hi: int) -> StepFunction:
    """Steps that rise or fall by the same amount, or any values; some breaks lie beyond `lo` to `hi`."""
    at = np.unique(rng.integers(lo - 2, hi + 3, int(rng.choice([1, 3, 7, 24]))))
    kind, count = rng.integers(3), len(at) + 1
    value = rng.integers(-8, 9, count) if kind == 0 else (np.arange(count) - 3) * rng.choice([1, 2, 3])
    return StepFunction(at, -value if kind == 2 else value)


@st.composite
def graphs(draw: st.DrawFn, *, deepest: int = 5, inputs: int = 6, widest: int = 6, input_width: int = 6) -> Circuit:
    """Circuits whose layers read any earlier ones; see `random_graph`. Sizes shrink, all else comes from one seed."""
    return random_graph(
        np.random.default_rng(draw(st.integers(0, 2**32 - 1))),
        deepest=draw(st.integers(1, deepest)),
        inputs=draw(st.integers(1, inputs)),
        widest=draw(st.integers(1, widest)),
        input_width=input_width,
        selects=draw(st.sampled_from([0.0, 0.4])),
        tables=draw(st.sampled_from([0.0, 0.5])),
    )


@st.composite
def blocks(draw: st.DrawFn, *, inputs: int = 4, widest: int = 4, input_width: int = 5) -> Circuit:
    """Circuits with blocks that gates skip; see `random_blocks`."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return random_blocks(rng, inputs=inputs, widest=draw(st.integers(1, widest)), input_width=input_width)


def any_circuits() -> st.SearchStrategy[Circuit]:
    """Chains of dense layers, layers that read any earlier ones, blocks that gates skip, and table networks."""
    return st.one_of(circuits(), graphs(), blocks(), table_networks())


def classes_of(circuit: Circuit, scores: Words) -> Words:
    """The classes that scores, (n, n_out), decide."""
    return classify(scores[:, ranked(circuit)])


def _thresholds(entry: FixedPoint, count: int, rng: np.random.Generator) -> tuple[int, ...]:
    """`count` words of a format, or all that can be thresholds."""
    words = np.arange(entry.lo + 1, entry.hi + 1)
    return tuple(sorted(rng.choice(words, min(count, len(words)), replace=False).tolist()))


def table_bits() -> st.SearchStrategy[int]:
    """The most bits that may enter a neuron that becomes a table."""
    return st.sampled_from([0, 6, MOST_TABLE_BITS])


def sharings() -> st.SearchStrategy[str]:
    """Every way of sharing that is installed."""
    return st.sampled_from([name for name in SHARING if name != "alkaid" or alkaid.available()])


def skip_if_missing(sharing: str) -> None:
    """Skip a test of a way of sharing that is not installed."""
    if sharing == "alkaid" and not alkaid.available():
        skip_or_fail("alkaid is not installed; pip install 'netgen[alkaid]'")


def pipelines() -> st.SearchStrategy[tuple[Pipeline, int]]:
    """Every pipeline, with few and with many steps."""
    return st.tuples(st.sampled_from(get_args(Pipeline)), st.sampled_from([1, 2, 3, 7]))


@st.composite
def inputs_of(draw: st.DrawFn, circuit: Circuit) -> Words:
    """A few random samples, both corners, and the inputs that drive the first neuron to its extremes."""
    lo, hi = circuit.input.lo, circuit.input.hi
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = circuit.features
    source, weight = circuit.layers[0].row(0)
    up = np.where(np.bincount(source, weight, minlength=circuit.sizes[0]).reshape(n, -1).sum(axis=1) > 0, hi, lo)
    corners = [np.full(n, lo), np.full(n, hi), up, lo + hi - up]
    return np.concatenate([rng.integers(lo, hi + 1, (draw(st.integers(1, 6)), n)), corners]).astype(np.int64)


def all_inputs(circuit: Circuit) -> Words:
    """Every sample of a small circuit."""
    words = range(circuit.input.lo, circuit.input.hi + 1)
    return np.array(list(product(words, repeat=circuit.features)), dtype=np.int64)


def placed(circuit: Circuit) -> tuple[Netlist, Placement]:
    """The netlist of a circuit, its neurons in a row."""
    netlist = netlist_of(circuit)
    grid = Grid((max(netlist.neurons, 1), 1, 1))
    return netlist, Placement(grid, grid.coordinates[: netlist.neurons])


def lowered(circuit: Circuit, *, sharing: str = "shared", argmax: bool = False, tables: int = 0) -> OperatorGraph:
    """The operators of a circuit, its neurons in a row."""
    return lower(circuit, sharing=sharing, argmax=argmax, sites=sites_of(*placed(circuit)), tables=tables)


def designed_as(
    circuit: Circuit,
    *,
    argmax: bool = False,
    sharing: str = "shared",
    pipeline: Pipeline = "layer",
    steps: int = 1,
    long: int = 0,
    tables: int = 0,
    comments: bool = False,
    kernels: bool | None = False,
) -> Design:
    """The hardware of a circuit, its neurons in a row.

    Args:
        kernels: as for `design_of`, whose default is None.
        long: every `long`-th wire between operators has one more register; 0 for none.
    """
    graph = lowered(circuit, sharing=sharing, argmax=argmax, tables=tables)
    wires = [(source, number) for number, op in enumerate(graph.operators) for source in op.sources]
    timing = schedule(graph, pipeline, steps=steps, long=wires[::long] if long else ())
    return design_of(circuit, graph, timing, *placed(circuit), title="spec test", comments=comments, kernels=kernels)


def random_circuit(
    sizes: tuple[int, ...], *, seed: int, density: float = 1.0, entry: FixedPoint | None = None, width: int = 6
) -> Circuit:
    """An ordinary network of unsigned 8-bit words and signed weights, ReLU between layers, for larger tests."""
    rng = np.random.default_rng(seed)
    hidden = FixedPoint(8, 4, signed=False)
    weights = FixedPoint(width, width - 1, signed=True)
    layers = []
    for depth, (n_in, n_out) in enumerate(pairwise(sizes)):
        last = depth == len(sizes) - 2
        weight = rng.integers(weights.lo, weights.hi + 1, (n_out, n_in)) * (rng.random((n_out, n_in)) < density)
        bias = rng.integers(-200, 200, n_out)
        layers.append(ChainLayer(weight, bias, weights, "identity" if last else "relu", None if last else hidden))
    return chain(entry or FixedPoint(8, 4, signed=False), np.ones(sizes[0]), tuple(layers))
