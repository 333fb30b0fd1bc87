"""Lowering of circuits that are no chains: skips, maxima, step functions, scales, rounding, several outputs."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import all_inputs, lowered

from netgen.errors import BuildError
from netgen.ir.activation import Activation, Rescale, Scale, StepFunction, Steps
from netgen.ir.circuit import Circuit, CircuitHead, CircuitLayer
from netgen.ir.fixed import FixedPoint, Words
from netgen.lower.line import line_through
from netgen.lower.lower import lower
from netgen.operators.cost import cost_of
from netgen.operators.graph import OperatorGraph, evaluate
from netgen.operators.kinds import Add, Count, Greater, Larger, Maximum, Minimum, Round, Select, Subtract, Table
from netgen.operators.prove import prove
from netgen.operators.schedule import schedule

ENTRY = FixedPoint(3, 0, signed=False)


def layer(
    name: str, *rows: dict[int, int], bias: int = 0, activation: Activation | None = None, greatest: bool = False
) -> CircuitLayer:
    """Neurons by the weights of what they read; all have the same bias."""
    return CircuitLayer(
        name=name,
        starts=np.cumsum([0, *map(len, rows)]),
        source=np.array([source for row in rows for source in row], dtype=np.int64),
        weight=np.array([weight for row in rows for weight in row.values()], dtype=np.int64),
        bias=np.full(len(rows), bias),
        frac=0,
        activation=activation or Rescale(),
        gather="max" if greatest else "sum",
    )


def of(
    *layers: CircuitLayer, inputs: int = 2, entry: FixedPoint = ENTRY, heads: tuple[CircuitHead, ...] = ()
) -> Circuit:
    return Circuit(entry, np.ones(inputs), layers, outputs=heads)


def head(name: str, *neurons: int, function: str = "none") -> CircuitHead:
    return CircuitHead(name, np.array(neurons), np.ones(()), np.zeros(()), function)  # type: ignore[arg-type]


def computed(circuit: Circuit, *, tables: int = 0, argmax: bool = False) -> tuple[OperatorGraph, Words, Words | None]:
    """The graph, which is proved, and its scores and classes of every input."""
    graph = lowered(circuit, tables=tables, argmax=argmax)
    prove(graph, circuit)
    return graph, *evaluate(graph, all_inputs(circuit))


def test_a_residual_reads_its_input_again_and_a_late_layer_reads_the_first() -> None:
    """s = max(a + 2 b - 3, 0), r = s + a, and last r - b."""
    circuit = of(
        layer("s", {0: 1, 1: 2}, bias=-3, activation=Rescale(lo=0)), layer("r", {0: 1, 2: 1}), layer("l", {1: -1, 3: 1})
    )
    _, scores, _ = computed(circuit)
    a, b = all_inputs(circuit).T
    assert scores[:, 0].tolist() == (np.maximum(a + 2 * b - 3, 0) + a - b).tolist()


def test_a_maximum_of_words_is_a_tree_and_leaves_out_what_another_exceeds() -> None:
    """Neuron 3 is a + 8, which is never less than a, b or c."""
    circuit = of(layer("s", {0: 1}, bias=8), layer("m", {0: 1, 1: 1, 2: 1}, {0: 1, 3: 1}, greatest=True), inputs=3)
    graph, scores, _ = computed(circuit)
    a, b, c = all_inputs(circuit).T
    assert scores.T.tolist() == [np.maximum(np.maximum(a, b), c).tolist(), (a + 8).tolist()]
    assert graph.count(Larger) == 2


def test_halves_are_rounded_to_even_by_one_operator() -> None:
    """a + b from 0 to 14, in steps of 4: 2 -> 0, 6 -> 2, 10 -> 2, 14 -> 4."""
    circuit = of(layer("r", {0: 1, 1: 1}, activation=Rescale(2, rounding="even")))
    graph, scores, _ = computed(circuit)
    assert scores[:, 0].tolist() == np.rint(all_inputs(circuit).sum(axis=1) / 4).astype(int).tolist()
    assert graph.count(Round) == 1
    whole = of(layer("r", {0: 4, 1: 8}, activation=Rescale(2, rounding="even")))
    assert computed(whole)[0].count(Round) == 0, "a multiple of 4 is never rounded"


def test_a_scale_is_a_multiplication_an_addition_and_a_shift() -> None:
    """((a - b + 1) * -11 + 50) >> 3."""
    activation = Scale(np.array([-11]), np.array([50]), 3)
    circuit = of(layer("s", {0: 1, 1: -1}, bias=1, activation=activation))
    _, scores, _ = computed(circuit)
    a, b = all_inputs(circuit).T
    assert scores[:, 0].tolist() == (((a - b + 1) * -11 + 50) >> 3).tolist()


WIDE = FixedPoint(6, 0, signed=True)
"""a * 9 - b * 5 has 10 bits, too many for a table."""


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], Count),
        ([7, 6, 5, 4, 3, 2, 1, 0], Count),
        ([-4, 0, 4, 8, 12, 16, 20, 24], Count),
        ([3, -1, 4, -1, 5, -9, 2, -6], Select),
    ],
)
def test_step_functions_of_wide_sums_count_equal_steps_and_select_among_others(
    values: list[int], kinds: type[Count] | type[Select]
) -> None:
    at = np.array([-300, -100, -99, -3, 0, 50, 200])
    function = StepFunction(at, np.array(values))
    circuit = of(layer("s", {0: 9, 1: -5}, bias=2, activation=Steps((function,), np.array([0]))), entry=WIDE)
    graph, scores, _ = computed(circuit)
    a, b = all_inputs(circuit).T
    total = 9 * a - 5 * b + 2
    assert scores[:, 0].tolist() == np.array(values)[(total[:, None] >= at).sum(axis=1)].tolist()
    assert graph.count(Greater) == len(at)
    assert graph.count(kinds) > 0
    assert graph.count({Count: Select, Select: Count}[kinds]) == 0


def test_a_step_function_of_a_narrow_sum_is_a_table() -> None:
    """a + b has 4 bits."""
    rng = np.random.default_rng(1)
    function = StepFunction(np.arange(1, 15), rng.integers(-8, 8, 15))
    circuit = of(layer("s", {0: 1, 1: 1}, activation=Steps((function,), np.array([0]))))
    graph, scores, _ = computed(circuit)
    assert scores[:, 0].tolist() == function.value[all_inputs(circuit).sum(axis=1)].tolist()
    assert (graph.count(Table), graph.count(Greater), graph.count(Select)) == (1, 0, 0)


def test_breaks_that_a_sum_cannot_reach_or_tell_apart_cost_nothing() -> None:
    """6 a reaches neither -1 nor 43, and no value from 13 to 17; the word after 13 and before 16 never occurs."""
    function = StepFunction(np.array([-1, 13, 16, 43]), np.array([9, 0, 5, 1, 9]))
    circuit = of(layer("s", {0: 6}, activation=Steps((function,), np.array([0]))))
    graph, scores, _ = computed(circuit)
    assert scores[:, 0].tolist() == np.where(all_inputs(circuit)[:, 0] >= 3, 1, 0).tolist()
    assert graph.operators[graph.words[0][0]].range == (0, 1)
    assert graph.count(Select) == 0


def test_neurons_of_equal_weights_and_ranges_get_equal_operators() -> None:
    """A kernel of three weights at five places, and one at the border, which has another plan."""
    kernel = [{k: 11, k + 1: -7, k + 2: 13} for k in range(5)]
    circuit = of(layer("conv", *kernel, {5: 11, 6: -7}, bias=5), inputs=7, entry=FixedPoint(1, 0, signed=False))
    graph, _, _ = computed(circuit)
    plans = [[(op.operation, op.range) for op in graph.operators if (op.layer, op.index) == (1, k)] for k in range(6)]
    assert plans[0] == plans[1] == plans[4] != plans[5]


def test_several_outputs_give_scores_of_any_layer_and_the_class_of_one() -> None:
    """Scores a, s0, s1; then the class of s0, s1; an input is a score as it is."""
    circuit = of(
        layer("s", {0: 1, 1: 1}, {0: 2, 1: -1}),
        layer("t", {2: 1, 3: 1}),
        heads=(head("early", 0), head("logits", 2, 3, function="argmax"), head("late", 4)),
    )
    _, scores, classes = computed(circuit, argmax=True)
    a, b = all_inputs(circuit).T
    assert scores.T.tolist() == [a.tolist(), (a + b).tolist(), (2 * a - b).tolist(), (3 * a).tolist()]
    assert classes is not None
    assert classes.tolist() == (2 * a - b > a + b).astype(int).tolist()


def test_a_class_of_no_one_output_is_refused() -> None:
    circuit = of(layer("s", {0: 1}, {1: 1}), heads=(head("x", 2), head("y", 3)))
    with pytest.raises(BuildError) as caught:
        lower(circuit, argmax=True)
    assert str(caught.value) == "emit.argmax: 2 of 2 outputs could be the class; set argmax to false"


def test_a_value_that_skips_layers_passes_the_registers_that_it_misses() -> None:
    """a is read in layers 1 and 3: two registers of 3 bits, and one of each layer's word."""
    circuit = of(layer("s", {0: 1}, bias=1), layer("t", {1: 2}, bias=1), layer("u", {0: 1, 2: 1}), inputs=1)
    graph, _, _ = computed(circuit)
    timing = schedule(graph, "layer")
    assert timing.latency == 3
    widths = Counter(op.width * delay for op, delay in zip(graph.operators, timing.delays(graph), strict=True))
    assert widths[2 * 3] == 1
    assert cost_of(graph, timing).registers == timing.registers(graph) + 3


def test_the_sum_below_a_step_function_needs_no_adder_for_its_constant() -> None:
    """16 a - b + 9 of words of 6 bits is one adder without carry: its breaks move instead."""
    function = StepFunction(np.array([-20, 301]), np.array([0, 7, 3]))
    steps = of(layer("s", {0: 16, 1: -1}, bias=9, activation=Steps((function,), np.array([0]))), entry=WIDE)
    plain = of(layer("s", {0: 16, 1: -1}, bias=9), entry=WIDE)
    graph, scores, _ = computed(steps)
    a, b = all_inputs(steps).T
    total = 16 * a - b + 9
    assert scores[:, 0].tolist() == np.select([total < -20, total < 301], [0, 7], 3).tolist()
    assert graph.count(Add, Subtract) == 1 < computed(plain)[0].count(Add, Subtract)


@pytest.mark.parametrize("rises", [True, False])
def test_steps_on_a_rounded_line_are_a_multiplication_a_shift_and_limits(rises: bool) -> None:
    """round(total * 0.0413) from -20 to 30, as a quantizer of another tool gives it: 50 breaks, and no comparison."""
    total = np.arange(-2000, 2001)
    words = np.clip(np.floor(total * 0.0413 + 0.5), -20, 30).astype(np.int64)
    at = total[1:][np.diff(words) > 0]
    value = np.arange(-20, 31) if rises else -np.arange(-20, 31)
    activation = Steps((StepFunction(at, value),), np.array([0]))
    circuit = of(layer("s", {0: 31, 1: -25}, bias=7, activation=activation), entry=WIDE)
    graph, scores, _ = computed(circuit)
    a, b = all_inputs(circuit).T
    right = words[31 * a - 25 * b + 7 + 2000]
    assert scores[:, 0].tolist() == (right if rises else -right).tolist()
    assert (graph.count(Greater), graph.count(Maximum), graph.count(Minimum)) == (0, 1, 1)
    assert graph.count(Add, Subtract) < 16


@pytest.mark.parametrize("slope", [0.2, 0.013, 1.4, -0.3])
@pytest.mark.parametrize("sign", [1, -1])
def test_steps_on_two_rounded_lines_are_two_lines_and_a_selection(slope: float, sign: int) -> None:
    """A leaky ReLU of total * 0.0413, from -90 to 90: up to 180 breaks, and one comparison. A negative slope turns."""
    total = np.arange(-2000, 2001)
    line = total * 0.0413
    words = sign * np.clip(np.floor(np.where(line > 0, line, slope * line) + 0.5), -90, 90).astype(np.int64)
    change = np.flatnonzero(np.diff(words)) + 1
    function = StepFunction(total[change], words[[0, *change]])
    circuit = of(layer("s", {0: 31, 1: -25}, bias=7, activation=Steps((function,), np.array([0]))), entry=WIDE)
    graph, scores, _ = computed(circuit)
    a, b = all_inputs(circuit).T
    assert scores[:, 0].tolist() == words[31 * a - 25 * b + 7 + 2000].tolist()
    few = abs(slope) < 0.1  # one break below 0, which is no line
    assert few or (graph.count(Greater), graph.count(Select)) == (1, 1)


def test_a_step_function_of_three_lines_is_none_of_two() -> None:
    """Slopes 1, 1/2 and 1 of one word for each 20 of the sum: comparisons are left."""
    total = np.arange(-2000, 2001)
    places = np.interp(total, [-2000, -500, 500, 2000], [-75, 0, 25, 100])
    words = np.floor(places).astype(np.int64)
    change = np.flatnonzero(np.diff(words)) + 1
    function = StepFunction(total[change], words[[0, *change]])
    circuit = of(layer("s", {0: 31, 1: -25}, activation=Steps((function,), np.array([0]))), entry=WIDE)
    graph, scores, _ = computed(circuit)
    a, b = all_inputs(circuit).T
    assert scores[:, 0].tolist() == words[31 * a - 25 * b + 2000].tolist()
    assert graph.count(Greater) > 10


def test_any_words_between_breaks_on_a_line_are_a_table_of_the_place_on_the_line() -> None:
    """A quantizer behind another one: 40 breaks, whose steps are 2, 3 and -1 in turn."""
    at = np.array([-1500 + round(73.37 * k) for k in range(40)])
    value = np.concatenate([[-20], -20 + np.cumsum(np.resize([2, 3, -1], 40))])
    circuit = of(layer("s", {0: 31, 1: -25}, activation=Steps((StepFunction(at, value),), np.array([0]))), entry=WIDE)
    graph, scores, _ = computed(circuit)
    a, b = all_inputs(circuit).T
    assert scores[:, 0].tolist() == value[((31 * a - 25 * b)[:, None] >= at).sum(axis=1)].tolist()
    assert (graph.count(Greater), graph.count(Table)) == (0, 1)


@given(seed=st.integers(0, 2**32 - 1))
def test_a_line_reaches_every_break_and_not_the_integer_before_it(seed: int) -> None:
    """Breaks of a random line, half of the time with one of them moved by one; then there may be no line."""
    rng = np.random.default_rng(seed)
    slope, count = float(rng.uniform(0.003, 0.9)), int(rng.integers(2, 40))
    at = np.ceil((np.arange(1, count + 1) - rng.uniform(0, 1)) / slope).astype(int)
    moved = rng.integers(2)
    at[rng.integers(count)] += moved
    at = np.unique(at)
    line = line_through(at.tolist())
    assert line is not None or moved
    if line is not None:
        multiplier, offset, shift = line
        for k, place in enumerate(at.tolist(), 1):
            assert (place * multiplier + offset) >> shift == k
            assert ((place - 1) * multiplier + offset) >> shift == k - 1


@pytest.mark.parametrize("greatest", [False, True])
def test_a_neuron_whose_steps_are_the_identity_has_an_operator_of_its_own(greatest: bool) -> None:
    """A maximum of one word at the border of an image, beside one that a constant limits from below."""
    identity = StepFunction(np.arange(1, 8), np.arange(8))
    limited = StepFunction(np.arange(4, 8), np.arange(3, 8))
    steps = Steps((identity, limited), np.array([0, 1]))
    graph, scores, _ = computed(of(layer("pool", {0: 1}, {1: 1}, activation=steps, greatest=greatest)))
    inputs = all_inputs(of(layer("pool", {0: 1}, {1: 1})))
    assert np.array_equal(scores, np.stack([inputs[:, 0], np.maximum(inputs[:, 1], 3)], axis=1))
    assert len(set(graph.words[0])) == 2
