"""Files of `torch.export.save`: read as PyTorch runs them, or refused in one line."""

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import netgen
from netgen.errors import ModelError
from netgen.importer.export import quiet
from netgen.importer.read import read_with_report

SAMPLES = np.random.default_rng(4).normal(size=(6, 2, 8))


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 3, 3, padding=1)
        self.head = nn.Linear(24, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.conv(x))
        result: Tensor = self.head(x.view(x.shape[0], -1))
        return result


def saved(path: Path, module: nn.Module, batch: int = 1, *, dynamic: bool = False) -> Path:
    example = torch.from_numpy(SAMPLES[:batch]).float()
    shapes = ({0: torch.export.Dim("batch", min=1, max=64)},) if dynamic else None
    with quiet():
        torch.export.save(torch.export.export(module, (example,), dynamic_shapes=shapes), path)
    return path


@pytest.mark.parametrize(("batch", "dynamic"), [(1, False), (4, True)])
def test_an_exported_program_is_read_as_its_module_computes(tmp_path: Path, batch: int, dynamic: bool) -> None:
    module = Small().eval()
    network, report = read_with_report(saved(tmp_path / "small.pt2", module, batch, dynamic=dynamic))
    with torch.no_grad():
        right = module.double()(torch.from_numpy(SAMPLES)).numpy()
    np.testing.assert_allclose(np.asarray(network.evaluate(SAMPLES)), right, rtol=1e-12, atol=1e-14)
    assert [layer.name for layer in network.layers] == ["conv", "head"]
    assert (report.source, report.worst < 1e-12) == ("small.pt2", True)


def refusal(path: Path, example: object = None) -> str:
    with pytest.raises(ModelError) as found:
        netgen.read(path, example)
    return str(found.value).removeprefix(f"{path}: ")


def test_a_program_of_several_samples_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "four.pt2", Small().eval(), 4)
    assert refusal(path) == "input x is exported for 4 samples; export with one, or a dynamic batch"


def test_a_program_in_training_mode_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "training.pt2", nn.Sequential(nn.Dropout(), nn.Linear(8, 2)).train())
    assert (
        refusal(path) == "0: native_dropout: random numbers; call eval(), and take randomness out of the forward pass"
    )


def test_an_example_of_another_shape_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "small.pt2", Small().eval())
    assert refusal(path, np.ones((1, 3))) == "an example of shapes [(1, 3)]; the file has inputs of [(1, 2, 8)]"


def test_files_of_other_kinds_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.pt2").write_text("no archive")
    with zipfile.ZipFile(tmp_path / "empty.pt2", "w") as archive:
        archive.writestr("empty/x", "")
    torch.save({"weight": torch.ones(2)}, tmp_path / "weights.pt2")
    assert refusal(tmp_path / "text.pt2") == "no file of torch.export.save; save it again"
    for name in ("empty.pt2", "weights.pt2"):
        assert refusal(tmp_path / name).startswith("PyTorch cannot load it: "), name


def changed(path: Path, edit: Callable[[str, bytes], bytes]) -> Path:
    """A copy of an archive with edited entries."""
    result = path.with_name("edited.pt2")
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(result, "w") as after:
        for entry in before.infolist():
            after.writestr(entry.filename, edit(entry.filename, before.read(entry)))
    return result


class Planted:
    """An object that writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.target,))


def test_pickled_objects_in_a_program_are_not_loaded(tmp_path: Path) -> None:
    path, target = saved(tmp_path / "small.pt2", Small().eval()), tmp_path / "planted"
    code = io.BytesIO()
    torch.save((Planted(target),), code)
    inputs = changed(path, lambda name, data: code.getvalue() if "sample_inputs" in name else data)
    with pytest.raises(ModelError):
        netgen.read(inputs)
    assert not target.exists()


def test_objects_kept_beside_the_tensors_of_a_program_are_refused(tmp_path: Path) -> None:
    path, target = saved(tmp_path / "small.pt2", Small().eval()), tmp_path / "planted"
    code = pickle.dumps(Planted(target))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("small/data/constants/opaque_obj_0", code)
    assert refusal(path) == "it holds pickled objects, which may be code; save a program of tensors only"
    assert not target.exists()


@pytest.mark.parametrize(
    ("before", "planted", "message"),
    [
        (
            '"expr_str": "',
            "open(chr(47))+",
            "the size 'open(chr(47))+Sym...rue, integer=True)' is no plain arithmetic;",
        ),
        ('"expr_str": "', "().__class__+", "the size '().__class__+Symb...rue, integer=True)' is no plain arithmetic;"),
        (
            '"target": "torch.',
            "os.system.",
            "'torch.os.system.ops.aten.sym_size.int' is no operator of PyTorch; export",
        ),
        (
            '"target": "torch.ops.',
            "torchao.",
            "'torch.ops.torchao.aten.sym_size.int': PT2E or TorchAO quantized it, which is not read; export it to ONNX",
        ),
    ],
)
def test_code_in_the_description_of_a_program_is_refused(
    tmp_path: Path, before: str, planted: str, message: str
) -> None:
    path = saved(tmp_path / "small.pt2", Small().eval(), 4, dynamic=True)

    def edit(name: str, data: bytes) -> bytes:
        text = data.decode(errors="surrogateescape")
        return text.replace(before, before + planted, 1).encode(errors="surrogateescape") if ".json" in name else data

    assert refusal(changed(path, edit)).startswith(message)


class Scaled(nn.Module):
    """Whole numbers in, as a camera gives them."""

    def forward(self, x: Tensor) -> Tensor:
        return x.float() / 4 - 1


@pytest.mark.parametrize("kind", [torch.uint8, torch.int64, torch.bool])
def test_a_program_of_whole_numbers_is_read(kind: torch.dtype, tmp_path: Path) -> None:
    program = torch.export.export(Scaled(), (torch.ones(1, 3).to(kind),))
    torch.export.save(program, tmp_path / "whole.pt2")
    found = netgen.read(tmp_path / "whole.pt2").evaluate(np.array([[0.0, 1.0, 1.0]]))
    assert np.array_equal(found, [[-1.0, -0.75, -0.75]])


class Number(nn.Module):
    """An input without axes."""

    def forward(self, x: Tensor) -> Tensor:
        return x + 1


def test_a_program_of_a_single_number_is_refused(tmp_path: Path) -> None:
    torch.export.save(torch.export.export(Number(), (torch.tensor(1.0),)), tmp_path / "number.pt2")
    assert refusal(tmp_path / "number.pt2") == "input x is a single number; its first axis must be the batch's"
