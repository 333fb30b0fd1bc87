"""Programs saved by `torch.export.save`, `.pt2` files, as a `Network`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

from netgen.errors import ModelError, NetgenError
from netgen.importer.archive import check_archive
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
        kinds = [tensor.dtype for tensor in _input_tensors(program).values()]
        arguments = [_drawn(shape, kind, seed) for shape, kind in zip(shapes, kinds, strict=True)]
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
            inputs = [one.to(kind if own.is_floating_point else own) for one, own in zip(arguments, kinds, strict=True)]
            try:
                with quiet(), torch.no_grad():
                    source(*inputs)
            except Exception as found:  # whatever PyTorch raises: a program may need its own precision
                failure = failure or found
                continue
            report = compared(
                source, inputs, {}, reading, network, source=path.name, seed=seed, batches=_is_batched(program)
            )
            return network, report
        assert failure is not None
        raise ModelError(f"PyTorch cannot run it: {reason_of(failure)}; export it again") from failure
    except NetgenError as found:
        raise ModelError(f"{shown_path(path)}: {found}") from found


def _load(path: Path) -> "ExportedProgram":
    """Load a file that holds no code."""
    import torch

    try:
        with ZipFile(path) as archive:
            check_archive(archive)
        with quiet():
            program: ExportedProgram = torch.export.load(path).run_decompositions({})
    except ModelError:
        raise
    except BadZipFile as found:
        raise ModelError("no file of torch.export.save; save it again") from found
    except Exception as found:  # whatever PyTorch raises for a damaged file
        raise ModelError(f"PyTorch cannot load it: {reason_of(found)}; export it again with this version") from found
    return program


def _drawn(shape: tuple[int, ...], kind: "torch.dtype", seed: int) -> "torch.Tensor":
    """Random numbers of an input's type: normal ones, or whole ones from 0 to 9 (bool: 0 and 1)."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    if kind.is_floating_point:
        return torch.randn(shape, generator=generator)
    return torch.randint(0, 2 if kind == torch.bool else 10, shape, generator=generator)


def _is_batched(program: "ExportedProgram") -> bool:
    """Whether the number of samples was left open; else it stands in shapes throughout the program."""
    return not any(isinstance(tensor.shape[0], int) for tensor in _input_tensors(program).values())


def _input_tensors(program: "ExportedProgram") -> dict[str, Any]:
    """The inputs that are tensors, by name: their types, and their shapes, in which a size may be open."""
    names = {spec.arg.name for spec in program.graph_signature.input_specs if spec.kind.name == "USER_INPUT"}
    nodes = {node.name: node.meta.get("val") for node in program.graph.nodes if node.op == "placeholder"}
    return {name: value for name, value in nodes.items() if name in names and hasattr(value, "shape")}


def _input_shapes(program: "ExportedProgram") -> list[tuple[int, ...]]:
    """The shapes of the inputs for one sample."""
    shapes = []
    for name, tensor in _input_tensors(program).items():
        if not tensor.shape:
            raise ModelError(f"input {name} is a single number; its first axis must be the batch's")
        first, *rest = tensor.shape
        if isinstance(first, int) and first != 1:
            raise ModelError(f"input {name} is exported for {first} samples; export with one, or a dynamic batch")
        if not all(isinstance(size, int) for size in rest):
            raise ModelError(f"input {name} has sizes that vary, {[str(n) for n in rest]}; export fixed ones")
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
