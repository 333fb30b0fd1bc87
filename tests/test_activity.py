"""Toggles of a stream of samples: by hand, and by another count of the same words."""

import re
from itertools import pairwise

import numpy as np
import pytest
from strategies import lowered, random_circuit, random_graph

from netgen.energy import Activity, activity_of, arranged, register_toggles
from netgen.energy import activity as module
from netgen.errors import BuildError, DataError
from netgen.ir.chain import ChainLayer, chain
from netgen.ir.circuit import Circuit, trace
from netgen.ir.fixed import FixedPoint, Words
from netgen.operators.names import names_of
from netgen.operators.schedule import schedule

SUM_AND_DIFFERENCE = chain(
    FixedPoint(2, 0, signed=False),
    np.ones(2),
    (
        ChainLayer(
            weight=np.array([[1, 1], [1, -1]]),
            bias=np.zeros(2, dtype=np.int64),
            weight_format=FixedPoint(2, 0, signed=True),
            activation="identity",
            output=None,
        ),
    ),
)
STREAM = np.array([[0, 0], [3, 1], [1, 2], [1, 2]])


def test_toggles_of_a_sum_and_a_difference_are_those_counted_by_hand() -> None:
    """Inputs a, b of 2 bits, scores a + b (0 to 6, 3 bits) and a - b (-3 to 3, 3 bits with sign).

    | a  | b  | a + b | a - b |
    |----|----|-------|-------|
    | 00 | 00 | 000   | 000   |
    | 11 | 01 | 100   | 010   |
    | 01 | 10 | 011   | 111   |
    | 01 | 10 | 011   | 111   |

    a: 2 + 1 toggles; b: 1 + 2; a + b: 1 + 3, of its bits 1, 1 and 2; a - b: 1 + 2, of its bits 1, 1 and 1.
    """
    graph = lowered(SUM_AND_DIFFERENCE)
    activity = activity_of(SUM_AND_DIFFERENCE, graph, STREAM)
    assert activity.neurons.tolist() == [3, 3, 4, 3]
    assert [activity.bits_of(number).tolist() for number in graph.words[0]] == [[1, 1, 2], [1, 1, 1]]
    assert (activity.samples, activity.transitions, activity.order) == (4, 3, "in the order given")


def test_every_register_behind_an_operator_toggles_as_often_as_its_value() -> None:
    graph = lowered(SUM_AND_DIFFERENCE)
    activity = activity_of(SUM_AND_DIFFERENCE, graph, STREAM)
    found = register_toggles(activity, graph, schedule(graph, "cycles", steps=2))
    assert {name: bits.tolist() for name, bits in found.items()} == {
        "n1_0_d1": [1, 1, 2],
        "n1_0_d2": [1, 1, 2],
        "n1_1_d1": [1, 1, 1],
        "n1_1_d2": [1, 1, 1],
    }


def _counted(words: Words, width: int) -> int:
    """Differing characters of the binary numbers that follow each other."""
    written = [np.binary_repr(int(word) % 2**width, width) for word in words]
    return sum(a != b for before, after in pairwise(written) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("seed", range(12))
def test_neurons_toggle_as_the_words_that_evaluate_traces(seed: int) -> None:
    """Where a score depends on the neuron: the others are not built, and toggle 0 times."""
    rng = np.random.default_rng(seed)
    circuit = random_graph(rng, deepest=4, inputs=5, widest=6, input_width=6)
    graph = lowered(circuit)
    inputs = rng.integers(circuit.input.lo, circuit.input.hi + 1, (40, circuit.features))
    activity = activity_of(circuit, graph, inputs)
    words = np.concatenate([circuit.coded(inputs), *trace(circuit, inputs).outputs], axis=1)
    numbers = [number for layer in graph.words for number in layer]
    for neuron, number in enumerate(numbers, circuit.sizes[0]):
        expected = 0 if graph.is_constant(number) else _counted(words[:, neuron], graph.operators[number].width)
        assert activity.neurons[neuron] == expected
    built = set(names_of(graph))
    for neuron in range(circuit.sizes[0]):
        expected = _counted(words[:, neuron], circuit.entering.width) if f"n0_{neuron}" in built else 0
        assert activity.neurons[neuron] == expected


def _parts(activity: Activity) -> list[list[int]]:
    return [part.tolist() for part in (activity.neurons, activity.operators, activity.bits, activity.starts)]


def test_chunks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    circuit = random_circuit((6, 5, 4), seed=3)
    graph, inputs = lowered(circuit), np.random.default_rng(3).integers(0, 256, (101, 6))
    whole = activity_of(circuit, graph, inputs)
    monkeypatch.setattr(module, "CHUNK_BYTES", 1)  # two samples at once
    assert _parts(activity_of(circuit, graph, inputs)) == _parts(whole)


def test_an_order_has_every_sample_once() -> None:
    inputs = np.random.default_rng(1).integers(-8, 8, (700, 3))
    for order in ("given", "shuffle", "worst"):
        assert sorted(arranged(inputs, order)[0].tolist()) == sorted(inputs.tolist())
    assert arranged(inputs, "given")[0].tolist() == inputs.tolist()
    assert arranged(inputs, "shuffle", seed=1)[0].tolist() != arranged(inputs, "shuffle", seed=2)[0].tolist()


def test_the_worst_order_goes_on_with_the_sample_that_differs_in_the_most_bits() -> None:
    """After 0000: 1111 differs in 4 bits; after that 0001 in 3, then 1110 in 4."""
    inputs = np.array([[0b0000], [0b0001], [0b1111], [0b1110]])
    assert arranged(inputs, "worst")[0].ravel().tolist() == [0b0000, 0b1111, 0b0001, 0b1110]


def test_the_worst_order_toggles_more_than_the_others(circuit: Circuit) -> None:
    inputs = np.random.default_rng(0).integers(0, 256, (300, 6))
    toggles = {
        order: int(activity_of(circuit, lowered(circuit), inputs, order=order).neurons[:6].sum())
        for order in ("given", "shuffle", "worst")
    }
    assert toggles["worst"] > 1.2 * max(toggles["given"], toggles["shuffle"])


@pytest.fixture
def circuit() -> Circuit:
    return random_circuit((6, 5, 4), seed=3)


@pytest.mark.parametrize(
    ("inputs", "order", "message"),
    [
        (np.zeros((1, 6), dtype=np.int64), "given", "1 samples; bits toggle between two, give at least 2"),
        (np.zeros((2, 6), dtype=np.int64), "best", "order 'best' of samples; use one of given, shuffle, worst"),
        (np.zeros((2, 5), dtype=np.int64), "given", "inputs int64 (2, 5); the circuit reads int64 (n, 6)"),
    ],
)
def test_a_stream_without_transitions_and_unknown_orders_are_refused(
    circuit: Circuit, inputs: Words, order: str, message: str
) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        activity_of(circuit, lowered(circuit), inputs, order=order)  # type: ignore[arg-type]


def test_operators_of_another_circuit_are_refused(circuit: Circuit) -> None:
    other = lowered(random_circuit((6, 4), seed=1))
    with pytest.raises(BuildError, match=r"^the operators are not those of the circuit \(.*\); build it again$"):
        activity_of(circuit, other, np.zeros((2, 6), dtype=np.int64))
