"""From circuit to operators: the same function, exact ranges, and no more adders and levels than promised."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    all_inputs,
    any_circuits,
    circuits,
    classes_of,
    inputs_of,
    lowered,
    random_circuit,
    skip_if_missing,
    table_bits,
)

from netgen import lower as package
from netgen.errors import BuildError
from netgen.ir.chain import ChainLayer, chain
from netgen.ir.circuit import Circuit, ranges_of
from netgen.ir.circuit import evaluate as scores_of
from netgen.ir.digits import signed_digits
from netgen.ir.fixed import FixedPoint, Words
from netgen.lower import SHARING, lower
from netgen.lower.builder import OperatorBuilder
from netgen.lower.subexpressions import EXTRA_LEVELS, add_shared
from netgen.operators.cost import cost_of
from netgen.operators.graph import OperatorGraph, evaluate, values_of
from netgen.operators.kinds import Constant, Count, Maximum, Minimum, Multiply, Subtract
from netgen.operators.prove import prove
from netgen.operators.schedule import schedule


@pytest.mark.parametrize("sharing", SHARING)
@given(data=st.data())
@settings(max_examples=60)
def test_a_graph_computes_the_scores_and_class_of_its_circuit_within_its_ranges(
    sharing: str, data: st.DataObject
) -> None:
    skip_if_missing(sharing)
    circuit = data.draw(any_circuits())
    inputs = data.draw(inputs_of(circuit))
    argmax = data.draw(st.booleans())
    graph = lowered(circuit, sharing=sharing, argmax=argmax, tables=data.draw(table_bits()))
    expected = scores_of(circuit, inputs)
    scores, classes = evaluate(graph, inputs)
    assert np.array_equal(scores, expected)
    if argmax:
        assert classes is not None
        assert np.array_equal(classes, classes_of(circuit, expected))
    else:
        assert classes is None
    for number, values in values_of(graph, inputs):
        operator = graph.operators[number]
        assert operator.lo <= values.min() <= values.max() <= operator.hi, f"operator {number}"


@pytest.mark.parametrize("sharing", SHARING)
@given(circuit=circuits(deepest=2, inputs=3, widest=5, input_width=3))
@settings(max_examples=60)
def test_ranges_of_the_first_layer_are_attained_and_no_value_leaves_a_range(sharing: str, circuit: Circuit) -> None:
    """On all inputs, at most 512. Words of a layer depend on each other, as do bits of one input, so operators that
    read them may have wider ranges."""
    skip_if_missing(sharing)
    graph = lowered(circuit, sharing=sharing, argmax=True)
    for number, values in values_of(graph, all_inputs(circuit)):
        operator = graph.operators[number]
        found = int(values.min()), int(values.max())
        if operator.layer < 2 and not circuit.thresholds:
            assert found == (operator.lo, operator.hi), f"operator {number}"
        else:
            assert operator.lo <= found[0] <= found[1] <= operator.hi, f"operator {number}"


@pytest.mark.parametrize("sharing", SHARING)
def test_words_are_as_wide_as_interval_analysis_says(sharing: str) -> None:
    """The circuit's ranges come from another derivation; widths of wires and registers follow from them."""
    skip_if_missing(sharing)
    circuit = random_circuit((6, 5, 4, 3), seed=4)
    graph = lowered(circuit, sharing=sharing)
    for layer, reach in zip(graph.words, ranges_of(circuit), strict=True):
        found = [(graph.operators[number].lo, graph.operators[number].hi) for number in layer]
        assert found == list(zip(reach.out_lo.tolist(), reach.out_hi.tolist(), strict=True))


def test_a_missing_alkaid_is_one_line_with_two_fixes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package.alkaid, "find_spec", lambda _: None)
    with pytest.raises(BuildError) as caught:
        lower(random_circuit((2, 2), seed=1), sharing="alkaid", argmax=False)
    assert str(caught.value) == ("emit.sharing: alkaid is not installed; pip install 'netgen[alkaid]', or use shared")


def test_local_without_a_placement_is_one_line() -> None:
    with pytest.raises(BuildError) as caught:
        lower(random_circuit((2, 2), seed=1), sharing="local", argmax=False)
    assert str(caught.value) == "emit.sharing: local needs a placement; place the circuit first"


@given(number=st.integers(-(2**40), 2**40))
def test_signed_digits_add_up_and_no_two_are_neighbors(number: int) -> None:
    digits = list(signed_digits(number))
    assert sum(sign << exponent for exponent, sign in digits) == number
    assert {sign for _, sign in digits} <= {1, -1}
    exponents = [exponent for exponent, _ in digits]
    assert all(after - before >= 2 for before, after in pairwise(exponents))


def test_signed_digits_are_the_fewest() -> None:
    """Against all sums of at most 4 powers of two up to 2**8, added or subtracted; 7 = 8 - 1 needs two."""
    powers = [sign << exponent for exponent in range(9) for sign in (1, -1)]
    fewest = {0: 0}
    for count in range(1, 5):
        for number in list(fewest):
            for power in powers:
                fewest.setdefault(number + power, count)
    assert all(len(list(signed_digits(number))) == fewest[number] for number in range(-128, 129))


def _layer(weight: Words, bias: Words, *, width: int = 5) -> Circuit:
    """One layer that gives its sums."""
    layer = ChainLayer(weight, bias, FixedPoint(10, 0, signed=True), "identity", None)
    return chain(FixedPoint(width, 0, signed=False), np.ones(weight.shape[1]), (layer,))


def _adders(graph: OperatorGraph) -> tuple[int, int]:
    """The number of adders, and their bits."""
    cost = cost_of(graph, schedule(graph))
    return cost.adders, cost.adder_bits


def test_a_sum_by_hand() -> None:
    """7 a - 3 b + 1 = 8 a - a - 4 b + b + 1: five terms, four adders; with multipliers 7 a + 1 - 3 b: two of each."""
    circuit = _layer(np.array([[7, -3]]), np.array([1]))
    assert _adders(lowered(circuit, sharing="csd"))[0] == 4
    graph = lowered(circuit, sharing="none")
    assert (_adders(graph)[0], graph.count(Multiply)) == (2, 2)


def test_a_pair_of_terms_is_added_once_for_two_neurons() -> None:
    """a + 2b + c and a + 2b - d: four adders apart, three when a + 2b is shared, also where it is shifted, 4a + 8b."""
    for scale in (1, 4):
        circuit = _layer(np.array([[1, 2, 1, 0], [scale, 2 * scale, 0, -1]]), np.array([0, 0]))
        assert _adders(lowered(circuit, sharing="csd"))[0] == 4
        assert _adders(lowered(circuit, sharing="shared"))[0] == 3


def test_subtrahends_are_complemented_and_their_surplus_is_subtracted_once() -> None:
    """a - b + c - d of words from 0 to 31: (a + 31 - b) + (c + 31 - d) - 62, and no word but the last is negative."""
    graph = lowered(_layer(np.array([[1, -1, 1, -1]] * 2), np.array([0, 0])), sharing="shared")
    operations = [op.operation for op in graph.operators]
    assert {op.offset for op in operations if isinstance(op, Subtract)} == {31}
    assert {op.value for op in operations if isinstance(op, Constant)} == {-31}  # and one place to the left
    words = set(graph.words[-1])
    assert all(op.lo >= 0 or graph.is_constant(number) or number in words for number, op in enumerate(graph.operators))


def test_dense_sums_of_both_signs_are_proved() -> None:
    """Sums longer than `LONG` terms: 40 x 16 weights of 7 bits, each sum with a bias."""
    rng = np.random.default_rng(0)
    circuit = _layer(rng.integers(-63, 64, (16, 40)), rng.integers(-999, 1000, 16))
    for sharing in ("csd", "shared", "none"):
        graph = lowered(circuit, sharing=sharing)
        assert prove(graph, circuit).weights == circuit.layers[0].wires


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("scales", [[1], [1, 2, 4]])
def test_sums_of_narrow_words_need_about_one_look_up_table_per_bit(width: int, scales: list[int]) -> None:
    """Neurons of 60 inputs with signs; adders alone need 2 per bit for words of 1 bit, and 1.5 for words of 2."""
    rng = np.random.default_rng(1)
    weight = rng.choice(scales, (4, 60)) * rng.choice([-1, 1], (4, 60))
    graphs = [lowered(_layer(weight, np.zeros(4, np.int64), width=width), sharing=name) for name in ("csd", "shared")]
    assert graphs[0].count(Count) > 0
    alone, together = (cost_of(graph, schedule(graph, "none")).lut for graph in graphs)
    assert together <= alone < 1.25 * 4 * 60 * width


@st.composite
def matrices(draw: st.DrawFn) -> tuple[Words, Words]:
    """Weights and biases of one layer, up to 8 x 8."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    most = draw(st.sampled_from([1, 3, 15, 200]))
    weight = rng.integers(-most, most + 1, shape) * (rng.random(shape) < draw(st.sampled_from([1.0, 0.6, 0.3])))
    return weight, rng.integers(-9, 10, shape[0]) * draw(st.integers(0, 1))


@given(layer=matrices())
@settings(max_examples=150)
def test_sharing_never_needs_more_look_up_tables(layer: tuple[Words, Words]) -> None:
    circuit = _layer(*layer)
    alone, together = (lowered(circuit, sharing=sharing) for sharing in ("csd", "shared"))
    assert cost_of(together, schedule(together)).lut <= cost_of(alone, schedule(alone)).lut


def test_sharing_saves_a_third_of_the_adders_of_a_dense_layer() -> None:
    """32 x 32 weights of 8 bits; the third is our requirement, not a theoretical bound."""
    rng = np.random.default_rng(1)
    circuit = _layer(rng.integers(-128, 128, (32, 32)), np.zeros(32, dtype=np.int64))
    alone, together = (_adders(lowered(circuit, sharing=sharing)) for sharing in ("csd", "shared"))
    assert 3 * together[0] < 2 * alone[0]
    assert together[1] < alone[1]


def _fewest_levels(levels: Sequence[int]) -> int:
    """The lowest level of a sum of terms at these levels: add the two lowest until one is left."""
    left = sorted(levels)
    while len(left) > 1:
        left = sorted([*left[2:], left[1] + 1])
    return left[0]


@given(layer=matrices(), clipped=st.integers(0, 255))
@settings(max_examples=150)
def test_shared_sums_exceed_the_fewest_levels_by_few(layer: tuple[Words, Words], clipped: int) -> None:
    """Also when some inputs are one or two levels later than others; a constant may need one level more."""
    _check_levels(*layer, clipped)


def test_sums_that_are_prefixes_of_each_other_need_few_levels_too() -> None:
    """x0, x0 + x1, x0 + x1 + x2 and so on to 64 terms: 2,016 adders without sharing, 63 in a chain of 63 levels."""
    weight = np.tril(np.ones((64, 64), dtype=np.int64))
    _check_levels(weight, np.zeros(64, dtype=np.int64), 0)
    adders = _adders(lowered(_layer(weight, np.zeros(64, dtype=np.int64)), sharing="shared"))[0]
    assert 63 < adders < 2016 // 4


def _check_levels(weight: Words, bias: Words, clipped: int) -> None:
    builder = OperatorBuilder(weight.shape[1], (0, 31))
    builder.begin_layer(builder.inputs)
    inputs = list(builder.inputs)
    for k, number in enumerate(inputs):
        if clipped >> k & 1:
            inputs[k] = builder.add(Minimum(20), builder.add(Maximum(3), number))
    builder.begin_layer(inputs)
    rows = [{inputs[k]: int(row[k]) for k in np.flatnonzero(row).tolist()} for row in weight]
    for row, added, term in zip(weight, bias, add_shared(builder, rows, bias.tolist()), strict=True):
        terms = [builder.levels[inputs[k]] for k, w in enumerate(row.tolist()) for _ in signed_digits(w)]
        terms += [0] * bool(added)
        if terms:
            constant = any(sign < 0 for w in row.tolist() for _, sign in signed_digits(w)) or added
            assert builder.levels[term.operator] <= _fewest_levels(terms) + EXTRA_LEVELS + bool(constant)
