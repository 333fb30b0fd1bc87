"""The file of an operator graph: exact, and one line for whatever is wrong in it."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import any_circuits, lowered, table_bits

from netgen.errors import BuildError
from netgen.ir.circuit import Circuit
from netgen.operators.file import from_json, operation_of, record_of, to_json
from netgen.operators.kinds import (
    Add,
    Constant,
    Count,
    Greater,
    Hold,
    Input,
    Larger,
    Maximum,
    Minimum,
    Multiply,
    Operation,
    Round,
    Select,
    Shift,
    Subtract,
    Table,
)

RECORDS: dict[Operation, tuple[str, tuple[int, ...], int]] = {
    Input(3): ("input", (), 3),
    Constant(-7): ("constant", (), -7),
    Add((0, 2), -5): ("add", (0, 2), -5),
    Subtract((2, 0), 255): ("subtract", (2, 0), 255),
    Multiply(5): ("multiply", (), 5),
    Count((0, 1, 1), (False, True, True)): ("count", (0, 1, 1), 0b110),
    Shift(-2): ("shift", (), -2),
    Round(2): ("round", (), 2),
    Larger(): ("larger", (), 0),
    Maximum(0): ("maximum", (), 0),
    Minimum(7): ("minimum", (), 7),
    Greater(): ("greater", (), 0),
    Select(): ("select", (), 0),
    Hold(): ("hold", (), 0),
    Table((1, 3, 0, -2)): ("table", (1, 3, 0, -2), 0),
}


def test_every_kind_has_a_record_and_comes_back_from_it() -> None:
    assert {type(operation) for operation in RECORDS} == set(get_args(Operation))
    for operation, record in RECORDS.items():
        assert record_of(operation) == record
        assert operation_of(*record) == operation


@given(
    circuit=any_circuits(),
    sharing=st.sampled_from(["none", "csd", "shared"]),
    argmax=st.booleans(),
    tables=table_bits(),
)
def test_a_graph_survives_json_exactly(circuit: Circuit, sharing: str, argmax: bool, tables: int) -> None:
    graph = lowered(circuit, sharing=sharing, argmax=argmax, tables=tables)
    again = from_json(to_json(graph))
    assert again.operators == graph.operators
    assert (again.inputs, again.words, again.best) == (graph.inputs, graph.words, graph.best)
    assert again.scores == graph.scores
    assert to_json(again) == to_json(graph)


def _tree(**changes: object) -> str:
    """x and y, their sum and its double, changed."""
    tree: dict[str, object] = {
        "inputs": 2,
        "words": [[3]],
        "scores": [3],
        "class": None,
        "operators": [
            ["input", [], [], 0, 0, 3, 0, None],
            ["input", [], [], 1, 0, 3, 0, None],
            ["add", [0, 1], [0, 0], 0, 0, 6, 1, 0],
            ["shift", [2], [], -1, 0, 12, 1, 0],
        ],
    }
    return json.dumps(tree | changes)


def _row(number: int, *row: object) -> str:
    """The same graph with another operator."""
    changed = json.loads(_tree())["operators"]
    changed[number] = list(row)
    return _tree(operators=changed)


NOT = "not an operator graph: "
DAMAGED = {
    "{": f"{NOT}line 1, column 2: Expecting property name enclosed in double quotes",
    "[" * 5000: f"{NOT}more than 100 brackets are open at once",
    "{}": f"{NOT}graph: key 'inputs' is missing",
    "[]": f"{NOT}graph: [] is no object",
    _tree(more=1): f"{NOT}graph: unknown key 'more'",
    _tree(inputs="2"): f"{NOT}inputs: '2' is no integer",
    _tree(inputs=float("nan")): f"{NOT}NaN is no finite number",
    _tree(inputs=1): "operator 1, input: word 1 of 1",
    _tree(words=[[True]]): f"{NOT}words[0][0]: True is no integer",
    _tree(words=[3]): f"{NOT}words[0]: 3 is no list",
    _tree(words=[[4]]): "a word of operator 4, of 4",
    _tree(words=[[-1]]): "a word of operator -1, of 4",
    _tree(words=[]): "an operator graph without layers",
    _tree(words=[], operators=[]): "an operator graph without layers",
    _tree(scores=[2, 4]): "a word of operator 4, of 4",
    _tree(scores=3): f"{NOT}scores: 3 is no list",
    _tree(**{"class": 4}): "a word of operator 4, of 4",
    _tree(**{"class": 1.0}): f"{NOT}class: 1.0 is no integer",
    _tree(operators={}): f"{NOT}operators: {{}} is no list",
    _row(2): f"{NOT}operators[2]: 0 columns, not kind, sources, numbers, number, lo, hi, layer, index",
    _row(2, "divide", [0, 1], [0, 0], 0, 0, 6, 1, 0): f"{NOT}operators[2]: kind 'divide' with [0, 0] and 0 is no "
    "operation",
    _row(2, 7, [0, 1], [0, 0], 0, 0, 6, 1, 0): f"{NOT}operators[2]: kind 7 with [0, 0] and 0 is no operation",
    _row(2, {}, [0, 1], [], 0, 0, 6, 1, 0): f"{NOT}operators[2]: kind {{}} with [] and 0 is no operation",
    _row(2, "add", [0, 1], [], 0, 0, 6, 1, 0): f"{NOT}operators[2]: kind 'add' with [] and 0 is no operation",
    _row(2, "add", [0], [0, 0], 0, 0, 6, 1, 0): "operator 2, add: sources (0,), not 2 of them",
    _row(2, "add", [0, 2], [0, 0], 0, 0, 6, 1, 0): "operator 2, add: sources (0, 2), not all before it",
    _row(2, "add", [1] * 999, [0, 0], 0, 0, 6, 1, 0): "operator 2, add: sources "
    + "(1, 1, 1, 1, 1, 1, ...), not 2 of them",
    _row(2, "add", [0, 1], [0, -1], 0, 0, 6, 1, 0): "operator 2, add: left shifts (0, -1)",
    _row(2, "add", [0, 1], [0, 10**9], 0, 0, 6, 1, 0): "operator 2, add: left shifts (0, 1000000000)",
    _row(2, "shift", [0], [], -(10**9), 0, 6, 1, 0): "operator 2, shift: shifts by -1000000000",
    _row(2, "round", [0], [], 0, 0, 6, 1, 0): "operator 2, round: rounds by 0 bits",
    _row(2, "multiply", [0], [], 0, 0, 6, 1, 0): "operator 2, multiply: factor 0",
    _row(2, "count", [0], [0], 0, 0, 1, 1, 0): "operator 2, count: bits (0,), inverted (False,)",
    _row(2, "count", [0, 1], [0, 0], 4, 0, 1, 1, 0): f"{NOT}operators[2]: kind 'count' with [0, 0] and 4 is no "
    "operation",
    _row(2, "table", [0], [], 228, 0, 3, 1, 0): f"{NOT}operators[2]: kind 'table' with [] and 228 is no operation",
    _row(2, "table", [0], [0, 1, 2], 0, 0, 3, 1, 0): "operator 2, table: 3 entries",
    _row(2, "table", [0], [0, 1], 0, 0, 3, 1, 0): f"{NOT}operators[2]: 2 entries for 2 address bits",
    _row(2, "add", [0, 1.5], [0, 0], 0, 0, 6, 1, 0): f"{NOT}operators[2][1]: 1.5 is no integer",
    _row(2, "add", [0, 1], [0, 0], None, 0, 6, 1, 0): f"{NOT}operators[2]: None is no integer",
    _row(2, "add", [0, 1], [0, 0], 0, 7, 6, 1, 0): "operator 2, add: its least value is above its greatest",
    _row(2, "add", [0, 1], [0, 0], 0, 0, 2**63, 1, 0): f"{NOT}operators[2]: 9223372036854775808 is not within "
    "-9223372036854775808 to 9223372036854775807",
    _row(2, "add", [0, 1], [0, 0], 0, 0, 6, 3, 0): "operator 2, add: layer 3, neuron 0, in a graph of 1 layers",
    _row(2, "add", [0, 1], [0, 0], 0, 0, 6, 1, -1): "operator 2, add: layer 1, neuron -1, in a graph of 1 layers",
}


@pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_graph_is_one_line_with_the_place_and_what_is_wrong(text: str) -> None:
    assert from_json(_tree()).words == ((3,),)
    with pytest.raises(BuildError) as caught:
        from_json(text)
    assert str(caught.value) == f"{DAMAGED[text]}; build it again"
