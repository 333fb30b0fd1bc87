"""What a build should warn of: accuracy that a stage lost, and keys of a spec that have no effect.

A warning is one line, like an error: the place, the value found and the fix. `BuildReport.warnings` keeps them.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from netgen.data import Dataset
from netgen.ir.functions import PiecewiseLinear
from netgen.ir.network import Network
from netgen.quantize.faint_features import faint, told
from netgen.spec.sections import QuantizeSpec
from netgen.spec.shapes import is_gated, parse_layer
from netgen.spec.spec import Spec

FALL = 0.05
"""Loss of accuracy, 0 to 1, that a user should know of; less is the usual effect of pruning and of few bits."""
TRAINING: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "network": ("hidden", "batch_norm", "weights"),
        "train": (),
        "augment": (),
        "prune": (),
        "quantize": ("weight_digits", "accuracy", "rounds", "from_start", "epochs", "learning_rate"),
    }
)
"""Keys of each section that only a network that is trained has; all of a section when none is named."""
PERCEPTRONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"network": TRAINING["network"], "train": ("epochs",), "quantize": TRAINING["quantize"]}
)
"""Those of them that have no effect on a network that is read and pruned either."""
OF_LAYERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"network": ("hidden", "scale", "mean", "std"), "quantize": TRAINING["quantize"]}
)
"""Keys that have no effect on a network that a spec's layers describe."""
OF_TABLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "network": ("hidden", "batch_norm", "activation", "shape", "scale", "mean", "std"),
        "train": (
            "weight_decay",
            "regularizer",
            "strength",
            "reweight_at",
            "gate_strength",
            "gate_share",
            "gate_exploration",
            "device",
        ),
        "prune": (),
        "quantize": tuple(key for key in QuantizeSpec.model_fields if key != "input_width"),
    }
)
"""Keys that have no effect on truth tables."""
TUNING: frozenset[str] = frozenset(
    {"train.batch_size", "train.weight_decay", "train.label_smoothing", "quantize.epochs", "quantize.learning_rate"}
)
"""Those of them by which a network that is read is fine-tuned, if `quantize.fine_tune` says so."""


def falls(
    spec: Spec, *, dense: float, pruned: float, quantized: float, hardware: float, validation: int, test: int
) -> tuple[str, ...]:
    """Warn of each stage in which accuracy fell by more than `FALL`, beyond what the number of samples explains.

    When no stage alone lost that much, warn when pruning and quantizing together did.

    Args:
        dense: validation accuracy of the dense network, 0 to 1.
        pruned: validation accuracy of the pruned and retrained float network.
        quantized: validation accuracy of the circuit, in integers.
        hardware: test accuracy of the simulated hardware.
        validation: number of validation samples.
        test: number of test samples that were simulated.
    Returns: one line for each fall, in the order of the stages; none when accuracy held.
    """
    found = []
    if fix := pruning_fell(spec, dense, pruned):
        found.append(f"prune: validation accuracy fell from {dense:.1%} (dense) to {pruned:.1%} (pruned); {fix}")
    if _fell(pruned, quantized, 0.0):
        found.append(
            f"quantize: validation accuracy fell from {pruned:.1%} (float) to {quantized:.1%} (hardware); widen "
            "quantize.input_width, weight_width or activation_width, or raise quantize.epochs"
        )
    if not found and _fell(dense, quantized, 0.0):
        found.append(
            f"prune, quantize: validation accuracy fell from {dense:.1%} (dense) to {pruned:.1%} (pruned) and "
            f"{quantized:.1%} (hardware); {_less_pruning(spec)}, or raise prune.retrain and quantize.epochs"
        )
    if _fell(quantized, hardware, 2 * _deviation(quantized, validation, test)):
        found.append(
            f"check: hardware classifies {quantized:.1%} of {validation:,} validation samples and {hardware:.1%} of "
            f"{test:,} test samples; the test data differ from the training data: check their order, scale and labels"
        )
    return tuple(found)


def pruning_fell(spec: Spec, dense: float, pruned: float) -> str:
    """What to change where pruning and retraining lowered validation accuracy by more than `FALL`; else empty."""
    return f"{_less_pruning(spec)}, or raise prune.rounds and prune.retrain" if _fell(dense, pruned, 0.0) else ""


def guess_of(data: Dataset) -> float:
    """The share of the validation samples, 0 to 1, that are classified by always giving their most frequent class."""
    return int(np.bincount(data.validation.labels).max()) / len(data.validation)


def guessing(dense: float, integers: float, data: Dataset, spec: Spec) -> tuple[str, ...]:
    """Warn of a dense network, or a circuit, that is no better than always giving the most frequent class.

    Args:
        dense: validation accuracy of the dense network, 0 to 1.
        integers: of the circuit.
    Returns: one line, or none.
    """
    most = guess_of(data)
    if dense > most + 1e-9:
        if integers > most + 1e-9:
            return ()
        less = "" if spec.prune.rule == "none" else f"{_less_pruning(spec)}, or "
        return (
            f"prune, quantize: the circuit classifies {integers:.1%} of the validation samples; always giving the most "
            f"frequent class would classify {most:.1%}: {less}widen quantize.input_width, weight_width or "
            "activation_width",
        )
    if spec.network.weights is not None and not spec.train.epochs:
        return (
            f"network.weights: the given weights classify {dense:.1%} of the validation samples; always giving the "
            f"most frequent class would classify {most:.1%}: scale the data as those that they were trained on, or "
            "build the model itself by network.source, with network.scale, mean and std",
        )
    fix = "raise train.epochs or train.learning_rate, and check data.scale"
    if spec.network.source is not None:
        fix = "give what the model was trained on, and labels numbered as its outputs"
    return (
        f"train: the dense network classifies {dense:.1%} of the validation samples; always giving the most frequent "
        f"class would classify {most:.1%}: {fix}",
    )


def coarse(spec: Spec, data: Dataset) -> tuple[str, ...]:
    """Warn of features that the hardware hardly sees.

    A table with columns of very different sizes needs a scale for each of them, or the small ones are rounded to a
    constant.

    Returns: one line, or none; none with thresholds, which reduce features to bits by intention.
    """
    if spec.data.thresholds:
        return ()
    form, features = data.input_format(spec.quantize.input_width), data.train.features.astype(np.float64)
    subtract = "subtract the mean of each feature from the data"
    fix = "set data.scale to feature" if spec.data.scale == "global" else subtract
    return told(faint(features, form), features.shape[1], form, fix)


def unused(spec: Spec) -> tuple[str, ...]:
    """Warn of keys that are set and have no effect beside the other keys.

    Returns: one line for each key.
    """
    train, found = spec.train, []
    if train.reweight_at is not None and (train.regularizer == "none" or not train.strength):
        other = "train.regularizer is none" if train.regularizer == "none" else "train.strength is 0"
        found.append(f"train.reweight_at: {train.reweight_at} has no effect while {other}; set it to null or set both")
    elif train.strength and train.regularizer == "none":
        found.append(f"train.strength: {train.strength:g} has no effect while train.regularizer is none; name one")
    elif train.regularizer != "none" and not train.strength:
        found.append(f"train.regularizer: {train.regularizer} has no effect while train.strength is 0; raise it")
    if spec.network.source is None and not is_gated([parse_layer(text) for text in spec.network.layers]):
        keys = {"train.gate_share": train.gate_share, "train.gate_exploration": train.gate_exploration or None}
        keys["prune.gated_share"] = spec.prune.gated_share
        found += [
            f"{key}: {value:g} has no effect without exit or gate in network.layers; remove it"
            for key, value in keys.items()
            if value is not None
        ]
    return tuple(found)


def ignored(spec: Spec, *, compiled: bool = False) -> tuple[str, ...]:
    """Warn of keys that are set and have no effect on a network that is read, or that layers or tables describe.

    Args:
        compiled: whether a program gave the network, and wrote no `network.source`.
    Returns: one line, or none.
    """
    network, usual = spec.network, Spec()
    only_for = OF_LAYERS if network.layers else TRAINING if network.keep else PERCEPTRONS
    only_for = only_for if network.tables is None else OF_TABLES
    used = TUNING if spec.quantize.fine_tune != "none" else frozenset()
    keys = [
        f"{section}.{key}"
        for section, only in only_for.items()
        for key, value in getattr(spec, section).model_dump().items()
        if (not only or key in only) and value != getattr(getattr(usual, section), key)
    ]
    keys = [key for key in keys if key not in used]
    if not keys:
        return ()
    few = ", ".join(keys[:6]) + (", ..." if len(keys) > 6 else "") + (" has" if len(keys) == 1 else " have")
    fixes = ["remove it" if len(keys) == 1 else "remove them"]
    if network.tables is not None:
        return (f"network.tables: truth tables are trained and built as they are, so {few} no effect; {fixes[0]}",)
    if not network.layers and network.keep and "prune." in few:
        fixes.append("set network.keep to false")
    if {"quantize.epochs", "quantize.learning_rate"} & set(keys):
        fixes.append("set quantize.fine_tune")
    fix = ", or ".join(fixes)
    if network.layers:
        return (f"network.layers: the network has its own layers and is calibrated, so {few} no effect; {fix}",)
    why = "is built as it is" if network.keep and not used else "has its own layers and weights"
    if compiled:
        return (f"{few} no effect: the model {why}; {fix}",)
    return (f"network.source: the network {why}, so {few} no effect; {fix}",)


def fixed_functions(spec: Spec, network: Network | None) -> tuple[str, ...]:
    """Warn that no function was trained although the spec asks for it, because weights stayed shared.

    Args:
        network: after pruning; None when there is none.
    Returns: one line, or none.
    """
    if network is None or spec.network.activation != "piecewise":
        return ()
    if any(isinstance(one, PiecewiseLinear) for layer in network.layers for one in layer.activation):
        return ()
    return (
        "network.activation: piecewise had no effect: functions are trained while a network is pruned and no weights "
        "are shared; raise prune.untie_at, and set prune.rule",
    )


def scaled_weights(spec: Spec, data: Dataset) -> tuple[str, ...]:
    """Warn that given weights act on raw features, where the data set scales them.

    Returns: one line, or none when the spec gives no weights or features are not scaled.
    """
    if spec.network.weights is None or (not spec.data.thresholds and (data.scale == 1).all()):
        return ()
    if spec.data.thresholds:
        return ("network.weights: the scale of bits, 1/2, is folded into layer 1; the weights act on bits of 0 and 1",)
    return (
        "network.weights: the scale of the features is folded into layer 1, so the weights act on raw features, up to "
        f"{1 / float(data.scale.min()):g} in magnitude; if they were trained on scaled features, scale the data alike",
    )


def assumed(spec: Spec) -> tuple[str, ...]:
    """Say which function given weights are taken for: a `state_dict` contains neither activations nor their place.

    Returns: one line, or none when the spec gives no weights.
    """
    if spec.network.weights is None:
        return ()
    norm = " -> BatchNorm1d (eps 1e-05)" if spec.network.batch_norm else ""
    hidden = f"{len(spec.network.hidden)} x (Linear{norm} -> ReLU) -> " if spec.network.hidden else ""
    return (
        "network.weights: the file does not contain activations or their order; "
        f"the network is taken for {hidden}Linear; "
        "if your model computes anything else, this circuit is another function",
    )


def _fell(before: float, after: float, noise: float) -> bool:
    return before - after > max(FALL, noise) + 1e-9


def _deviation(accuracy: float, *samples: int) -> float:
    """Standard deviation of the difference of two accuracies that are measured on different samples."""
    return math.sqrt(sum(max(accuracy * (1 - accuracy), 1 / 4 / count) / count for count in samples if count))


def _less_pruning(spec: Spec) -> str:
    """How to keep more weights under the target of a spec."""
    prune = spec.prune
    if prune.sparsity is not None:
        return f"lower prune.sparsity ({prune.sparsity:g})"
    targets = {
        "accuracy": prune.accuracy,
        "wires": prune.wires,
        "wire_length": prune.wire_length,
        "fan_in": prune.fan_in,
    }
    key, value = next(((key, value) for key, value in targets.items() if value is not None), ("rule", prune.rule))
    return f"raise prune.{key} ({value})"
