"""The proof holds for every graph that lowering builds, and fails for every wrong one."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutants import MUTATIONS, differs, mutant, with_ranges
from strategies import (
    all_inputs,
    any_circuits,
    lowered,
    random_circuit,
    random_graph,
    skip_if_missing,
    table_bits,
)
from table_circuits import random_table_network

from netgen.errors import CheckError
from netgen.ir.chain import ChainLayer, chain
from netgen.ir.circuit import Circuit
from netgen.ir.fixed import FixedPoint, Words
from netgen.lower import SHARING, alkaid
from netgen.operators.graph import Operator, OperatorGraph
from netgen.operators.kinds import (
    MOST_TABLE_BITS,
    Add,
    Constant,
    Input,
    Maximum,
    Minimum,
    Multiply,
    Shift,
    Subtract,
)
from netgen.operators.prove import Proof, prove

MUTANTS = 1000


@pytest.mark.parametrize("sharing", SHARING)
@given(circuit=any_circuits(), argmax=st.booleans(), tables=table_bits())
@settings(max_examples=60)
def test_every_graph_that_lowering_builds_is_proved(sharing: str, circuit: Circuit, argmax: bool, tables: int) -> None:
    skip_if_missing(sharing)
    graph = lowered(circuit, sharing=sharing, argmax=argmax, tables=tables)
    proof = prove(graph, circuit)
    assert proof.operators == len(graph.operators)
    assert proof.neurons <= sum(circuit.sizes[1:])
    assert with_ranges(graph).operators == graph.operators, "another derivation gives the same ranges"


def test_a_proof_counts_operators_neurons_and_weights() -> None:
    circuit = random_circuit((5, 4, 3), seed=1)
    graph = lowered(circuit, argmax=True)
    weights = circuit.wires
    assert prove(graph, circuit) == Proof(operators=len(graph.operators), neurons=7, weights=weights)


def _small_circuit(rng: np.random.Generator) -> Circuit:
    """At most 9 bits of input, so that all inputs can be tried; random widths, shifts, activations and zeros."""
    n_in, width = ((1, 5), (2, 4), (3, 3), (3, 2))[rng.integers(4)]
    into = entry = FixedPoint(width, 0, signed=bool(rng.integers(2)))
    depth = int(rng.integers(1, 4))
    sizes = [n_in, *rng.integers(1, 5, depth).tolist()]
    layers = []
    for number in range(depth):
        weights = FixedPoint(int(rng.integers(2, 6)), 0, signed=True)
        weight = rng.integers(weights.lo, weights.hi + 1, (sizes[number + 1], sizes[number]))
        weight[rng.random(weight.shape) < 0.2] = 0
        bias = rng.integers(-20, 21, sizes[number + 1])
        output = None
        if number < depth - 1:
            output = FixedPoint(int(rng.integers(2, 6)), into.frac - int(rng.integers(-1, 5)), bool(rng.integers(2)))
        layers.append(ChainLayer(weight, bias, weights, ("relu", "identity")[rng.integers(2)], output))
        into = output or into
    return chain(entry, np.ones(n_in), tuple(layers))


def _few_bits(rng: np.random.Generator) -> Circuit:
    """Nine words of one or two bits, four of two bits, and small weights: ones are counted."""
    entry, between = FixedPoint(int(rng.integers(1, 3)), 0, signed=False), FixedPoint(2, -2, signed=False)
    weights = FixedPoint(3, 0, signed=True)
    first, second = (rng.choice([-2, -1, 1, 2], size=shape, p=[0.1, 0.4, 0.4, 0.1]) for shape in ((4, 9), (3, 4)))
    return chain(
        entry,
        np.ones(9),
        (
            ChainLayer(first, rng.integers(-3, 4, 4), weights, "relu", between),
            ChainLayer(second, rng.integers(-3, 4, 3), weights, "identity", None),
        ),
    )


def _cases(rng: np.random.Generator) -> Iterator[tuple[Circuit, Words]]:
    """An endless stream of circuits with inputs: eight small ones with all inputs, then two larger ones with 200."""
    while True:
        for _ in range(4):
            circuit = _small_circuit(rng)
            yield circuit, all_inputs(circuit)
            circuit = random_graph(rng, deepest=4, inputs=3, widest=5, input_width=3, selects=0.15, tables=0.15)
            yield circuit, all_inputs(circuit)
        circuit = _few_bits(rng)
        yield circuit, rng.integers(0, circuit.input.hi + 1, (200, 9))
        entry = FixedPoint(int(rng.integers(1, 9)), 4, signed=bool(rng.integers(2)))
        circuit = random_circuit((9, 7, 5, 4), seed=int(rng.integers(2**32)), density=0.6, entry=entry)
        yield circuit, rng.integers(entry.lo, entry.hi + 1, (200, 9))


def _table_cases(rng: np.random.Generator) -> Iterator[tuple[Circuit, Words]]:
    """An endless stream of table networks, with all inputs."""
    while True:
        circuit = random_table_network(rng, inputs=2, tables=8, classes=2)
        yield circuit, all_inputs(circuit)


def _mutants(
    rng: np.random.Generator, cases: Callable[[np.random.Generator], Iterator[tuple[Circuit, Words]]] = _cases
) -> Iterator[tuple[str, OperatorGraph, Circuit]]:
    """An endless stream of graphs with one fault: a range that is not exact, or another function.

    A change that alters no score and no class of any input is no fault, and is left out: the same sum with its sources
    swapped, another sum that is equal, a limit that the word never reaches, a constant that only unread words contain.
    Evaluation decides this, on all inputs where they are few; the proof is not asked. Half of the wrong functions state
    the ranges that they have, so that no range gives them away.
    """
    sharings = [name for name in SHARING if name != "alkaid" or alkaid.available()]
    for circuit, inputs in cases(rng):
        tables = int(rng.choice([0, MOST_TABLE_BITS]))
        graph = lowered(circuit, sharing=str(rng.choice(sharings)), argmax=bool(rng.integers(2)), tables=tables)
        for mutation in rng.permutation(list(MUTATIONS))[:5].tolist():
            wrong = mutant(graph, mutation, rng)
            if wrong is None:
                continue
            if mutation not in ("lo", "hi"):
                if not differs(wrong, circuit, inputs):
                    continue
                if rng.integers(2):
                    yield f"{mutation} in disguise", with_ranges(wrong), circuit
                    continue
            yield mutation, wrong, circuit


def _rejected(graph: OperatorGraph, circuit: Circuit) -> bool:
    try:
        prove(graph, circuit)
    except CheckError:
        return True
    return False


def test_of_1000_mutants_all_are_rejected() -> None:
    rejected: Counter[str] = Counter()
    survivors = []
    for mutation, wrong, circuit in islice(_mutants(np.random.default_rng(1)), MUTANTS):
        if _rejected(wrong, circuit):
            rejected[mutation] += 1
        else:
            survivors.append((mutation, wrong, circuit))
    assert survivors == []
    assert rejected.total() == MUTANTS
    disguised = {f"{name} in disguise" for name in MUTATIONS if name not in ("lo", "hi")}
    assert set(rejected) == {*MUTATIONS, *disguised}, "every kind of mutant was among them"


def test_of_1000_mutants_of_table_networks_all_are_rejected() -> None:
    """Of tables, counters, sums of counts and the arg-max."""
    rejected: Counter[str] = Counter()
    for mutation, wrong, circuit in islice(_mutants(np.random.default_rng(1), _table_cases), MUTANTS):
        assert _rejected(wrong, circuit), mutation
        rejected[mutation] += 1
    assert rejected.total() == MUTANTS
    kinds = {
        "entry",
        "inverted bit",
        "bit of a source",
        "left shift",
        "sign",
        "offset",
        "source",
        "swapped",
        "constant",
    }
    assert set(rejected) >= {"lo", "hi", *kinds, *(f"{kind} in disguise" for kind in kinds)}


def test_swapped_words_and_classes_are_rejected() -> None:
    """Two neurons of a layer swapped, or the index of another comparison as the class."""
    circuit = random_circuit((5, 4, 3), seed=1)
    graph = lowered(circuit, argmax=True)
    for depth, layer in enumerate(graph.words):
        swapped = (layer[1], layer[0], *layer[2:])
        assert _rejected(replace(graph, words=(*graph.words[:depth], swapped, *graph.words[depth + 1 :])), circuit)
    assert graph.best is not None
    choices = [number for number, op in enumerate(graph.operators) if op.kind == "select"]
    assert len(choices) == 3
    for number in {*choices, 0} - {graph.best}:
        assert _rejected(replace(graph, best=number), circuit)


def _by_hand() -> tuple[OperatorGraph, Circuit]:
    """max(3 a - 2 b + 1, 0) for a and b in 0 to 3: 3 a + 1 in 1 to 10, minus 2 b in -5 to 10."""
    layer = ChainLayer(np.array([[3, -2]]), np.array([1]), FixedPoint(3, 0, signed=True), "relu", None)
    operators = (
        Operator(Input(0), (), 0, 3, 0, None),
        Operator(Input(1), (), 0, 3, 0, None),
        Operator(Constant(1), (), 1, 1, 0, None),
        Operator(Multiply(3), (0,), 0, 9, 1, 0),
        Operator(Add(), (3, 2), 1, 10, 1, 0),
        Operator(Subtract((0, 1)), (4, 1), -5, 10, 1, 0),
        Operator(Maximum(0), (5,), 0, 10, 1, 0),
    )
    return OperatorGraph(operators, 2, ((6,),)), chain(FixedPoint(2, 0, signed=False), np.ones(2), (layer,))


BUG = "; this is a bug of netgen, please report it"
WRONG: list[tuple[int, dict[str, Any], str]] = [
    (3, {"hi": 10}, "operator 3, multiply: range (0, 10), but (0, 9) is proven"),
    (3, {"operation": Multiply(2)}, "operator 3, multiply: range (0, 9), but (0, 6) is proven"),
    (1, {"lo": -1}, "operator 1, input: range (-1, 3), but (0, 3) is proven"),
]
DISGUISED: list[tuple[int, dict[str, Any], str]] = [
    (
        3,
        {"operation": Multiply(2)},
        "neuron n1_0: the coefficient of operator 0 is 2 with 0 bits dropped, but 3 with 0 is right",
    ),
    (2, {"operation": Constant(2)}, "neuron n1_0: its constant is 2 with 0 bits dropped, but 1 with 0 is right"),
    (5, {"operation": Subtract((1, 2))}, "neuron n1_0: its constant is 2 with 0 bits dropped, but 1 with 0 is right"),
    (
        5,
        {"sources": (4, 0)},
        "neuron n1_0: the coefficient of operator 0 is 1 with 0 bits dropped, but 3 with 0 is right",
    ),
    (6, {"operation": Maximum(1)}, "neuron n1_0: words from 1 to 10, but 0 to 10 is right"),
    (6, {"operation": Minimum(0)}, "neuron n1_0: words from -5 to 0, but 0 to 10 is right"),
    (6, {"operation": Shift(1)}, "neuron n1_0: 1 bits are dropped, but 0 is right"),
]


@pytest.mark.parametrize(("number", "change", "message"), WRONG)
def test_a_wrong_range_is_reported_with_the_right_one(number: int, change: dict[str, Any], message: str) -> None:
    graph, circuit = _by_hand()
    assert prove(graph, circuit) == Proof(7, 1, 2)
    _refused(_changed(graph, number, change), circuit, message)


@pytest.mark.parametrize(("number", "change", "message"), DISGUISED)
def test_a_wrong_function_is_reported_with_the_right_one(number: int, change: dict[str, Any], message: str) -> None:
    graph, circuit = _by_hand()
    _refused(with_ranges(_changed(graph, number, change)), circuit, message)


def test_graphs_of_another_shape_are_refused() -> None:
    graph, circuit = _by_hand()
    _refused(replace(graph, inputs=3), circuit, "3 inputs, but the circuit has 2")
    _refused(replace(graph, words=((6, 6),)), circuit, "layers of (2,) neurons, but the circuit has (1,)")
    _refused(replace(graph, best=0), circuit, "class: operator 0 is not the greatest score's index")


def _changed(graph: OperatorGraph, number: int, change: dict[str, Any]) -> OperatorGraph:
    operators = list(graph.operators)
    operators[number] = replace(operators[number], **change)
    return replace(graph, operators=tuple(operators))


def _refused(graph: OperatorGraph, circuit: Circuit, message: str) -> None:
    with pytest.raises(CheckError) as caught:
        prove(graph, circuit)
    assert str(caught.value) == f"operator graph: {message}{BUG}"
