"""Estimate the memory that training needs, and refuse a spec before more is allocated than the machine has."""

import os
from itertools import pairwise
from pathlib import Path

from netgen.errors import TrainError, WeightsError
from netgen.spec.spec import Spec

BYTES_PER_WEIGHT = 128
"""Weight, gradient, two moments of Adam and two kept states in single precision; curvature in double; the two ends of
each wire, its place in its layer's matrix, and the network before pruning."""
BYTES_PER_FEATURE = 16
"""Single precision, for the data set, its rounded or coded form, and the tensors of both."""
FILE_BYTES_PER_WEIGHT = 64
"""Bytes of a state_dict's file, at most: weight, mask and batch normalization in double precision, and more than twice
that."""
FILE_BYTES = 1 << 20
"""Bytes of a state_dict's file that do not depend on the number of weights, at most."""


def check_memory(spec: Spec, *, features: int, classes: int, samples: int) -> None:
    """Refuse a spec that needs more memory than this machine has.

    Args:
        features: inputs of the network, bits of thermometer codes included.
        samples: of the training split.
    Raises: TrainError, naming the key that needs most.
    """
    sizes = (features, *spec.network.hidden, classes)
    needs = {
        f"network.hidden: {_few(spec.network.hidden)}": BYTES_PER_WEIGHT * weights_of(sizes),
        f"augment.copies: {spec.augment.copies}": samples * (features + 4 * classes) * spec.augment.copies,
        f"data: {samples:,} training samples of {features:,} inputs": BYTES_PER_FEATURE * samples * features,
    }
    there = memory_of_machine()
    if sum(needs.values()) > there:
        what, most = max(needs.items(), key=lambda pair: pair[1])
        raise TrainError(f"{what}: need about {most / 1e9:,.1f} GB of {there / 1e9:,.1f} GB of memory; use fewer")


def check_file(path: Path, sizes: tuple[int, ...]) -> None:
    """Refuse a file of weights that is far larger than the network's weights, before it is read.

    Args:
        sizes: number of inputs, then of neurons in each layer.
    Raises: WeightsError, with both sizes, or when the path cannot be looked up.
    """
    most = FILE_BYTES + FILE_BYTES_PER_WEIGHT * (weights_of(sizes) + sum(sizes))
    try:
        size = path.stat().st_size if path.is_file() else 0
    except OSError as error:  # a name too long, or a folder that may not be read
        raise WeightsError(f"{str(path)[:200]}: {error.strerror}; correct network.weights") from error
    if size > most:
        raise WeightsError(
            f"{path}: {size:,} bytes for a network of {weights_of(sizes):,} weights; save its state_dict only"
        )


def weights_of(sizes: tuple[int, ...]) -> int:
    """Weights of the dense network.

    Args:
        sizes: number of inputs, then of neurons in each layer.
    """
    return sum(a * b for a, b in pairwise(sizes))


def memory_of_machine() -> int:
    """Bytes of memory that this process may use: those of the machine, or of its control group if that is less."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        text = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return total
    return min(total, int(text)) if text.isdigit() else total


def _few(values: tuple[int, ...]) -> str:
    """A list of numbers, shortened in the middle."""
    texts = [str(value) for value in values]
    return f"[{', '.join(texts if len(texts) <= 6 else [*texts[:4], '...', texts[-1]])}]"
