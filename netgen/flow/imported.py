"""The nouns of a build of a network that was read: the network, and the raw samples that it is checked on."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from netgen.data import Dataset, Examples, Raw, dataset_of, load_dataset
from netgen.errors import BuildError, DataError
from netgen.flow.array_files import read_arrays
from netgen.flow.stage import Work
from netgen.ir.circuit import Circuit
from netgen.ir.fixed import Words
from netgen.ir.imported import ImportReport
from netgen.ir.network import Network
from netgen.ir.network_file import network_from
from netgen.spec.spec import Spec

__all__ = [
    "CIRCUIT",
    "GIVEN",
    "RANDOM",
    "Given",
    "RawSamples",
    "first_file",
    "first_stage",
    "float_network",
    "given",
    "given_circuit",
    "given_samples",
    "has_float",
    "network",
    "network_stage",
    "raw_samples",
    "samples",
    "samples_arrays",
    "samples_key",
    "training_data",
    "whole_network",
    "words_of",
]

CIRCUIT = "given circuit"
"""What `network.source` says where a program gave a circuit, which needs no quantizing and has no float network."""
GIVEN = "given"
"""What `network.source` says where a program gave the network."""
RANDOM = 1000
"""Samples that are drawn at random where the user gives none."""

Features = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class RawSamples:
    """Raw samples, as the user has them.

    Attributes:
        calibration: (n, features); formats are chosen on them; none when there are none.
        test: (n, features); the hardware is checked on them; none when there are none.
        labels: (n,) int64, classes of the test samples; None where there are none.
    """

    calibration: Features
    test: Features
    labels: Words | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the arrays."""
        digest = hashlib.sha256()
        for array in (self.calibration, self.test, self.labels):
            if array is not None:
                digest.update(f"{array.dtype}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Given:
    """What a Python program gives to `compile`, instead of files.

    Attributes:
        network: as it is built, before the scale, mean and std of its spec; None where a circuit is given.
        report: how it agrees with its source.
        circuit: built as it is; None where a network is given.
        training: samples to train and prune on, with the test samples; None where nothing is trained on them.
        tuning: samples to fine-tune on, and to choose the best weights by; None for those of `training`.
        note: how samples were divided, in one line; empty where they were not.
    """

    network: Network | None
    report: ImportReport
    samples: RawSamples = field(default_factory=lambda: RawSamples(np.zeros((0, 1)), np.zeros((0, 1))))
    circuit: Circuit | None = None
    training: Raw | None = None
    tuning: tuple[Examples, Examples] | None = None
    note: str = ""


def network(work: Work) -> Network:
    """The float network that is quantized."""
    return read_arrays(work.folder / "network.npz", "network", network_from)


def whole_network(work: Work) -> Network:
    """The float network before it is pruned."""
    return read_arrays(work.folder / first_file(work.spec), "network", network_from)


def first_file(spec: Spec) -> str:
    """Name of the file of the first float network: that of the one that is quantized unless it is pruned."""
    return "dense.npz" if spec.network.prunes_graph else "network.npz"


def first_stage(spec: Spec) -> str:
    """The stage that makes the first network."""
    return "train" if spec.network.layers or spec.network.tables is not None else "read"


def network_stage(spec: Spec) -> str:
    """The stage that makes the float network that is quantized."""
    return "prune" if spec.network.prunes_graph else first_stage(spec)


def has_float(spec: Spec) -> bool:
    """Whether there is a float network: none where a circuit was given, or truth tables are trained."""
    return spec.network.source != CIRCUIT and spec.network.tables is None


def float_network(work: Work) -> Network | None:
    """The float network that the circuit is compared with, if there is one."""
    return work.get(network) if has_float(work.spec) else None


def given_circuit(work: Work) -> Circuit:
    """The circuit that a program gave."""
    found = work.get(given).circuit
    assert found is not None
    return found


def given_samples(folder: Path) -> RawSamples:
    """The samples of a build folder, which a program gave.

    Raises: BuildError, for a damaged file.
    """
    return read_arrays(folder / "samples.npz", "file of samples", _samples_from)


def raw_samples(data: Dataset, spec: Spec, features: int) -> RawSamples:
    """The samples of a spec's data set, as they were before they were scaled.

    Args:
        features: values of one sample, as the network reads them.
    Raises: DataError, when the data set has another number of features.
    """
    found = len(data.scale)
    if found != features:
        name = spec.data.path or spec.data.source
        raise DataError(f"data: {name} has {found:,} features, the network reads {features:,}; name other data")
    raw = [split.features.astype(np.float64) / data.scale for split in (data.train, data.test)]
    return RawSamples(raw[0], raw[1], data.test.labels)


def samples_arrays(samples: RawSamples) -> dict[str, Features]:
    """Samples as arrays by name."""
    labels = {} if samples.labels is None else {"labels": samples.labels}
    return {"calibration": samples.calibration, "test": samples.test} | labels


def _samples_from(arrays: Mapping[str, Features]) -> RawSamples:
    return RawSamples(arrays["calibration"], arrays["test"], arrays.get("labels"))


def samples(work: Work) -> RawSamples:
    """The samples of a build under way.

    Raises: DataError, when they have more features or classes than the network.
    """
    found = work.get(float_network)
    spec = work.spec
    if spec.data.source == GIVEN:
        raw = given_samples(work.folder)
    else:
        data = load_dataset(spec.data, seed=spec.seed, base=work.base)
        raw = raw_samples(data, spec, len(data.scale) if found is None else found.features)
    if found is not None and raw.labels is not None:
        classes = next((head.neuron.size for head in found.outputs if head.neuron.size > 1), 2)
        if len(raw.labels) and raw.labels.max() >= classes:
            raise DataError(f"data: {raw.labels.max() + 1} classes, the network has {classes} outputs; name other data")
    return raw


def samples_key(work: Work) -> dict[str, object]:
    """What a stage depends on that reads samples."""
    return {"samples": work.get(samples).digest, "seed": work.spec.seed}


def words_of(circuit: Circuit, raw: Features, seed: int) -> Words:
    """Input words of raw samples; `RANDOM` words that the input port can carry, where there are no samples."""
    if len(raw):
        return circuit.encode(raw.reshape(len(raw), -1))
    generator = np.random.default_rng(seed)
    size = RANDOM, circuit.features
    return generator.integers(circuit.input.lo, circuit.input.hi, size, dtype=np.int64, endpoint=True)


def given(work: Work) -> Given:
    """The network and samples that a program gave.

    Raises: BuildError, when it gave none, as in a second build of the folder's own spec.
    """
    found = work.given
    if not isinstance(found, Given):
        raise BuildError(
            f"{work.folder}: network.source names no file: this build was made by netgen.compile; compile it again"
        )
    return found


def training_data(work: Work) -> Dataset:
    """The samples that a program gave to train on.

    Raises: BuildError, when it gave none; DataError, when they do not fit.
    """
    found = work.get(given).training
    if found is None:
        raise BuildError(f"{work.folder}: no samples to train on; give training=(x, y) to netgen.compile")
    return dataset_of(found, work.spec.data, seed=work.spec.seed, path=Path("training"))
