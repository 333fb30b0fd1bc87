"""What a build should warn of: accuracy that a stage lost, and keys of a spec that have no effect.

A warning is one line, like an error: the place, the value found and the fix. `BuildReport.warnings` keeps them.
"""

import math

from netgen.data import Dataset
from netgen.spec.spec import Spec

FALL = 0.05
"""Loss of accuracy, 0 to 1, that a user should know of; less is the usual effect of pruning and of few bits."""


def falls(
    spec: Spec, *, dense: float, pruned: float, quantized: float, hardware: float, validation: int, test: int
) -> tuple[str, ...]:
    """Warn of each stage in which accuracy fell by more than `FALL`, beyond what the number of samples explains.

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
    if _fell(dense, pruned, 0.0):
        found.append(
            f"prune: validation accuracy fell from {dense:.1%} (dense) to {pruned:.1%} (pruned); "
            f"{_less_pruning(spec)}, or raise prune.rounds and prune.retrain"
        )
    if _fell(pruned, quantized, 0.0):
        found.append(
            f"quantize: validation accuracy fell from {pruned:.1%} (float) to {quantized:.1%} (hardware); widen "
            "quantize.input_width, weight_width or activation_width, or raise quantize.epochs"
        )
    if _fell(quantized, hardware, 2 * _deviation(quantized, validation, test)):
        found.append(
            f"check: hardware classifies {quantized:.1%} of {validation:,} validation samples and {hardware:.1%} of "
            f"{test:,} test samples; the test data differ from the training data: check their order, scale and labels"
        )
    return tuple(found)


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
    return tuple(found)


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
