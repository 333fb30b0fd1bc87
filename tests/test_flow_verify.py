"""Checking a build folder again, with files that were edited by hand."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import run_netgen
from rich.console import Console

import netgen
from netgen.data import Dataset, load_dataset
from netgen.errors import CheckError, SimulatorError
from netgen.flow.files import read_network, write_network
from netgen.flow.folder import load_circuit
from netgen.flow.verify import recheck
from netgen.ir.dense import DenseLayer, DenseNetwork
from netgen.lower import lower
from netgen.operators.file import to_json
from netgen.report import raise_if_different, render_check
from netgen.spec.sections import DataSpec

Tool = Callable[[str], str]

SPEC = """
name: edited
network: {hidden: [6]}
data: {thresholds: [0.3, 0.7]}
train: {epochs: 2, batch_size: 32, learning_rate: 0.005}
prune: {sparsity: 0.9, rounds: 1, retrain: 1}
quantize: {input_width: 4, weight_width: 4, activation_width: 3, epochs: 1}
place: {moves: 1000, certificate: false}
emit: {argmax: true, vectors: 2, comments: true}
check: {simulator: amaranth, samples: 3}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verify")
    (folder / "edited.yaml").write_text(SPEC)
    return netgen.build(folder / "edited.yaml", out=folder / "out").folder


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "edited"))


def _edit(folder: Path, pattern: str, new: str) -> int:
    """Replace the first match in `top.v`; return the number of its line."""
    text = (folder / "top.v").read_text()
    found = re.search(pattern, text)
    assert found is not None
    (folder / "top.v").write_text(text[: found.start()] + found.expand(new) + text[found.end() :])
    return text.count("\n", 0, found.start()) + 1


def _check(folder: Path, *words: str) -> tuple[int, str, str]:
    """Exit status, first line of stdout, and stderr of the command."""
    done = run_netgen("check", str(folder), "--quiet", *words, cwd=folder.parent)
    return done.returncode, done.stdout.partition("\n")[0], done.stderr


WRONG = (r"(assign o_payload = \{\n +)([^,\n]+),", r"\1~\2,")
"""The class has its bits inverted."""


def test_a_build_that_nobody_edited_has_no_edits(built: Path) -> None:
    assert recheck(built).edits == {}


@pytest.mark.native
def test_verilog_that_was_edited_and_computes_something_else_is_named_with_its_line(
    copy: Path, native_tool: Tool
) -> None:
    native_tool("iverilog")
    line = _edit(copy, *WRONG) + 1
    status, out, err = _check(copy, "--simulator", "icarus")
    assert (status, out[:11]) == (1, "agreement: ")
    assert re.fullmatch(
        rf"netgen: {re.escape(str(copy))}/top\.v: line {line}: the Verilog differs from what netgen wrote: "
        r"sample \d+, class: expected \d+ \(evaluate\), found \d+ \(icarus\); undo the edit, or build it again\n",
        err,
    )


@pytest.mark.native
def test_verilog_that_was_edited_and_computes_the_same_passes_and_is_named(copy: Path, native_tool: Tool) -> None:
    native_tool("iverilog")
    line = _edit(copy, r"endmodule", "wire more;\nendmodule")
    report = recheck(copy, simulator="icarus")
    assert report.difference is None
    raise_if_different(report)
    where = f"{copy}/top.v: line {line}: the Verilog differs from what netgen wrote"
    assert report.edits == {"top.v": where}
    console = Console(width=1000, record=True, file=StringIO())
    console.print(render_check(report))
    assert console.export_text().splitlines()[:2] == ["agreement: exact (3 samples, icarus)", where]


def test_data_that_changed_since_the_build_are_named(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other(spec: DataSpec, *, seed: int, base: Path) -> Dataset:
        return replace(load_dataset(spec, seed=seed, base=base), digest="0" * 64)

    monkeypatch.setattr("netgen.flow.verify.load_dataset", other)
    assert recheck(copy).edits == {"data": "digits: the data differ from those of the build"}


def _record(folder: Path) -> None:
    """Record all files in `build.json` as they are, as a build would have left them."""
    ledger = json.loads((folder / "build.json").read_text())
    for entry in ledger.values():
        for name in entry["files"]:
            data = (folder / name).read_bytes()
            entry["files"][name] = hashlib.sha256(len(data).to_bytes(8, "big") + data).hexdigest()
    (folder / "build.json").write_text(json.dumps(ledger))


def _edit_circuit(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    tree = json.loads((folder / "circuit.json").read_text())
    change(tree)
    (folder / "circuit.json").write_text(json.dumps(tree))


def _scale(tree: dict[str, Any]) -> None:
    tree["input_scale"][3] *= 2


def _format(tree: dict[str, Any]) -> None:
    tree["input"]["frac"] -= 1


CIRCUITS = {
    "scale": (_scale, "input_scale[3] 0.0625, where the data give 0.03125"),
    "format": (_format, "input u4.3, where the spec and the data give u4.4"),
}
"""Edits of `circuit.json` that change what an input word means, and no word that is computed."""


@pytest.mark.parametrize("recorded", [False, True], ids=["edited", "and recorded as edited"])
@pytest.mark.parametrize(("change", "what"), CIRCUITS.values(), ids=CIRCUITS)
def test_an_edit_of_what_input_words_mean_is_named_with_the_value_that_the_data_give(
    change: Callable[[dict[str, Any]], None], what: str, recorded: bool, copy: Path
) -> None:
    _edit_circuit(copy, change)
    if recorded:
        _record(copy)
    assert recheck(copy).edits == {"circuit.json": f"{copy}/circuit.json: {what}"}


def _swap_sites(text: str) -> str:
    head, one, two, *more = text.splitlines(keepends=True)
    (a, at_a), (b, at_b) = (re.split(r"(?<=\d),(?=\d+,\d+,\d+$)", line) for line in (one, two))
    return "".join([head, f"{a},{at_b}", f"{b},{at_a}", *more])


CHANGES: dict[str, Callable[[str], str]] = {
    "spec.yaml": lambda text: text.replace("seed: 1", "seed: 2"),
    "placement.csv": _swap_sites,
    "report.json": lambda text: text.replace('"name": "edited"', '"name": "other"'),
    "report.html": lambda text: text.replace("edited", "other"),
    "check.json": lambda text: text.replace('"simulator": "amaranth"', '"simulator": "icarus"'),
    "certificate.json": lambda text: text.replace("null", "7"),
    "proof.json": lambda text: text.replace('"neurons": 1', '"neurons": 2'),
    "dense.json": lambda text: text.replace("0.", "1."),
    "pruned.json": lambda text: text.replace("0.", "1."),
    "quantized.json": lambda text: text.replace("0.", "1."),
    "top_tb.v": lambda text: text.replace("endmodule", "endmodule "),
    "vectors_in.hex": lambda text: text + "0\n",
    "vectors_out.hex": lambda text: text + "0\n",
}
"""A consistent edit of each text file of a build that is not compared otherwise."""


@pytest.mark.parametrize("name", CHANGES)
def test_an_edit_of_any_file_of_a_build_is_named(name: str, copy: Path) -> None:
    before = (copy / name).read_text()
    after = CHANGES[name](before)
    assert after != before
    (copy / name).write_text(after)
    assert recheck(copy).edits == {name: f"{copy}/{name}: the file differs from what netgen wrote"}


def test_every_file_of_a_build_is_compared(copy: Path) -> None:
    """Files that a check reads have their own tests; those of training and pictures are binary."""
    compared = {*CHANGES, "circuit.json", "operators.json", "network.npz", "top.v"}
    binary = {"dense.npz", "pruned.npz", "placement.png"}
    kept = {path.name for path in copy.iterdir()}
    assert kept == compared | binary | {"build.json", ".lock"}
    for name in binary:
        (copy / name).write_bytes(b"other")
    (copy / "pruned.npz").unlink()
    differs = "the file differs from what netgen wrote"
    assert recheck(copy).edits == {
        "dense.npz": f"{copy}/dense.npz: {differs}",
        "placement.png": f"{copy}/placement.png: {differs}",
        "pruned.npz": f"{copy}/pruned.npz: the file that netgen wrote is no longer there",
    }


def test_a_network_that_rounds_to_the_same_circuit_is_named_too(copy: Path) -> None:
    """Its float accuracy and the error bound are not those of the build."""
    first, *more = read_network(copy / "network.npz").layers
    write_network(copy / "network.npz", DenseNetwork((replace(first, bias=first.bias * (1 + 1e-9)), *more)))
    assert recheck(copy).edits == {"network.npz": f"{copy}/network.npz: the file differs from what netgen wrote"}


def test_a_circuit_and_operators_that_were_edited_alike_are_named_and_not_what_agrees_with_the_build(
    copy: Path,
) -> None:
    """The quantized PyTorch network is still that of the build, and so differs from the edited circuit."""

    def change(tree: dict[str, Any]) -> None:
        tree["layers"][1]["neurons"][0]["bias"] += 100

    _edit_circuit(copy, change)
    (copy / "operators.json").write_text(to_json(lower(load_circuit(copy), argmax=True, tables=True)))
    report = recheck(copy)
    assert report.edits.keys() == {"circuit.json", "operators.json"}
    with pytest.raises(CheckError) as caught:
        raise_if_different(report)
    assert re.fullmatch(
        rf"{re.escape(str(copy))}/circuit\.json: the file differs from what netgen wrote: sample 0, output 0: "
        r"expected -?\d+ \(evaluate\), found -?\d+ \(PyTorch\); undo the edit, or build it again",
        str(caught.value),
    )


@pytest.mark.native
@pytest.mark.parametrize("text", ["", "{}", "[]", '{"train": 1}', '{"train": {"files": {"../a": "b"}}}'])
def test_a_ledger_that_records_nothing_is_named_and_other_files_are_compared_among_themselves(
    text: str, copy: Path, native_tool: Tool
) -> None:
    native_tool("iverilog")
    (copy / "build.json").write_text(text)
    _edit(copy, r"endmodule", "wire more;\nendmodule")
    _edit_circuit(copy, _scale)
    found = recheck(copy, simulator="icarus").edits
    assert found["build.json"] == (
        f"{copy}/build.json: no record of spec.yaml, circuit.json, network.npz, operators.json, placement.csv, top.v, "
        "report.json: not every edit can be found"
    )
    assert found.keys() == {"build.json", "circuit.json", "top.v"}


def test_a_comment_is_no_edit(copy: Path) -> None:
    _edit(copy, r"endmodule", "// the end\nendmodule")
    assert recheck(copy).edits == {}


@pytest.mark.native
@pytest.mark.parametrize(
    ("pattern", "new", "why"),
    [
        (r"endmodule", "endmodul", r"iverilog failed: .*syntax error"),
        (r"assign o_valid = .*;", "assign o_valid = 0;", r"icarus's program failed: .*the circuit lost samples"),
    ],
)
def test_edited_verilog_that_cannot_be_simulated_is_the_edits_fault(
    pattern: str, new: str, why: str, copy: Path, native_tool: Tool
) -> None:
    native_tool("iverilog")
    line = _edit(copy, pattern, new)
    with pytest.raises(CheckError) as caught:
        recheck(copy, simulator="icarus")
    assert re.fullmatch(
        rf"{re.escape(str(copy))}/top\.v: line {line}: the Verilog differs from what netgen wrote: {why}; "
        r"undo the edit, or build it again",
        str(caught.value),
    )


def test_a_simulator_that_does_not_read_the_edited_verilog_says_so(copy: Path) -> None:
    line = _edit(copy, *WRONG) + 1
    with pytest.raises(CheckError) as caught:
        recheck(copy)
    assert str(caught.value) == (
        f"{copy}/top.v: line {line}: the Verilog differs from what netgen wrote, and amaranth does not read it; "
        "use --simulator icarus, or build it again"
    )


def test_a_tool_that_is_missing_is_no_fault_of_an_edit(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _edit(copy, *WRONG)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SimulatorError, match=r"^iverilog not found; install it"):
        recheck(copy, simulator="icarus")


def test_an_unknown_simulator_is_refused_with_the_known_ones(copy: Path) -> None:
    with pytest.raises(SimulatorError, match=r"^simulator 'modelsim'; use one of amaranth, cxxrtl, icarus, verilator$"):
        recheck(copy, simulator="modelsim")


def test_a_network_that_was_edited_is_named(copy: Path) -> None:
    network = read_network(copy / "network.npz")
    *before, last = network.layers
    bias = last.bias.copy()
    bias[0] += np.abs(last.weight).sum() + 1
    write_network(
        copy / "network.npz", DenseNetwork((*before, type(last)(last.weight, bias, last.mask, last.activation)))
    )
    with pytest.raises(CheckError) as caught:
        raise_if_different(recheck(copy))
    assert re.fullmatch(
        rf"{re.escape(str(copy))}/network\.npz: the network differs from circuit\.json: "
        r"sample 0, output 0: expected -?\d+ \(evaluate\), found -?\d+ \(PyTorch\); undo the edit, or build it again",
        str(caught.value),
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda layers: layers[:-1], r"layers 128-6 \(relu\), where circuit\.json has 128-6-10 \(relu, identity\)"),
        (lambda layers: (_part(layers[0], inputs=127), layers[1]), r"layers 127-6-10 .*"),
        (lambda layers: (layers[0], _part(layers[1], outputs=9)), r"layers 128-6-9 .*"),
        (lambda layers: (layers[0], replace(layers[1], activation="relu")), r"layers 128-6-10 \(relu, relu\), .*"),
        (lambda layers: (replace(layers[0], bias=layers[0].bias + 1e30), layers[1]), r"accumulators of up to .* steps"),
    ],
    ids=["layers", "inputs", "outputs", "activation", "bias"],
)
def test_a_network_that_no_longer_fits_its_circuit_is_one_line(
    change: Callable[[tuple[DenseLayer, ...]], tuple[DenseLayer, ...]], message: str, copy: Path
) -> None:
    network = read_network(copy / "network.npz")
    write_network(copy / "network.npz", DenseNetwork(change(network.layers)))
    with pytest.raises(CheckError) as caught:
        recheck(copy)
    path = re.escape(str(copy / "network.npz"))
    assert re.fullmatch(rf"{path}: {message}; undo the edit, or build it again", str(caught.value))


def _part(layer: DenseLayer, *, inputs: int | None = None, outputs: int | None = None) -> DenseLayer:
    """The first neurons of a layer and of what it reads."""
    rows, columns = slice(outputs), slice(inputs)
    weight, mask = layer.weight[rows, columns], layer.mask[rows, columns]
    return replace(layer, weight=weight, bias=layer.bias[rows], mask=mask)
