"""State dicts: what `torch.save` writes, with other values in it, and with damaged bytes."""

import contextlib
import io
import pickle
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import torch
from kinds import Case, Kind
from mutate import misplace, mutated, mutated_zip
from nasty import Random, pick
from torch import Tensor

_SIZES = (3, 4, 2)


def _linear(name: str, n_in: int, n_out: int) -> dict[str, Any]:
    return {f"{name}.weight": torch.arange(n_in * n_out).reshape(n_out, n_in) / 9, f"{name}.bias": torch.ones(n_out)}


def _norm(name: str, size: int) -> dict[str, Any]:
    keys = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{key}": torch.ones(size) for key in keys} | {f"{name}.num_batches_tracked": torch.tensor(3)}


def _masked(name: str, n_in: int, n_out: int) -> dict[str, Any]:
    state = _linear(name, n_in, n_out)
    state[f"{name}.weight_orig"] = state.pop(f"{name}.weight")
    return state | {f"{name}.weight_mask": torch.ones(n_out, n_in)}


_PLAIN = _linear("fc1", 3, 4) | _linear("fc2", 4, 2)
_STATES: tuple[tuple[dict[str, Any], bool], ...] = (
    (_PLAIN, False),
    (_linear("net.0", 3, 4) | _norm("net.1", 4) | _linear("net.3", 4, 2), True),
    (_masked("module.0", 3, 4) | _linear("module.2", 4, 2), False),
    ({"0.weight": torch.ones(4, 3, dtype=torch.float64), "2.weight": torch.ones(2, 4, dtype=torch.bfloat16)}, False),
)


@cache
def _odd_values() -> tuple[Any, ...]:
    """Values that are no plain tensors of numbers, or have another size; nobody changes them."""
    w = torch.ones(4, 3)
    return (
        None,
        3.0,
        2**70,
        "text",
        [w],
        {"weight": w},
        (),
        w.to("meta"),
        w.to(torch.complex64),
        w.half(),
        w.double() * 1e300,
        w.double() * 1e39,
        w.double() * 1e-50,
        w.long(),
        w > 0,
        w / 0,
        w * float("nan"),
        w.to(torch.float8_e4m3fn),
        w.to(torch.float8_e5m2),
        w.to_sparse(),
        w.to_sparse_csr(),
        torch.quantize_per_tensor(w, 0.02, 0, torch.qint8),
        torch.nested.nested_tensor([w, w]),
        torch.sparse_coo_tensor(torch.tensor([[0, 9], [0, 1]]), torch.ones(2), (4, 3), check_invariants=False),
        torch.sparse_coo_tensor(torch.tensor([[0], [0]]), torch.ones(1), (10**6, 10**6), check_invariants=False),
        torch.ones(1).expand(10**6, 10**6),
        torch.ones(1).expand(4, 3),
        torch.ones(()),
        torch.ones(0),
        torch.ones(4),
        torch.ones(3, 4),
        torch.ones(4, 3, 1, 1),
        -torch.ones(4),
        torch.nn.Parameter(w),
        torch.zeros(4, 3),
    )


def _changed(state: dict[Any, Any], rng: Random) -> Any:
    """Change a few entries of a state dict."""
    state = dict(state)
    for _ in range(pick(rng, (1, 1, 2, 3))):
        key = pick(rng, list(state) or ["x"])
        match int(rng.integers(8)):
            case 0:
                state.pop(key, None)
            case 1:
                state[pick(rng, (0, "", "\n", "weight", "fc3.weight", "a" * 500, 2**70, None, "fc1.weight"))] = (
                    state.get(key)
                )
            case 2:
                other = pick(rng, list(state) or ["x"])
                state[key], state[other] = state.get(other), state.get(key)
            case 3:
                return pick(rng, (state, {"state_dict": state}, [state], None, 1, state.get(key), {}, list(state)))
            case 4 if isinstance(state.get(key), Tensor) and state[key].layout == torch.strided and state[key].dim():
                with contextlib.suppress(RuntimeError):  # a nested or very large tensor
                    one = state[key]
                    state[key] = pick(rng, (one[..., :1], one[None], one.flatten(), one.float()))
            case _:
                state[key] = pick(rng, _odd_values())
    return state


def _bytes_of(state: Any, *, old: bool = False) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(state, file, _use_new_zipfile_serialization=not old)
    return file.getvalue()


class Weights(Kind):
    """Files of weights, read into a network of fixed sizes."""

    def __init__(self, home: Path) -> None:  # noqa: ARG002
        self.seeds = 2 * len(_STATES)

    def case(self, folder: Path, seed: int, rng: Random | None) -> Case:
        path = folder / "m.pt"
        state, norm = _STATES[seed // 2]
        path.write_bytes(_bytes_of(state, old=seed % 2 == 1) if rng is None else self._mutant(state, seed, rng))
        if rng is not None and rng.random() < 0.02:
            misplace(path, rng)
        return Case(lambda: _read(path, norm=norm), (str(path),))

    def _mutant(self, state: dict[str, Any], seed: int, rng: Random) -> bytes:
        choice = rng.random()
        if choice < 0.5:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                changed = _changed(state, rng)
                try:
                    return _bytes_of(changed, old=seed % 2 == 1)
                except (RuntimeError, NotImplementedError, AttributeError):  # what this torch cannot save
                    return _bytes_of(changed if not isinstance(changed, dict) else list(changed))
        if choice < 0.55:
            return pickle.dumps(pick(rng, (print, {"a": 1}, [1], {"fc1.weight": [1.0]}, {})))
        blob = _bytes_of(state, old=seed % 2 == 1)
        return mutated(blob, rng) if seed % 2 else mutated_zip(blob, rng, mutated)


def _read(path: Path, *, norm: bool) -> None:
    from netgen.importer.checkpoint import read_perceptron
    from netgen.learn.memory import check_file
    from netgen.train import perceptron_of_state

    check_file(path, _SIZES)
    perceptron_of_state(read_perceptron(path, _SIZES, batch_norm=norm))
