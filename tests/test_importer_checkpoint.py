"""State dicts of others: read by name and shape, or refused in one line."""

import io
import pickle
import re
import sys
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from model_files import model_file
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.utils import prune

import netgen
from netgen.errors import ModelError, NetgenError, WeightsError
from netgen.importer.checkpoint import read_perceptron
from netgen.ir.fixed import Reals
from netgen.train import Mlp, predict
from netgen.train import load_state as load_weights

W = torch.tensor([[0.5, -1.0], [1.5, 0.25]])
B = torch.tensor([0.25, 0.5])
PLAIN = {"0.weight": W, "0.bias": B, "2.weight": W, "2.bias": B}
X = np.random.default_rng(0).normal(size=(20, 2))


def load_state(path: Path, mlp: Mlp, scale: Reals | None = None) -> None:
    load_weights(read_perceptron(path, mlp.sizes, batch_norm=bool(mlp.norms)), mlp, scale)


def _load(folder: Path, state: object, sizes: Sequence[int] = (2, 2, 2), *, batch_norm: bool = False) -> Mlp:
    torch.save(state, folder / "m.pt")
    mlp = Mlp.seeded(sizes, batch_norm=batch_norm, seed=9)
    load_state(folder / "m.pt", mlp)
    return mlp


def _refused(
    folder: Path, state: object, message: str, sizes: Sequence[int] = (2, 2, 2), *, norm: bool = False
) -> None:
    with pytest.raises(WeightsError) as caught:
        _load(folder, state, sizes, batch_norm=norm)
    assert str(caught.value) == f"{folder / 'm.pt'}: {message}"


def _moved(model: nn.Module, n_in: int) -> nn.Module:
    """A model whose batch normalizations have seen samples."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        model(3 * torch.randn(64, n_in) + 1)
    return model.eval()


def _same(mlp: Mlp, model: nn.Module, n_in: int) -> None:
    x = torch.randn(10, n_in, generator=torch.Generator().manual_seed(1))
    expected = model.double().eval()(x.double()).detach().numpy()
    assert np.allclose(predict(mlp.network(), x.numpy()), expected, atol=1e-5)


class Named(nn.Module):
    """Linear, batch normalization, ReLU, linear, under names and in an order of definition of one's own."""

    def __init__(self, names: Sequence[str], layers: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.names = names
        for name in layers:
            self.add_module(name, layers[name])

    def forward(self, x: Tensor) -> Tensor:
        *hidden, last = self.names
        for name in hidden:
            x = self.get_submodule(name)(x)
        scores: Tensor = self.get_submodule(last)(torch.relu(x))
        return scores


# What is loaded: the function of the user's own model.


def test_a_sequential_model_with_batch_normalization_keeps_its_function(tmp_path: Path) -> None:
    model = _moved(nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 3)), 5)
    _same(_load(tmp_path, model.state_dict(), (5, 4, 3), batch_norm=True), model, 5)


@pytest.mark.parametrize(
    ("defined", "called"),
    [
        ("fc1 bn1 fc2", "fc1 bn1 fc2"),
        ("fc2 fc1 bn1", "fc1 bn1 fc2"),  # defined in another order than called
        ("out norm inner", "inner norm out"),  # no numbers: the shapes decide
    ],
)
def test_layers_are_matched_by_name_and_shape_whatever_their_order(tmp_path: Path, defined: str, called: str) -> None:
    first, norm, last = called.split()
    layers = {first: nn.Linear(5, 4), norm: nn.BatchNorm1d(4), last: nn.Linear(4, 3)}
    model = _moved(Named(called.split(), {name: layers[name] for name in defined.split()}), 5)
    _same(_load(tmp_path, model.state_dict(), (5, 4, 3), batch_norm=True), model, 5)


def test_numbers_order_layers_of_equal_shape_ten_behind_nine(tmp_path: Path) -> None:
    layers = {f"layers.{k}": (k + 1) * torch.eye(2) for k in (10, 9, 0)}
    state = {f"{name}.weight": weight for name, weight in layers.items()}
    mlp = _load(tmp_path, state, (2, 2, 2, 2))
    assert [float(layer.weight.detach()[0, 0]) for layer in mlp.masked] == [1, 10, 11]


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "_orig_mod.module.", "model.", "net.", "module.model."])
def test_prefixes_of_wrappers_are_stripped(tmp_path: Path, prefix: str) -> None:
    mlp = _load(tmp_path, {prefix + key: value for key, value in PLAIN.items()})
    assert torch.equal(mlp.masked[1].weight.data, W)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "net.", "module.model."])
def test_layers_are_named_as_in_the_wrapped_model(tmp_path: Path, prefix: str) -> None:
    state = {prefix + key: value for key, value in (_linear("left") | _linear("right")).items()}
    _refused(
        tmp_path,
        state,
        "left and right fit the same layer; name them so that numbers give their order, as fc1 and fc2",
    )


def test_masks_of_torch_prune_are_applied(tmp_path: Path) -> None:
    """Weight, then bias pruned: the file holds `_orig` and `_mask` of both; 4 of 8 weights and 2 of 4 biases stay."""
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    for layer in (model[0], model[2]):
        prune.custom_from_mask(layer, "weight", torch.eye(2))  # type: ignore[no-untyped-call]
        prune.custom_from_mask(layer, "bias", torch.tensor([1.0, 0.0]))  # type: ignore[no-untyped-call]
    mlp = _load(tmp_path, model.state_dict())
    assert mlp.network().weights_left == mlp.wires == 4
    _same(mlp, model, 2)


def test_weights_whose_pruning_was_made_permanent_load_though_the_bias_comes_first(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    for layer in (model[0], model[2]):
        prune.custom_from_mask(layer, "weight", torch.eye(2))  # type: ignore[no-untyped-call]
        prune.remove(layer, "weight")  # type: ignore[no-untyped-call]
    assert list(model.state_dict())[:2] == ["0.bias", "0.weight"]
    mlp = _load(tmp_path, model.state_dict())
    assert mlp.wires == 4
    _same(mlp, model, 2)


def test_a_state_dict_of_netgen_itself_loads_with_its_masks(tmp_path: Path) -> None:
    mlp = Mlp.seeded((5, 4, 3), batch_norm=True, seed=1)
    mlp.masked[0].mask[1, 2] = 0
    again = _load(tmp_path, mlp.state_dict(), (5, 4, 3), batch_norm=True)
    assert again.wires == 5 * 4 + 4 * 3 - 1
    assert np.allclose(again.network().layers[0].weight, mlp.network().layers[0].weight)


def test_a_linear_layer_without_bias_has_the_bias_0(tmp_path: Path) -> None:
    model = _moved(
        nn.Sequential(nn.Linear(5, 4, bias=False), nn.BatchNorm1d(4, affine=False), nn.ReLU(), nn.Linear(4, 3)), 5
    )
    _same(_load(tmp_path, model.state_dict(), (5, 4, 3), batch_norm=True), model, 5)


@pytest.mark.parametrize(
    "convert",
    [Tensor.half, Tensor.bfloat16, Tensor.double, Tensor.to_sparse, lambda t: t.to(torch.float8_e4m3fn)],
    ids=["half", "bfloat16", "double", "sparse", "float8"],
)
def test_other_types_of_real_numbers_are_read_with_their_values(
    tmp_path: Path, convert: Callable[[Tensor], Tensor]
) -> None:
    """All values of W are exact in each of these types."""
    state = {key: convert(value) if value.dim() == 2 else value for key, value in PLAIN.items()}
    assert torch.equal(_load(tmp_path, state).masked[0].weight.data, W)


def test_weights_act_on_the_features_before_scaling(tmp_path: Path) -> None:
    """Features are multiplied by 1/16 and 4; the network of scaled features gives what the user's gives of raw ones."""
    torch.save(PLAIN, tmp_path / "m.pt")
    mlp, raw = (Mlp.seeded((2, 2, 2), batch_norm=False, seed=1) for _ in range(2))
    scale = np.array([1 / 16, 4.0])
    load_state(tmp_path / "m.pt", mlp, scale)
    load_state(tmp_path / "m.pt", raw)
    assert np.array_equal(predict(mlp.network(), X * scale), predict(raw.network(), X))


def test_a_scale_that_takes_weights_beyond_single_precision_is_refused(tmp_path: Path) -> None:
    torch.save(PLAIN | {"0.weight": W * 1e38}, tmp_path / "m.pt")
    with pytest.raises(
        WeightsError, match=r"weight of the first layer is beyond single precision when divided by the scale"
    ):
        load_state(tmp_path / "m.pt", Mlp.seeded((2, 2, 2), batch_norm=False, seed=1), np.full(2, 2.0**-10))


# What is refused: what does not fit, or fits in two ways.

NORM = {"weight": B, "bias": B, "running_mean": B, "running_var": B}


def _norm(name: str, size: int = 2) -> dict[str, Tensor]:
    return {f"{name}.{key}": torch.ones(size) for key in NORM}


def _linear(name: str, n_out: int = 2, n_in: int = 2) -> dict[str, Tensor]:
    return {f"{name}.weight": torch.ones(n_out, n_in), f"{name}.bias": torch.ones(n_out)}


FIX = "network.hidden and network.batch_norm must match the weights"
ELSEWHERE = "may stand elsewhere than directly after layer {}; fold it into the weights, or number it like its layer"


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (
            _linear("0", 3) | _linear("2", 2, 3),
            "the weight of 0 has shape (3, 2), the spec's network (2, 2); network.hidden must match the weights",
        ),
        (_linear("0") | _linear("1") | _linear("2"), f"holds 3 Linear for the 2 of the spec's network; {FIX}"),
        (_linear("0"), f"holds 1 Linear for the 2 of the spec's network; {FIX}"),
        (PLAIN | _norm("1"), f"holds 1 BatchNorm1d for the 0 of the spec's network; {FIX}"),
        (
            _linear("left") | _linear("right"),
            "left and right fit the same layer; name them so that numbers give their order, as fc1 and fc2",
        ),
        (
            PLAIN | {"2.alpha": B},
            "2 has an entry 'alpha'; only Linear layers and BatchNorm1d between them can be read",
        ),
        (
            PLAIN | {"1.weight": B, "1.bias": B},
            "1 has a weight of shape (2,); only Linear layers and BatchNorm1d between them can be read",
        ),
        (
            {"0.weight_orig": W, **PLAIN},
            "0 has no weight_mask; only Linear layers and BatchNorm1d between them can be read",
        ),
        (
            PLAIN | {"0.bias": torch.ones(3)},
            "0 has a bias of shape (3,) beside a weight of (2, 2); need (2,)",
        ),
        (
            {"0.weight_orig": W, "0.weight_mask": W, "0.bias": B} | _linear("2"),
            "the mask of 0 holds other numbers than 0 and 1; save it again",
        ),
    ],
    ids=["shape", "too many", "too few", "norm", "two ways", "unknown", "layer norm", "half a mask", "bias", "mask"],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, state: object, message: str) -> None:
    _refused(tmp_path, state, message)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (_norm("0") | _linear("1") | _linear("3"), "batch normalization 0 " + ELSEWHERE.format(1)),
        (_linear("0") | _norm("2") | _linear("3"), "batch normalization 2 " + ELSEWHERE.format(0)),
        (_linear("0") | _linear("2") | _norm("3"), "batch normalization 3 " + ELSEWHERE.format(0)),
        (_norm("bn1") | _linear("fc1") | _linear("fc2"), "batch normalization bn1 " + ELSEWHERE.format("fc1")),
        (_linear("fc1") | _linear("fc2") | _norm("norm"), "batch normalization norm " + ELSEWHERE.format("fc1")),
        (PLAIN, f"holds 0 BatchNorm1d for the 1 of the spec's network; {FIX}"),
        (
            _linear("0") | _norm("1", 3) | _linear("2"),
            f"batch normalizations do not fit after the hidden layers; {FIX}",
        ),
    ],
    ids=["inputs", "after the ReLU", "outputs", "inputs by name", "unnamed place", "none", "size"],
)
def test_a_batch_normalization_in_another_place_is_refused(tmp_path: Path, state: object, message: str) -> None:
    """All sizes are 2, so only the names can say where a batch normalization stands."""
    _refused(tmp_path, state, message, norm=True)


def test_a_negative_variance_is_refused(tmp_path: Path) -> None:
    state = _linear("0") | _norm("1") | _linear("2") | {"1.running_var": -B}
    _refused(tmp_path, state, "1 has a running_var below 0; save the state_dict again", norm=True)


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
    _refused(tmp_path, PLAIN | {"0.weight": value}, message)


def test_a_csr_tensor_is_refused(tmp_path: Path) -> None:
    _refused(tmp_path, PLAIN | {"0.weight": _csr()}, "0.weight is of layout sparse_csr; save tensor.to_dense() instead")


def test_a_quantized_tensor_is_refused(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch calls them deprecated, once in a process
        value = torch.quantize_per_tensor(W, 0.02, 0, torch.qint8)
    _refused(tmp_path, PLAIN | {"0.weight": value}, "0.weight is quantized; save tensor.dequantize() instead")


def test_a_nested_tensor_is_refused(tmp_path: Path) -> None:
    for key in PLAIN:
        message = f"{key} is a nested tensor; save plain tensors instead"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # torch calls them a prototype
            _refused(tmp_path, PLAIN | {key: torch.nested.nested_tensor([B, B])}, message)


def test_sparse_indices_outside_of_the_shape_are_refused(tmp_path: Path) -> None:
    indices, values = torch.tensor([[0, 5], [0, 1]]), torch.ones(2)
    wrong = torch.sparse_coo_tensor(indices, values, (2, 2), check_invariants=False)
    with pytest.raises(WeightsError) as caught:
        _load(tmp_path, PLAIN | {"0.weight": wrong})
    assert str(tmp_path / "m.pt") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_tensor_that_claims_a_huge_shape_is_refused_by_its_shape(tmp_path: Path) -> None:
    """One number, repeated by strides of 0 to 10^12: refused before it is read."""
    huge = torch.ones(1).expand(10**6, 10**6)
    sparse = torch.sparse_coo_tensor(torch.tensor([[0], [0]]), torch.ones(1), (10**6, 10**6), check_invariants=True)
    for value in (huge, sparse):
        with pytest.raises(WeightsError, match=r"shape \(1000000, 1000000\)"):
            _load(tmp_path, {"0.weight": value, "2.weight": W})


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
    _refused(tmp_path, state, message)


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
        load_state(path, Mlp.seeded((2, 2, 2), batch_norm=False, seed=1))


def test_a_torchscript_archive_a_folder_and_a_missing_file_are_named_for_what_they_are(tmp_path: Path) -> None:
    mlp = Mlp.seeded((2, 2, 2), batch_norm=False, seed=1)
    with zipfile.ZipFile(tmp_path / "script.pt", "w") as archive:
        archive.writestr("script/constants.pkl", b"x")
        archive.writestr("script/data.pkl", b"x")
    for name, message in (
        ("script.pt", "is a TorchScript archive; save module.state_dict() instead"),
        (".", "is a folder; network.weights needs a file that torch.save or safetensors wrote"),
        ("none.pt", "not found; correct network.weights"),
    ):
        with pytest.raises(WeightsError, match=re.escape(message)):
            load_state(tmp_path / name, mlp)


def test_a_pickle_that_claims_a_text_of_two_gigabytes_needs_no_memory(tmp_path: Path) -> None:
    (tmp_path / "m.pt").write_bytes(b"\x80\x02X\xff\xff\xff\x7ftext")
    tracemalloc.start()
    try:
        with pytest.raises(WeightsError, match=r"m\.pt: not a state_dict of plain tensors"):
            load_state(tmp_path / "m.pt", Mlp.seeded((2, 2, 2), batch_norm=False, seed=1))
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
        load_state(path, Mlp.seeded((2, 2, 2), batch_norm=False, seed=1))


# Safetensors: plain tensors by name, without anything that runs code.


def test_a_safetensors_file_loads_as_the_state_dict_that_it_was_saved_from(tmp_path: Path) -> None:
    model = _moved(nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 3)), 5)
    path = tmp_path / "m.safetensors"
    save_file(model.state_dict(), path)
    mlp = Mlp.seeded((5, 4, 3), batch_norm=True, seed=9)
    load_state(path, mlp)
    _same(mlp, model, 5)


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
        load_state(path, Mlp.seeded((2, 2, 2), batch_norm=False, seed=1))
    assert str(caught.value) == f"{path}: {message}"


@pytest.mark.parametrize("change", [lambda b: b[:-4], lambda b: b[:40], lambda b: b"\xff" * 8 + b[8:], lambda b: b * 2])
def test_a_damaged_safetensors_file_is_refused_in_one_line(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "m.safetensors"
    save_file({key: value.clone() for key, value in PLAIN.items()}, path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(WeightsError, match=f"^{re.escape(str(path))}: not a safetensors file [^\n]*; save it again$"):
        load_state(path, Mlp.seeded((2, 2, 2), batch_norm=False, seed=1))


def test_without_the_library_safetensors_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.safetensors"
    save_file({"0.weight": W.clone()}, path)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(WeightsError, match=r"reading safetensors needs safetensors; install it by: pip install 'netge"):
        load_state(path, Mlp.seeded((2, 2, 2), batch_norm=False, seed=1))


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
    load_state(path, Mlp.seeded((2, 2), batch_norm=False, seed=1))


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
        load_state(path, Mlp.seeded((600, 64, 64, 64, 1), batch_norm=True, seed=1))
    for key in ("source", "weights"):
        (tmp_path / "s.yaml").write_text(f"network: {{{key}: {path}}}\n")
        with pytest.raises(NetgenError, match=re.escape(f"{path}: {what}; ")):
            netgen.build(tmp_path / "s.yaml", out=tmp_path)
