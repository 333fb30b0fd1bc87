"""Read the files of a build folder, damaged ones included; and write its spec."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from netgen.errors import BuildError
from netgen.flow import files
from netgen.ir.circuit import Circuit
from netgen.ir.circuit_file import from_json
from netgen.operators import file as operators
from netgen.operators.graph import OperatorGraph
from netgen.operators.names import names_of
from netgen.spec.spec import Spec, load_spec

__all__ = ["load_circuit", "load_operators", "load_spec_of", "parsed", "placed_spec"]

Noun = TypeVar("Noun")


def load_circuit(folder: Path) -> Circuit:
    """Read the circuit of a build folder.

    Raises: BuildError, when it is missing or damaged.
    """
    return parsed(folder / "circuit.json", from_json)


def load_operators(folder: Path) -> OperatorGraph:
    """Read the operator graph of a build folder.

    Raises: BuildError, when it is missing or damaged.
    """

    def parse(text: str) -> OperatorGraph:
        graph = operators.from_json(text)
        names_of(graph)  # raises where an operator repeats another, while the file is still known
        return graph

    return parsed(folder / "operators.json", parse)


def load_spec_of(folder: Path) -> Spec:
    """Read the spec of a build folder; its paths are seen from that folder.

    Raises: BuildError, when there is none, or when it is not as the build wrote it.
    """
    path = folder / "spec.yaml"
    if not path.exists():
        raise BuildError(f"{folder}: no finished build here; run netgen build first")
    spec = load_spec(path)
    if spec.to_yaml() != files.read_text(path):
        raise BuildError(f"{path}: a key is missing that the build wrote; build it again")
    return spec


def placed_spec(spec: Spec, folder: Path, base: Path) -> str:
    """The YAML that a build folder keeps of its spec: every key, with relative paths as seen from the folder.

    The folder may be reached through symbolic links, where `..` is the parent of what they point at.

    Args:
        base: folder from which the spec's paths are seen.
    """

    def seen(path: str | None) -> str | None:
        if path is None or Path(path).is_absolute() or not (base / path).exists():
            return path
        return os.path.relpath((base / path).resolve(), folder.resolve())

    data = spec.data.model_copy(update={"path": seen(spec.data.path)})
    paths = {"weights": seen(spec.network.weights), "source": seen(spec.network.source)}
    network = spec.network.model_copy(update=paths)
    return spec.model_copy(update={"data": data, "network": network}).to_yaml()


def parsed(path: Path, parse: Callable[[str], Noun]) -> Noun:
    """Read and parse a file of a build; errors name it.

    Raises: BuildError, when it is missing or damaged.
    """
    text = files.read_text(path)
    try:
        return parse(text)
    except BuildError as error:
        raise BuildError(f"{path}: {error}") from error
