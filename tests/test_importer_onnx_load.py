"""ONNX files that anyone may have written: damaged, huge, or reaching for other files."""

import contextlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_models import node, numbers, runtime, write

from netgen.errors import ModelError
from netgen.importer import onnx_load
from netgen.importer.onnx_file import read_onnx


@pytest.fixture
def dense(tmp_path: Path) -> Path:
    return write(tmp_path / "dense.onnx", [node("MatMul", ["x", "w"], ["y"])], (1, 60), {"w": numbers(60, 70)})


def message_of(path: Path) -> str:
    with pytest.raises(ModelError) as found:
        read_onnx(path)
    text = str(found.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04" * 99, b"\x80\x02}q\x00.", bytes(range(256)) * 40])
def test_a_file_that_is_not_onnx_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    assert message_of(path).endswith("export the model again")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert message_of(tmp_path / "no.onnx") == "No such file or directory; give the path of an ONNX file"
    assert message_of(tmp_path).endswith("give the path of an ONNX file")


def test_a_file_cut_short_anywhere_is_refused(dense: Path) -> None:
    data = dense.read_bytes()
    for length in np.linspace(1, len(data) - 1, 60).astype(int):
        dense.write_bytes(data[:length])
        message_of(dense)


def test_a_file_with_wrong_bytes_is_read_or_refused(dense: Path) -> None:
    data, rng = dense.read_bytes(), np.random.default_rng(1)
    for _ in range(150):
        damaged = bytearray(data)
        start = len(data) if rng.random() < 0.1 else 200
        for place in [*rng.integers(0, start, 2), *rng.integers(len(data) - 120, len(data), 1)]:
            damaged[place] = rng.integers(0, 256)
        dense.write_bytes(damaged)
        with contextlib.suppress(ModelError):
            read_onnx(dense)


def test_a_file_that_is_too_large_is_refused_before_it_is_parsed(dense: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_load, "LIMIT", 1000)
    assert message_of(dense) == "longer than 1,000 bytes; give a smaller file"


def test_weights_in_a_file_of_their_own_are_read(dense: Path) -> None:
    x = numbers(3, 60)
    right = runtime(dense, x)[0]
    model = onnx.load(dense)
    onnx.save(model, dense, save_as_external_data=True, location="weights.bin", size_threshold=0)
    network, _ = read_onnx(dense)
    assert np.abs(network.evaluate(x) - right).max() < 1e-5


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/hostname", "gone.bin", "link.bin", ""])
def test_weights_outside_of_the_folder_are_not_read(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(4 * 60 * 70))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    path = write(folder / "model.onnx", [node("MatMul", ["x", "w"], ["y"])], (1, 60), {"w": numbers(60, 70)})
    model = onnx.load(path)
    (tensor,) = model.graph.initializer
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.append(onnx.StringStringEntryProto(key="location", value=location))
    path.write_bytes(model.SerializeToString())
    assert message_of(path) == (
        f"the weights 'w' lie in {location!r}, which is no file in the model's folder; export the model again"
    )


@pytest.mark.parametrize("opset", [5, 6, 99])
def test_an_opset_that_is_not_read_is_refused(tmp_path: Path, opset: int) -> None:
    path = write(tmp_path / "model.onnx", [node("Relu", ["x"], ["y"])], (1, 3), opset=opset)
    message = message_of(path)
    assert message.startswith(f"opset {opset} of ONNX; netgen reads 7 to 28: convert it by onnx.version_converter")


def test_functions_of_the_file_are_inlined(tmp_path: Path) -> None:
    path = write(tmp_path / "model.onnx", [node("Twice", ["x"], ["y"], domain="mine")], (1, 3), domains=["mine"])
    model = onnx.load(path)
    opsets = [helper.make_opsetid("", 13)]
    model.functions.append(
        helper.make_function("mine", "Twice", ["a"], ["b"], [node("Add", ["a", "a"], ["b"])], opsets)
    )
    onnx.save(model, path)
    network, _ = read_onnx(path)
    assert np.asarray(network.evaluate(np.array([[1.0, 2.0, 3.0]]))).tolist() == [[2.0, 4.0, 6.0]]


def test_functions_that_multiply_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "model.onnx", [node("f40", ["x"], ["y"], domain="mine")], (1, 3), domains=["mine"])
    model = onnx.load(path)
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("mine", 1)]
    for level in range(1, 41):
        op, domain = (f"f{level - 1}", "mine") if level > 1 else ("Relu", "")
        body = [node(op, ["a"], ["c"], domain=domain), node(op, ["c"], ["b"], domain=domain)]
        model.functions.append(helper.make_function("mine", f"f{level}", ["a"], ["b"], body, opsets))
    onnx.save(model, path)
    assert message_of(path) == "functions in functions make over 100,000 nodes; export without"


def test_a_missing_library_is_told_with_the_command_that_installs_it(dense: Path) -> None:
    code = (
        "import sys; sys.modules['onnxruntime'] = None\n"
        "from pathlib import Path\n"
        "from netgen.importer.onnx_file import read_onnx\n"
        "try: read_onnx(Path(sys.argv[1]))\n"
        "except Exception as found: print(type(found).__name__, found)\n"
    )
    result = subprocess.run([sys.executable, "-c", code, str(dense)], capture_output=True, text=True, check=True)
    assert result.stdout == (
        f"ModelError {dense}: reading ONNX needs onnxruntime; install it by: pip install 'netgen[onnx]'\n"
    )
