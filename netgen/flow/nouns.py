"""The nouns of a build under way, each read from what earlier stages have left; `Work.get` reads each once."""

import json
from pathlib import Path
from typing import Any

from netgen.data import Dataset, load_dataset
from netgen.flow import files, imported
from netgen.flow.folder import load_circuit, load_operators
from netgen.flow.stage import Work
from netgen.ir.circuit import Circuit
from netgen.ir.dense import DenseNetwork
from netgen.ir.fixed import Words
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist, netlist_of
from netgen.ir.regions import Regions
from netgen.operators.graph import OperatorGraph
from netgen.spec.board import board_of


def data(work: Work) -> Dataset:
    """The data set of the spec, or that a program gave to train on, split and scaled."""
    if work.spec.data.source == imported.GIVEN:
        return imported.training_data(work)
    return load_dataset(work.spec.data, seed=work.spec.seed, base=work.base)


def data_key(work: Work) -> dict[str, object]:
    """What a stage depends on that reads the data: the samples, how they are split, and the seed of the split."""
    split = work.spec.data.model_dump(include={"validation", "test", "scale"})
    return {"data": work.get(data).digest, "split": split, "seed": work.spec.seed}


def test_words(work: Work) -> Words:
    """Input words of the test samples, (n, features)."""
    if work.spec.network.reads_graph:
        return imported.words_of(work.get(circuit), work.get(imported.samples).test, work.spec.seed)
    return work.get(circuit).input.encode(work.get(data).test.features)


def train_words(work: Work) -> Words:
    """Input words of the training samples, (n, features); of the samples for calibration where a model was read."""
    if work.spec.network.reads_graph:
        return imported.words_of(work.get(circuit), work.get(imported.samples).calibration, work.spec.seed)
    return work.get(circuit).input.encode(work.get(data).train.features)


def samples_key(work: Work) -> dict[str, object]:
    """What a stage depends on that reads input words."""
    return imported.samples_key(work) if work.spec.network.reads_graph else data_key(work)


def network(work: Work) -> DenseNetwork:
    """The float network that the circuit was rounded from."""
    return files.read_network(work.folder / "network.npz")


def circuit(work: Work) -> Circuit:
    """The integer circuit."""
    return load_circuit(work.folder)


def netlist(work: Work) -> Netlist:
    """The neurons of the circuit, and their wires."""
    return netlist_of(work.get(circuit))


def board(work: Work) -> tuple[Grid, Regions]:
    """The grid that the spec asks for, and the sites that each neuron may use."""
    return board_of(work.spec.place, work.get(netlist))


def board_key(work: Work) -> dict[str, object]:
    """What a stage depends on that reads the board: a placement's file holds sites, but neither box nor pitch."""
    return {"board": work.spec.place.model_dump(exclude={"method", "moves", "weigh", "certificate"})}


def placement(work: Work) -> Placement:
    """The site of every neuron."""
    grid, _ = work.get(board)
    return files.read_placement(work.folder / "placement.csv", work.get(netlist), grid)


def operator_graph(work: Work) -> OperatorGraph:
    """The circuit as operators."""
    return load_operators(work.folder)


def figure_in(path: Path, name: str) -> Any:
    """Read one figure of an earlier stage; the store has made sure that its file is whole."""
    return json.loads(files.read_text(path))[name]
