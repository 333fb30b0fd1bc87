"""Files of weights: plain tensors are read, anything else is refused in one line, and nothing in them is executed."""

import io
import pickle
import re
import sys
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from checkpoints import FIX, PLAIN, B, W, from_file, loaded, moved, refused, same_function
from model_files import model_file
from safetensors.torch import save_file
from torch import Tensor, nn

import netgen
from netgen.errors import ModelError, NetgenError, WeightsError

# What is refused: tensors that are no plain, finite, real numbers.


def _csr() -> Tensor:
    with pytest.warns(UserWarning, match="beta"):
        return W.to_sparse_csr()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (W.to("meta"), "0.weight is a meta tensor without values; save the state_dict of an initialized model"),
        (W.to(torch.complex64), "0.weight holds complex64 numbers; a weight needs a floating-point type"),
        (W.long(), "0.weight holds int64 numbers; a weight needs a floating-point type"),
        (W > 0, "0.weight holds bool numbers; a weight needs a floating-point type"),
        (W * float("nan"), "0.weight holds NaN or infinity; every weight must be finite in single precision"),
        (W / 0, "0.weight holds NaN or infinity; every weight must be finite in single precision"),
        (W.double() * 2e300, "0.weight holds 1e+300; every weight must be finite in single precision"),
        (W.double() * 2e39, "0.weight holds 1e+39; every weight must be finite in single precision"),
        ({"a": W}, "0.weight holds a dict, not a tensor; save checkpoint['0.weight'] instead"),
        (3.0, "0.weight holds a float, not a tensor; save model.state_dict() instead"),
    ],
    ids=["meta", "complex", "integer", "bool", "NaN", "infinite", "1e300", "1e39", "nested", "number"],
)
def test_a_tensor_that_is_no_weight_is_refused(tmp_path: Path, value: object, message: str) -> None:
    refused(tmp_path, PLAIN | {"0.weight": value}, message)


def test_a_csr_tensor_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, PLAIN | {"0.weight": _csr()}, "0.weight is of layout sparse_csr; save tensor.to_dense() instead")


def test_a_quantized_tensor_is_refused(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch calls them deprecated, once in a process
        value = torch.quantize_per_tensor(W, 0.02, 0, torch.qint8)
    refused(tmp_path, PLAIN | {"0.weight": value}, "0.weight is quantized; save tensor.dequantize() instead")


def test_a_nested_tensor_is_refused(tmp_path: Path) -> None:
    for key in PLAIN:
        message = f"{key} is a nested tensor; save plain tensors instead"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # torch calls them a prototype
            refused(tmp_path, PLAIN | {key: torch.nested.nested_tensor([B, B])}, message)


def test_sparse_indices_outside_of_the_shape_are_refused(tmp_path: Path) -> None:
    indices, values = torch.tensor([[0, 5], [0, 1]]), torch.ones(2)
    wrong = torch.sparse_coo_tensor(indices, values, (2, 2), check_invariants=False)
    with pytest.raises(WeightsError) as caught:
        loaded(tmp_path, PLAIN | {"0.weight": wrong})
    assert str(tmp_path / "m.pt") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_tensor_that_claims_a_huge_shape_is_refused_by_its_shape(tmp_path: Path) -> None:
    """One number, repeated by strides of 0 to 10^12: refused before it is read."""
    huge = torch.ones(1).expand(10**6, 10**6)
    sparse = torch.sparse_coo_tensor(torch.tensor([[0], [0]]), torch.ones(1), (10**6, 10**6), check_invariants=True)
    for value in (huge, sparse):
        with pytest.raises(WeightsError, match=r"shape \(1000000, 1000000\)"):
            loaded(tmp_path, {"0.weight": value, "2.weight": W})


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({0: W}, "key 0 is no name of a parameter; save model.state_dict() instead"),
        ({"state_dict": PLAIN}, "state_dict holds a dict, not a tensor; save checkpoint['state_dict'] instead"),
        ([1, 2], "holds a list; save model.state_dict() instead"),
        (W, "holds a Tensor; save model.state_dict() instead"),
        (None, "holds a NoneType; save model.state_dict() instead"),
        ({}, f"holds 0 Linear for the 2 of the spec's network; {FIX}"),
        (
            nn.Linear(2, 2),
            "a pickled module of class torch.nn.modules.linear.Linear, which is code and is not loaded; "
            "save model.state_dict() instead",
        ),
    ],
    ids=["integer keys", "checkpoint", "list", "tensor", "none", "empty", "module"],
)
def test_what_is_no_state_dict_is_refused(tmp_path: Path, state: object, message: str) -> None:
    refused(tmp_path, state, message)


# What is refused: files that torch.save did not write, or that are damaged.


def _saved() -> bytes:
    file = io.BytesIO()
    torch.save(PLAIN, file)
    return file.getvalue()


def _zip_of_zeros() -> bytes:
    """A compressed archive that unpacks to more than it holds."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10_000_000))
    return file.getvalue()


@pytest.mark.parametrize(
    ("blob", "message"),
    [
        (b"", "is empty; save model.state_dict() again"),
        (b"hello, world", "not a state_dict of plain tensors"),
        (pickle.dumps(print), "not a state_dict of plain tensors"),
        (pickle.dumps({"0.weight": [1.0]}), "not a state_dict of plain tensors"),
        (_saved()[:700], "not a state_dict of plain tensors"),
        (_saved()[:-30], "not a state_dict of plain tensors"),
        (_saved()[200:], ""),
        (_zip_of_zeros(), "its header states more data than its"),
        (b"PK\x05\x06" + bytes(18), "not a state_dict of plain tensors"),
    ],
    ids=["empty", "text", "code", "pickle", "short", "cut", "without its start", "bomb", "empty zip"],
)
def test_a_file_that_is_damaged_or_another_is_refused_in_one_line(tmp_path: Path, blob: bytes, message: str) -> None:
    path = tmp_path / "m.pt"
    path.write_bytes(blob)
    with pytest.raises(WeightsError, match=f"^{re.escape(f'{path}: {message}')}[^\n]*$"):
        from_file(path)


def test_a_torchscript_archive_a_folder_and_a_missing_file_are_named_for_what_they_are(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "script.pt", "w") as archive:
        archive.writestr("script/constants.pkl", b"x")
        archive.writestr("script/data.pkl", b"x")
    for name, message in (
        ("script.pt", "is a TorchScript archive; save module.state_dict() instead"),
        (".", "is a folder; network.weights needs a file that torch.save or safetensors wrote"),
        ("none.pt", "not found; correct network.weights"),
    ):
        with pytest.raises(WeightsError, match=re.escape(message)):
            from_file(tmp_path / name)


def test_a_pickle_that_claims_a_text_of_two_gigabytes_needs_no_memory(tmp_path: Path) -> None:
    (tmp_path / "m.pt").write_bytes(b"\x80\x02X\xff\xff\xff\x7ftext")
    tracemalloc.start()
    try:
        with pytest.raises(WeightsError, match=r"m\.pt: not a state_dict of plain tensors"):
            from_file(tmp_path / "m.pt")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_tensor_that_claims_more_numbers_than_the_file_holds_is_refused(tmp_path: Path) -> None:
    """The storage of 4 numbers is said to hold 2^40, in the pickle that describes it."""
    path = tmp_path / "m.pt"
    file = io.BytesIO()
    torch.save({"0.weight": W}, file)
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            blob = old.read(name)
            if name.endswith("data.pkl"):
                assert blob.count(b"K\x04t") == 1
                blob = blob.replace(b"K\x04t", b"\x8a\x06" + (2**40).to_bytes(6, "little") + b"t")
            new.writestr(name, blob)
    with pytest.raises(WeightsError, match=r"m\.pt: not a state_dict of plain tensors"):
        from_file(path)


# Safetensors: plain tensors by name, without anything that runs code.


def test_a_safetensors_file_loads_as_the_state_dict_that_it_was_saved_from(tmp_path: Path) -> None:
    model = moved(nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 3)), 5)
    path = tmp_path / "m.safetensors"
    save_file(model.state_dict(), path)
    same_function(from_file(path, (5, 4, 3), batch_norm=True), model, 5)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (PLAIN | {"0.weight": W.to(torch.int8)}, "0.weight holds int8 numbers; a weight needs a floating-point type"),
        ({"0.weight": W}, f"holds 1 Linear for the 2 of the spec's network; {FIX}"),
    ],
)
def test_what_does_not_fit_is_refused_of_safetensors_too(
    tmp_path: Path, state: dict[str, Tensor], message: str
) -> None:
    path = tmp_path / "m.safetensors"
    save_file({key: value.clone() for key, value in state.items()}, path)
    with pytest.raises(WeightsError) as caught:
        from_file(path)
    assert str(caught.value) == f"{path}: {message}"


@pytest.mark.parametrize("change", [lambda b: b[:-4], lambda b: b[:40], lambda b: b"\xff" * 8 + b[8:], lambda b: b * 2])
def test_a_damaged_safetensors_file_is_refused_in_one_line(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "m.safetensors"
    save_file({key: value.clone() for key, value in PLAIN.items()}, path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(WeightsError, match=f"^{re.escape(str(path))}: not a safetensors file [^\n]*; save it again$"):
        from_file(path)


def test_without_the_library_safetensors_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.safetensors"
    save_file({"0.weight": W.clone()}, path)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(WeightsError, match=r"reading safetensors needs safetensors; install it by: pip install 'netge"):
        from_file(path)


# Files that hold something else are named for what they are; nothing in them is executed.


class Trap:
    """An object whose unpickling would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("old", [False, True])
def test_a_pickled_module_and_a_checkpoint_are_named_and_not_loaded(tmp_path: Path, old: bool) -> None:
    model, path = nn.Sequential(nn.Linear(2, 2)), tmp_path / "m.pt"
    checkpoint = {"epoch": 3, "model": model.state_dict(), "rng": Trap(tmp_path / "trap")}
    for content, message in (
        (model, "a pickled module of class torch.nn.modules.container.Sequential, which is code and is not loaded"),
        (checkpoint, "a training checkpoint that begins with 'epoch' and a pathlib"),
    ):
        torch.save(content, path, _use_new_zipfile_serialization=not old)
        for error, read in ((WeightsError, load), (ModelError, netgen.read)):
            with pytest.raises(error, match=f"^{re.escape(f'{path}: {message}')}[^\n]*$"):
                read(path)
    assert not (tmp_path / "trap").exists()


def load(path: Path) -> None:
    from_file(path, (2, 2))


def test_a_state_dict_given_as_a_network_is_named(tmp_path: Path) -> None:
    torch.save(PLAIN, tmp_path / "m.pth")
    with pytest.raises(
        ModelError, match=r"m\.pth: a state_dict that begins with '0\.weight': weights without a network; "
    ):
        netgen.read(tmp_path / "m.pth")


def test_a_public_checkpoint_without_a_graph_is_refused_for_what_it_is(tmp_path: Path) -> None:
    """FINN's example: a training checkpoint in PyTorch's old format; `netgen inspect` prints the same line."""
    path = model_file("cybsec_mlp_state_dict.pth")
    what = "a training checkpoint that begins with 'models_state_dict': weights without a network"
    with pytest.raises(ModelError, match=re.escape(f"{path}: {what}; load it into its nn.Module and read that")):
        netgen.read(path)
    with pytest.raises(WeightsError, match=re.escape(f"{path}: {what}; save model.state_dict() instead")):
        from_file(path, (600, 64, 64, 64, 1), batch_norm=True)
    for key in ("source", "weights"):
        (tmp_path / "s.yaml").write_text(f"network: {{{key}: {path}}}\n")
        with pytest.raises(NetgenError, match=re.escape(f"{path}: {what}; ")):
            netgen.build(tmp_path / "s.yaml", out=tmp_path)
