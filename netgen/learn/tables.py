"""From data to a network of truth tables and its circuit, by a spec."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from netgen.errors import CheckError, TrainError
from netgen.ir.circuit import Circuit, evaluate
from netgen.ir.truth_tables import TruthTables, circuit_of_tables
from netgen.learn.learner import Learner
from netgen.learn.memory import memory_of_machine

if TYPE_CHECKING:
    from netgen.train.tables import SampleBits

__all__ = ["tables_to_circuit", "train_tables"]

BYTES_PER_SCORE = 8
"""Memory for each pair of a table's input and a bit, or a sample of a batch: single precision, and a copy."""


def train_tables(learner: Learner) -> tuple[TruthTables, float]:
    """Train the truth tables of a spec; returns them and their validation accuracy, 0 to 1.

    Raises: TrainError, when the machine has too little memory, or the tables do not fit the samples.
    """
    from netgen import train

    spec, data = learner.spec, learner.seen
    assert spec.network.tables is not None
    reads = spec.network.tables * spec.network.table_inputs
    need = BYTES_PER_SCORE * reads * (data.train.features.shape[1] + spec.train.batch_size)
    if need > memory_of_machine():
        raise TrainError(
            f"network.tables: {spec.network.tables:,} of {data.train.features.shape[1]:,} bits: training needs about "
            f"{need / 1e9:,.1f} GB; use fewer tables or data.thresholds"
        )
    views = [_bits(data.train.features), *(_bits(view.numpy()) for view in learner.copies)]
    section = spec.train
    recipe = train.TableRecipe(section.epochs, section.batch_size, section.learning_rate, section.label_smoothing)
    return train.fit_tables(
        views,
        data.train.labels,
        train.BitSamples(_bits(data.validation.features), data.validation.labels),
        recipe,
        tables=spec.network.tables,
        inputs=spec.network.table_inputs,
        classes=data.classes,
        seed=spec.seed,
        progress=learner.progress,
    )


def tables_to_circuit(learner: Learner, tables: TruthTables) -> Circuit:
    """The circuit of trained tables, compared with them on the validation samples.

    Raises: CheckError, for a sample of which they give different scores.
    """
    data = learner.data
    circuit = circuit_of_tables(tables, learner.word, data.scale, learner.thresholds)
    words = circuit.input.encode(data.validation.features)
    found, wanted = evaluate(circuit, words), tables.scores(circuit.coded(words))
    if not np.array_equal(found, wanted):
        row = int(np.argmax((found != wanted).any(axis=1)))
        raise CheckError(
            f"validation sample {row}: scores {found[row].tolist()} of the circuit, {wanted[row].tolist()} of the "
            "trained tables; this is a bug of netgen, please report it"
        )
    return circuit


def _bits(features: NDArray[np.generic]) -> "SampleBits":
    """The bits of samples whose features are 0 or another number."""
    bits: SampleBits = (features != 0).astype(np.uint8)
    return bits
