"""Programs saved by `torch.export.save`, `.pt2` files, as a `Network`.

A file of this kind can hold pickled objects and expressions that PyTorch evaluates while it loads. Such a file is
refused: netgen loads tensors, and expressions of sizes.
"""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

from netgen.errors import ModelError
from netgen.importer.compare import compared
from netgen.importer.export import quiet, reason_of
from netgen.importer.fuse import fuse
from netgen.importer.walk import walk
from netgen.ir.imported import ImportReport
from netgen.ir.network import Network
from netgen.text import shown_path

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram

__all__ = ["read_program"]

MAX_BYTES = 2_000_000_000
"""Size of the unpacked file that is read."""
_SIZES = {"Eq", "Ne", "Max", "Min", "Mod", "PythonMod", "FloorDiv", "CeilDiv", "ModularIndexing", "oo", "IntTrueDiv"}
"""Functions that expressions of sizes may call."""


def read_program(path: Path, example: Any = None, *, seed: int = 0) -> tuple[Network, ImportReport]:
    """Read an exported program.

    Args:
        example: its first axis is the batch; only its range is used, for the random inputs. The file tells the shapes.
        seed: of the random inputs on which the network and the program are compared.
    Raises: ModelError, with the file, for one that is damaged or unsafe, was exported for several samples, or computes
        what layers cannot express.
    """
    import torch

    from netgen.importer.module import example_of

    try:
        program = _load(path)
        shapes = _input_shapes(program)
        arguments = [torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for shape in shapes]
        if example is not None:
            given, named = example_of(example, "example")
            arguments = [*given, *named.values()]
            if [tuple(one.shape) for one in arguments] != shapes:
                found = [tuple(one.shape) for one in arguments]
                raise ModelError(f"an example of shapes {found}; the file has inputs of {shapes}")
        reading = walk(program, shapes)
        network = fuse(reading.network)
        failure: Exception | None = None
        for kind in (torch.float64, torch.float32):
            source = _Program(program, kind)
            inputs = [one.to(kind) if one.is_floating_point() else one for one in arguments]
            try:
                with quiet(), torch.no_grad():
                    source(*inputs)
            except Exception as found:  # whatever PyTorch raises: a program may need its own precision
                failure = failure or found
                continue
            return network, compared(source, inputs, {}, reading, network, source=path.name, seed=seed)
        assert failure is not None
        raise ModelError(f"PyTorch cannot run it: {reason_of(failure)}; export it again") from failure
    except ModelError as found:
        raise ModelError(f"{shown_path(path)}: {found}") from found


def _load(path: Path) -> "ExportedProgram":
    """Load a file that holds no code."""
    import torch

    try:
        with ZipFile(path) as archive:
            _check_safe(archive)
        with quiet():
            program: ExportedProgram = torch.export.load(path).run_decompositions({})
    except ModelError:
        raise
    except BadZipFile as found:
        raise ModelError("no file of torch.export.save; save it again") from found
    except Exception as found:  # whatever PyTorch raises for a damaged file
        raise ModelError(f"PyTorch cannot load it: {reason_of(found)}; export it again with this version") from found
    return program


def _check_safe(archive: ZipFile) -> None:
    """Refuse pickled objects, and expressions that do more than arithmetic of sizes."""
    if sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
        raise ModelError(f"more than {MAX_BYTES} bytes when unpacked; save a smaller network")
    for entry in archive.infolist():
        if re.search(r"(^|/)(custom_obj|opaque_obj)", entry.filename):
            raise ModelError("it holds pickled objects, which may be code; save a program of tensors only")
        if entry.filename.endswith(".json"):
            text = archive.read(entry).decode("utf-8", errors="replace")
            if "custom_obj" in text and re.search(r'"path_name"\s*:\s*"(custom|opaque)_obj', text):
                raise ModelError("it holds pickled objects, which may be code; save a program of tensors only")
            _check_expressions(json.loads(text))


def _check_expressions(tree: Any) -> None:
    """Refuse expressions that call anything but functions of sizes."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key == "expr_str":
                calls = set(re.findall(r"([A-Za-z_]\w*)\s*\(", str(value)))
                if not calls <= _SIZES or not re.fullmatch(r"[\w\s+\-*/(),<>=%&|~]*", str(value)) or "__" in str(value):
                    raise ModelError(f"the size {str(value)[:60]!r} is no plain arithmetic; export it again")
            _check_expressions(value)
    elif isinstance(tree, list):
        for value in tree:
            _check_expressions(value)


def _input_shapes(program: "ExportedProgram") -> list[tuple[int, ...]]:
    """The shapes of the inputs for one sample."""
    inputs = {spec.arg.name for spec in program.graph_signature.input_specs if spec.kind.name == "USER_INPUT"}
    shapes = []
    for node in program.graph.nodes:
        if node.op != "placeholder" or node.name not in inputs or not hasattr(node.meta.get("val"), "shape"):
            continue
        first, *rest = node.meta["val"].shape
        if isinstance(first, int) and first != 1:
            raise ModelError(f"input {node.name} is exported for {first} samples; export with one, or a dynamic batch")
        if not all(isinstance(size, int) for size in rest):
            raise ModelError(f"input {node.name} has sizes that vary, {[str(n) for n in rest]}; export fixed ones")
        shapes.append((1, *(int(size) for size in rest)))
    return shapes


class _Program:
    """A program as a module, with its numbers in some precision."""

    def __init__(self, program: "ExportedProgram", kind: "torch.dtype") -> None:
        self._program = program
        self._kind = kind

    def parameters(self) -> list["torch.Tensor"]:
        """The parameters, in this precision."""
        return [self._in_kind(one) for one in self._program.parameters()]

    def named_modules(self) -> list[tuple[str, Any]]:
        """None: a file has no modules to look into."""
        return []

    def __call__(self, *inputs: Any, **named: Any) -> tuple[Any, ...]:
        """The outputs, flat."""
        from torch.fx import Interpreter

        given = iter((*inputs, *named.values()))
        values = []
        for spec in self._program.graph_signature.input_specs:
            if spec.kind.name == "USER_INPUT":
                values.append(next(given) if not hasattr(spec.arg, "value") else spec.arg.value)
            else:
                state, target = self._program.state_dict, str(spec.target)
                values.append(self._in_kind(state[target] if target in state else self._program.constants[target]))
        results = Interpreter(self._program.graph_module).run(*values)
        specs = self._program.graph_signature.output_specs
        return tuple(one for one, spec in zip(results, specs, strict=True) if spec.kind.name == "USER_OUTPUT")

    def _in_kind(self, tensor: Any) -> "torch.Tensor":
        plain: torch.Tensor = tensor.detach().cpu()
        return plain.to(self._kind) if plain.is_floating_point() else plain
