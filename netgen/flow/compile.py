"""Compile a trained model: as it is, or fine-tuned or pruned for short wires when asked."""

import warnings
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from netgen.data import Raw
from netgen.errors import DataError, QuantizeError, SpecError
from netgen.flow.build import build
from netgen.flow.built import Build
from netgen.flow.feature_scale import misfit
from netgen.flow.imported import CIRCUIT, GIVEN, Features, Given, RawSamples
from netgen.flow.tuning import share_out
from netgen.ir.circuit import Circuit
from netgen.ir.circuit_head import CircuitHead
from netgen.ir.fixed import Words
from netgen.ir.imported import ImportReport
from netgen.ir.network import Head, Network, Port
from netgen.progress import Progress, silent
from netgen.spec.spec import parse_tree
from netgen.text import shown

if TYPE_CHECKING:
    from netgen.importer.read import Model

__all__ = ["compile"]

WIDTH = 8
"""Bits of weights and words, unless the user gives others: without training, fewer cost accuracy."""
NO_CLASSES = "for outputs that are no classes leave labels out: hardware is then compared with the model's values"
"""What to do with targets of a regression."""
AXES = 2
"""Fewest axes of samples, the sample's own included; and those of one-hot labels."""
FAR = 1 << 53
"""A label beyond it is not told from its neighbours in double precision."""


def compile(  # noqa: A001 - the public name; Python's own compiles Python
    model: "Model | Network | Circuit",
    *,
    name: str,
    inputs: npt.ArrayLike | tuple[npt.ArrayLike, ...] | None = None,
    labels: npt.ArrayLike | None = None,
    calibration: npt.ArrayLike | tuple[npt.ArrayLike, ...] | None = None,
    training: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    scale: float = 1.0,
    mean: float | Sequence[float] = (),
    std: float | Sequence[float] = (),
    network: Mapping[str, Any] | None = None,
    train: Mapping[str, Any] | None = None,
    augment: Mapping[str, Any] | None = None,
    prune: Mapping[str, Any] | None = None,
    quantize: Mapping[str, Any] | None = None,
    place: Mapping[str, Any] | None = None,
    emit: Mapping[str, Any] | None = None,
    check: Mapping[str, Any] | None = None,
    out: Path | str = "hdl_out",
    seed: int = 1,
    jobs: int | None = None,
    progress: Progress = silent,
) -> Build:
    """Compile a trained model to placed, checked hardware in the folder `out/NAME`.

    The model is compared with what was read of it, quantized by calibration, or exactly where it arrives quantized,
    placed, lowered, proved, written as Verilog and simulated on the samples. A Python warning says when the model
    itself classifies the samples no better than chance, or much worse than on features of another scale.

    Args:
        model: a PyTorch module, the path of an .onnx or .pt2 file, a `Network`, or a `Circuit`, which is quantized
            already and is placed as it is.
        name: of the build, and of its folder.
        inputs: (n, *shape) samples on which the hardware is checked, as the model reads them, or as raw features from
            which `scale`, `mean` and `std` make what it reads; a tuple for several inputs. Random words when None;
            which values they mean, `quantize={"input_range": (least, greatest)}` says, or the quantized model itself.
        labels: (n,) class numbers from 0, or one-hot rows.
        calibration: samples on which formats are chosen; those of `training`, else the inputs, when None.
        training: samples and labels on which the model is pruned, or fine-tuned under quantization; a tenth of them are
            held out to choose the best weights (`data.validation`). Unless asked for, the model is built as it is.
        scale, mean, std: the model reads `(x * scale - mean) / std`, folded into its first layer; `mean` and `std` are
            one number, or one for each channel or feature.
        network: `{"activation": "piecewise"}` trains a piecewise linear function for every neuron while the model is
            pruned; `"relu"`, the default, keeps the model's own functions.
        train, augment, prune: keys of a spec's sections; any of them prunes the model for short wires, from its own
            weights, and needs `training`, `inputs` and `labels`.
        quantize, place, emit, check: keys of a spec's sections (docs/spec.md); widths are 8 bits by default.
            `quantize={"fine_tune": "labels"}` or `"outputs"` fine-tunes the weights under quantization: on `training`;
            else, against outputs, on `calibration`; else on four fifths of the inputs, and hardware is checked on the
            others.
        jobs: processes that simulate; all cores when None.
    Raises: NetgenError, one line: ModelError for a model that cannot be read, DataError for samples that do not fit,
        SpecError for an unknown key, CheckError when hardware and integers differ.
    """
    found, others = _numbers(inputs, "inputs"), _numbers(calibration, "calibration")
    offsets, divisors = _reals(mean, "mean"), _reals(std, "std")
    factors = _reals(scale, "scale")
    if len(factors) != 1:
        raise SpecError(f"scale: {len(factors)} numbers; give one, and std for each channel or feature")
    factor = factors[0]
    given_sections = {"train": train, "augment": augment, "prune": prune, "quantize": quantize, "place": place}
    for section, keys in (given_sections | {"emit": emit, "check": check}).items():
        if keys is not None and not isinstance(keys, Mapping):
            raise SpecError(
                f"{section}: {str(keys)[:60]!r} is no dictionary; give keys of the section and their values"
            )
    own = model if isinstance(model, Circuit) else None
    if own is not None and (quantize or factor != 1 or offsets or divisors):
        what = "quantize" if quantize else "scale, mean and std"
        raise QuantizeError(f"{what}: a Circuit is quantized and scales its inputs by its input_scale; omit it")
    tunes = str((quantize or {}).get("fine_tune", "none")) != "none"
    prunes = bool(prune or augment or (train and not tunes))
    kept = _section(network, prunes=prunes)
    _check_training(training, inputs, labels, prunes=prunes, tunes=tunes)
    whole, report = (None, ImportReport("a Circuit", "itself", 0.0, 0)) if own else _read(model, found or others)
    ports, heads = _ends(whole, own)
    tested, classes = _samples(ports, found, "inputs"), _classes(labels, heads)
    if classes is not None and len(classes) != len(tested):
        raise DataError(f"labels: {len(classes):,} for {len(tested):,} inputs; give one for each")
    learned = _training(training, ports, heads, tested, classes)
    calibrated = _samples(ports, others, "calibration") if others else tested if learned is None else learned.features
    source = GIVEN if own is None else CIRCUIT
    sections = {
        "network": {"source": source, "scale": factor, "mean": offsets, "std": divisors, "keep": not prunes, **kept},
        "data": {"source": GIVEN},
        "train": dict(train or {}),
        "augment": dict(augment or {}),
        "prune": dict(prune or {}),
        "quantize": {"weight_width": WIDTH, "activation_width": WIDTH, **(quantize or {})},
        "place": dict(place or {}),
        "emit": {"argmax": classes is not None and _is_class(heads), **(emit or {})},
        "check": dict(check or {}),
    }
    spec = parse_tree({"name": name, "seed": seed, **{key: value for key, value in sections.items() if value}})
    if not spec.name:
        raise SpecError("name: missing; give the build a name")
    samples, tuning, note = RawSamples(calibrated, tested, classes), None, ""
    if tunes and learned is None:
        samples, tuning, note = share_out(samples, spec, calibrated=bool(others))
    if whole is not None and classes is not None:
        from netgen.importer.inputs import of_raw_features

        raw = of_raw_features(whole, scale=spec.network.scale, mean=spec.network.mean, std=spec.network.std)
        if line := misfit(raw, spec.network, samples):
            warnings.warn(line, stacklevel=2)
    given = Given(whole, report, samples, own, learned, tuning, note)
    return build(spec, out=out, jobs=jobs, progress=progress, given=given)


def _ends(network: Network | None, circuit: Circuit | None) -> tuple[Sequence[Port], Sequence[Head | CircuitHead]]:
    """The inputs and outputs of what is compiled."""
    if network is not None:
        return network.inputs, network.outputs
    assert circuit is not None
    return (Port("input", (circuit.features,)),), circuit.heads


def _numbers(inputs: Any, what: str) -> tuple[Features, ...]:
    """The samples of each input as arrays; none when there are none.

    Raises: DataError, for no sample, other things than real numbers, or numbers that are not finite.
    """
    found = []
    for one in () if inputs is None else inputs if isinstance(inputs, tuple) else (inputs,):
        array = _array(one, what)
        if array.dtype.kind not in "fiub":
            raise DataError(f"{what}: numbers of type {array.dtype}; give real numbers")
        if array.ndim < AXES:
            raise DataError(f"{what}: shape {array.shape}; the first axis is the sample: give (n, ...)")
        if not array.size:
            raise DataError(f"{what}: no sample; give at least one, or None")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            at = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
            raise DataError(f"{what}: {list(at)} is {array[at]}; every number must be finite")
        if array.dtype.kind == "f" and (beyond := np.abs(array) > np.finfo(np.float32).max).any():
            at = tuple(int(k) for k in np.argwhere(beyond)[0])
            raise DataError(f"{what}: {list(at)} is {float(array[at]):g}; scale it: models compute in single precision")
        found.append(array.astype(np.float64) if array.dtype == np.longdouble else array)
    return tuple(found)


def _array(given: Any, what: str) -> Features:
    """An array of what can be one; tensors of PyTorch wherever they are, of any precision.

    Raises: DataError, for anything else.
    """
    try:
        plain = given.detach().cpu() if hasattr(given, "detach") else given
        if str(getattr(plain, "dtype", "")) == "torch.bfloat16":
            plain = plain.float()
        if np.ma.is_masked(plain):
            raise DataError(f"{what}: values that are masked; fill them: x.filled(0)")
        return np.asarray(plain)
    except (ValueError, TypeError, RuntimeError) as error:
        raise DataError(f"{what}: {' '.join(str(error).split())[:80]}; give an array of numbers") from error


def _reals(given: float | Sequence[float], what: str) -> list[float]:
    """One number, or several, as a list.

    Raises: SpecError, for anything else.
    """
    try:
        found: list[float] = np.atleast_1d(np.asarray(given, dtype=np.float64)).ravel().tolist()
    except (ValueError, TypeError) as error:
        raise SpecError(f"{what}: {str(given)[:40]!r}; give numbers") from error
    return found


def _read(model: Any, inputs: tuple[Features, ...]) -> tuple[Network, ImportReport]:
    """The network, and how it agrees with its source."""
    if isinstance(model, Network):
        return model, ImportReport("a Network", "itself", 0.0, 0)
    from netgen.importer.read import example_of, read_with_report

    if isinstance(model, str | PathLike):
        return read_with_report(model)
    if not inputs:
        raise DataError("inputs: a module does not state the shape of its inputs; give at least one sample")
    return read_with_report(model, example_of(inputs))


def _samples(ports: Sequence[Port], given: tuple[Features, ...], what: str) -> Features:
    """Samples of all inputs side by side, (n, features); none when there are none.

    Raises: DataError, for shapes other than the model's.
    """
    if not given:
        return np.zeros((0, sum(port.size for port in ports)))
    if len(given) != len(ports):
        names = ", ".join(port.name for port in ports)
        raise DataError(f"{what}: {len(given)} arrays for the {len(ports)} inputs ({names}); give a tuple")
    parts = []
    for array, port in zip(given, ports, strict=True):
        if array.shape[1:] not in {port.shape, (port.size,)}:
            wanted = ", ".join(map(str, port.shape))
            channels_last = array.ndim == 4 and array.shape[1:] == (*port.shape[1:], port.shape[0])
            fix = "give x.transpose(0, 3, 1, 2)" if channels_last else f"give (n, {wanted})"
            raise DataError(f"{what}: shape {array.shape}, but the model reads {port.name} of (n, {wanted}); {fix}")
        parts.append(array.reshape(len(array), -1))
    if len({len(part) for part in parts}) > 1:
        raise DataError(f"{what}: {[len(part) for part in parts]} samples; give the same number for every input")
    return np.concatenate(parts, axis=1)


def _section(given: Mapping[str, Any] | None, *, prunes: bool) -> dict[str, Any]:
    """The keys of a spec's section `network` that the user may give beside a network.

    Raises: SpecError, for another key; or for functions to train where nothing is trained.
    """
    if not isinstance(given, Mapping | None):
        raise SpecError(f'network: {shown(given)}; give a dictionary, such as {{"activation": "piecewise"}}')
    found = dict(given or {})
    for key in found:
        if key in {"scale", "mean", "std"}:
            raise SpecError(f"network.{key}: give it to compile itself, as {key}=")
        if key != "activation":
            raise SpecError(f"network.{key}: the model is the network; the only key to give is activation")
    if found.get("activation", "relu") != "relu" and not prunes:
        raise SpecError(
            f"network.activation: {shown(found['activation'])} is trained while the model is pruned; "
            "give prune, training, inputs and labels, or leave it out"
        )
    return found


def _check_training(given: Any, inputs: Any, labels: Any, *, prunes: bool, tunes: bool) -> None:
    """Check that whatever training needs is there, before the model is read.

    Raises: DataError, for samples or labels that are missing.
    """
    if given is None:
        if prunes:
            raise DataError("train, prune: no samples to train on; give training=(x, y)")
        return
    if not prunes and not tunes:
        raise DataError("training: nothing is trained; give prune=, train= or quantize.fine_tune, or leave it out")
    if not isinstance(given, tuple) or len(given) != 2:
        raise DataError("training: give samples and labels, (x, y)")
    if inputs is None or labels is None:
        raise DataError("inputs, labels: a model that is trained further is checked on test samples; give both")


def _training(
    given: tuple[npt.ArrayLike, npt.ArrayLike] | None,
    ports: Sequence[Port],
    heads: Sequence[Head | CircuitHead],
    tested: Features,
    labels: Words | None,
) -> Raw | None:
    """The samples to prune or fine-tune on, with the test samples; None where none were given.

    Raises: DataError, for samples that do not fit.
    """
    if given is None:
        return None
    assert labels is not None
    found, numbers = _numbers(given[0], "training"), _classes(given[1], heads, "training: labels")
    features = _samples(ports, found, "training")
    assert numbers is not None
    if len(numbers) != len(features):
        raise DataError(f"training: {len(numbers):,} labels for {len(features):,} samples; give one for each")
    present = np.unique(numbers)
    missing = np.setdiff1d(np.union1d(np.arange(present[-1] + 1), labels), present)
    if len(missing):
        raise DataError(f"training: no sample of class {missing[0]}; give some of every class")
    return Raw(features, numbers, tested, labels)


def _is_class(heads: Sequence[Head | CircuitHead]) -> bool:
    """Whether the greatest value of one output is the class: of the one arg-max, or of the only output."""
    chosen = [head for head in heads if head.function == "argmax"] or heads
    sizes = [
        head.neuron.size for head in chosen if head.neuron.ndim and head.neuron.shape[head.axis] == head.neuron.size
    ]
    return len(chosen) == 1 and sizes != [] and sizes[0] > 1


def _classes(labels: npt.ArrayLike | None, heads: Sequence[Head | CircuitHead], what: str = "labels") -> Words | None:
    """Labels as class numbers, (n,).

    Raises: DataError, for labels that are neither class numbers of the first head, nor one-hot rows.
    """
    if labels is None:
        return None
    found = _array(labels, what)
    if found.ndim == AXES and found.shape[1] == 1:
        found = found[:, 0]
    if found.dtype.kind not in "iubf":
        kind = shown(found.ravel().tolist()[0]) if found.size else "nothing"
        raise DataError(f"{what}: {kind} is no class; give the number of each sample's greatest output")
    count = next((head.neuron.size for head in heads if head.neuron.size > 1), 2)
    several = any(head.neuron.size > 1 for head in heads)
    if found.ndim == AXES and found.shape[1] == count and set(np.unique(found).tolist()) <= {0, 1}:
        if (found.sum(axis=1) == 1).all():
            rows: Words = np.argmax(found, axis=1).astype(np.int64)
            return rows
        raise DataError(f"{what}: rows with other than one 1; give class numbers")
    if found.ndim != 1:
        raise DataError(
            f"{what}: shape {found.shape}; give (n,) class numbers, or one-hot rows of {count}; {NO_CLASSES}"
        )
    if found.dtype.kind == "f" and (wrong := ~((np.abs(found) < FAR) & (found == np.floor(found)))).any():
        raise DataError(
            f"{what}: {found[wrong][0]} is no class; give the number of each sample's greatest output; {NO_CLASSES}"
        )
    least, most = (int(found.min()), int(found.max())) if found.size else (0, 0)
    if least < 0 or most >= count:
        fix = "subtract 1" if (least, most) == (1, count) else f"the model's classes are 0 to {count - 1}"
        outputs, more = (f"{count} outputs", "") if several else ("one output", f"; {NO_CLASSES}")
        raise DataError(f"{what}: from {least} to {most} for {outputs}; {fix}{more}")
    classes: Words = found.astype(np.int64)
    return classes
