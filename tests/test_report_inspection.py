"""What `netgen inspect` shows of a model, worked by hand."""

from io import StringIO

import numpy as np
import torch
from rich.console import Console

import netgen
from netgen.ir.functions import RELU, Tanh
from netgen.ir.imported import ImportReport
from netgen.ir.network import Head, Layer, Network, Port
from netgen.report import inspection_of, render_inspection

CONV = Layer(
    "conv",
    starts=np.array([0, 2, 4]),
    source=np.array([0, 1, 1, 2]),
    weight=np.array([0.5, -1.0, 0.5, -1.0]),
    bias=np.zeros(2),
    activation=(RELU,),
    parameter=np.array([0, 1, 0, 1]),
)
"""A kernel of two weights at two positions of three inputs: four wires, two trained numbers."""
TOP = Layer("top", np.array([0, 2]), np.array([3, 4]), np.ones(2), np.zeros(1), "max", (Tanh(),))
NETWORK = Network((Port("x", (1, 3)),), (CONV, TOP), (Head("y", np.array(5)),))


def _lines(report: ImportReport) -> list[str]:
    console = Console(width=200, file=StringIO(), record=True)
    console.print(render_inspection(inspection_of(NETWORK, report)))
    return [" ".join(line.split()) for line in console.export_text().splitlines() if line.strip()]


def test_a_line_says_what_each_layer_computes_and_how_many_wires_it_has() -> None:
    lines = _lines(ImportReport("a module", "PyTorch", 2e-16, 9, assumed=("dropout is left out",)))
    assert lines[:4] == [
        "a module",
        "input x: 1 \N{MULTIPLICATION SIGN} 3",
        "output y: one number",
        "layer computes neurons wires weights max fan-in",
    ]
    assert lines[5:7] == ["conv sum relu 2 4 2 2", "top max tanh 1 2 2 2"]
    assert lines[8:] == [
        "6 neurons, 6 wires",
        "import error 2e-16: greatest relative difference from PyTorch, on 9 samples",
        "assumed: dropout is left out",
        "a build takes about 10 s on one core and 0.5 GB without simulation",
    ]


def test_a_model_that_was_not_compared_says_so() -> None:
    assert "not compared" in _lines(ImportReport("a circuit", "itself", 0.0, 0))


def test_an_inspection_is_printed_from_python_as_by_the_command() -> None:
    """A module of 3 * 2 weights: 3 inputs, 2 neurons, 6 wires."""
    shown = str(netgen.inspect(torch.nn.Linear(3, 2), torch.zeros(1, 3)))
    assert "5 neurons, 6 wires" in shown
    assert shown.startswith("module Linear\n")


def test_functions_that_become_steps_count_in_the_time_of_a_build() -> None:
    """1,000 neurons of tanh take 100 s more than as many of ReLU."""
    report, n = ImportReport("a module", "PyTorch", 0.0, 9), 1000
    wires = np.arange(n + 1), np.zeros(n, dtype=np.int64), np.ones(n), np.zeros(n)
    head = Head("y", np.arange(1, n + 1))
    found = [
        inspection_of(Network((Port("x", (1,)),), (Layer("fc", *wires, activation=(one,)),), (head,)), report).seconds
        for one in (RELU, Tanh())
    ]
    assert found == [11, 111]
