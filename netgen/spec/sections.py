"""The sections of a spec about data and learning: each key with its type, its default and its meaning.

Keys are documented here, in `hardware` and in `search`, and nowhere else; the reference page, the JSON Schema and the
commented starting spec are generated from these classes.
"""

from itertools import pairwise
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, field_validator, model_validator

from netgen.spec.base import Epochs, Moves, PositiveInt, Rounds, Section, Share

Width = Annotated[int, Field(ge=1, le=16)]
Widths = Width | Annotated[tuple[Width, ...], Field(min_length=1)]
Digits = Annotated[int, Field(ge=1, le=8)]
Units = Annotated[int, Field(ge=1, le=65_536)]
FilePath = Annotated[str, Field(min_length=1, max_length=4_096, pattern=r"^[^\x00-\x1f\x7f]*$")]

MAX_WEIGHTS = 100_000_000
"""Weights between two hidden layers; training holds 16 bytes for each."""

Value = TypeVar("Value")


def per_layer(values: Value | tuple[Value, ...], layers: int) -> tuple[Value, ...]:
    """A value for each layer: those that are given, or the one for all."""
    return values if isinstance(values, tuple) else (values,) * layers


class DataSpec(Section):
    """The data set and its three splits: training, validation and test."""

    source: Literal["digits", "idx", "npz", "csv"] = Field(
        "digits",
        description="format of the data: digits, the 1,797 images of 8x8 pixels that come with scikit-learn; idx, a "
        "folder with the four files of MNIST, plain or .gz; npz, arrays x_train, y_train, x_test, y_test, or x and y; "
        "csv, a table with one sample a line, all columns but the label numbers",
    )
    path: FilePath | None = Field(
        None,
        description="file or folder, relative to the folder of the spec or, if nothing is there, to NETGEN_DATA; null "
        "for digits",
    )
    label: str | None = Field(
        None, description="csv: name of the label column in the first line; null for the last column"
    )
    scale: Literal["global", "feature"] = Field(
        "global",
        description="features are divided by a power of two that brings them below 1 in magnitude: one power for all "
        "features (global), or one for each (feature)",
    )
    thresholds: tuple[Share, ...] = Field(
        (),
        max_length=256,
        description="replace each scaled feature by one bit for each threshold, 1 where the feature is at least the "
        "threshold: one threshold makes images black and white, more make a thermometer code; [] for none",
    )
    validation: Share = Field(
        0.1,
        description="share of the training samples that is held out to measure validation accuracy, which pruning, bit "
        "allocation and the search aim at",
    )
    test: Share = Field(
        0.2, description="share of all samples that is held out as test data, if the source has no test data of its own"
    )

    @model_validator(mode="after")
    def _fits_the_source(self) -> Self:
        if (self.source == "digits") != (self.path is None):
            verb = "has no" if self.source == "digits" else "needs a"
            raise ValueError(f"source {self.source} {verb} path")
        if any(a >= b for a, b in pairwise(self.thresholds)):
            raise ValueError(f"thresholds {list(self.thresholds)} do not rise; write each once, in ascending order")
        return self


class NetworkSpec(Section):
    """A multilayer perceptron with ReLU."""

    hidden: tuple[Units, ...] = Field((32, 16), max_length=64, description="neurons of each hidden layer; [] for none")
    batch_norm: bool = Field(True, description="batch normalization in training, folded into the weights afterwards")
    weights: FilePath | None = Field(
        None,
        description="a state_dict saved by torch.save to start from: Linear layers, each hidden one directly followed "
        "by BatchNorm1d if batch_norm is true, matched by name and shape; the weights act on raw features (on bits 0 "
        "and 1 with data.thresholds); set train.epochs to 0 to keep the weights as they are",
    )

    @field_validator("hidden")
    @classmethod
    def _fits_in_memory(cls, hidden: tuple[int, ...]) -> tuple[int, ...]:
        for a, b in pairwise(hidden):
            if a * b > MAX_WEIGHTS:
                raise ValueError(f"{a:,} x {b:,} weights between two layers; give at most {MAX_WEIGHTS:,}")
        return hidden


class TrainSpec(Section):
    """Training with Adam; the rate is steady until the last retraining, in which it falls linearly to nothing."""

    epochs: Epochs = Field(10, description="passes over the training data")
    batch_size: PositiveInt = Field(128, description="samples per step")
    learning_rate: float = Field(0.001, gt=0, le=100, description="Adam's rate")
    weight_decay: float = Field(0.00003, ge=0, le=1_000, description="L2 penalty")
    label_smoothing: float = Field(0.05, ge=0, lt=1, description="share of each label spread over all classes")
    regularizer: Literal["none", "l1", "l2", "distance", "distance_l2"] = Field(
        "none",
        description="what weights cost while pruned in rounds: l1 |w|, l2 w^2 / 2, distance |w| d^p with d the wire's "
        "Manhattan length in the placement of the moment (Blake et al. 2018), distance_l2 w^2 d^p / 2",
    )
    strength: float = Field(0.0, ge=0, le=1_000_000, description="lambda, by which the regularizer is multiplied")
    strength_schedule: Literal["steady", "rising", "falling"] = Field(
        "steady", description="lambda over the rounds: the same, from 0 to twice as much, or from twice as much to 0"
    )
    reweight_at: PositiveInt | None = Field(
        None,
        description="wires from which on a wire is charged the less, the more it tells for each unit of its length, by "
        "weight and curvature (reweighted l1, Candes, Wakin and Boyd 2008), by a factor of 1 in the mean; null for "
        "never",
    )
    distance_power: float = Field(1.0, ge=0, le=4, description="p, the power of the distance in the regularizer")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="what computes; auto takes a GPU where there is one"
    )


class AugmentSpec(Section):
    """Distorted copies of square images to learn from, beside the images themselves; one copy a pass, in turn."""

    copies: int = Field(0, ge=0, le=100, description="how many; 0 for none. Each takes a byte a pixel and sample")
    shift: float = Field(1.5, ge=0, le=1_000, description="pixels, at most, along each axis")
    rotate: float = Field(10.0, ge=0, le=180, description="degrees, at most")
    zoom: float = Field(0.1, ge=0, lt=1, description="share by which an image grows or shrinks, at most")
    shear: float = Field(0.1, ge=0, lt=1, description="share of the height by which a line leans, at most")
    warp: float = Field(
        0.7, ge=0, le=1_000, description="pixels by which points of an image wander, standard deviation"
    )
    mirror: bool = Field(False, description="left and right exchanged, every other time")


class PruneSpec(Section):
    """Train, prune, re-place, in rounds; to a sparsity, a number or length of wires, or as far as accuracy holds."""

    rule: Literal[
        "none",
        "magnitude",
        "nested_rank",
        "nested_rank_distance",
        "distance_magnitude",
        "obd",
        "obd_distance",
        "obs",
        "obs_distance",
    ] = Field(
        "magnitude",
        description="which weights go first: the least |w|; nested_rank the longest of the least, nested_rank_distance "
        "the least of the longest (Blake et al. 2018, our reading); distance_magnitude |w| / d^g; obd w^2 h / 2 with "
        "h the second derivative of the loss (Optimal Brain Damage); obd_distance the same / d^g; obs, "
        "obs_distance: from place_at on, the other weights of a neuron make up for what goes (Optimal Brain Surgeon)",
    )
    scope: Literal["global", "layer"] = Field("global", description="one threshold for all layers, or one for each")
    schedule: Literal["one_shot", "iterative", "gradual"] = Field(
        "iterative", description="one_shot prunes once, iterative once a round, gradual several times a round"
    )
    sparsity: Share | None = Field(0.9, description="share of the weights to remove; null when another target decides")
    accuracy: Share | None = Field(
        None, description="keep the sparsest network with at least this validation accuracy; null when another decides"
    )
    wires: PositiveInt | None = Field(None, description="weights to keep; null when another target decides")
    wire_length: PositiveInt | None = Field(
        None, description="total wire length to keep, in the placement of the moment; null when another target decides"
    )
    fan_in: PositiveInt | tuple[PositiveInt, ...] | None = Field(
        None,
        description="weights to keep into each neuron: one number, or one for each layer; null when another target "
        "decides",
    )
    rounds: Rounds = Field(10, description="prune-and-retrain rounds; with accuracy, the most there can be")
    epochs: Rounds = Field(1, description="epochs of retraining in each round")
    steps: Rounds = Field(4, description="prunings in each round of the gradual schedule")
    retrain: Epochs = Field(10, description="epochs of retraining after the last round")
    average_at: PositiveInt | None = Field(
        None,
        description="wires from which on weights are ranked by their mean over the steps since the last pruning, not "
        "as the last batch left them; null for never",
    )
    distance_power: float = Field(1.0, ge=0, le=4, description="g, the power of the distance in the rule")
    regrow: float = Field(
        0.0, ge=0, lt=1, description="share of the wires, steep and short, that come back at each pruning (as in RigL)"
    )
    place_at: PositiveInt = Field(20_000, description="wires from which on the network is placed while it is pruned")
    place_moves: Moves = Field(300_000, description="moves of each re-placement; the first takes ten times as many")
    place_share: float | None = Field(
        None,
        gt=0,
        le=1,
        description="share of the wires, the most salient, that count whole for the placer that follows; the others "
        "count by the root of their saliency, since they are likely to go; null when all count alike",
    )
    distill: float = Field(
        0.0, ge=0, le=1, description="share of the loss that compares with the dense network's answers (Hinton et al.)"
    )
    temperature: float = Field(2.0, ge=0.001, le=1_000_000, description="by which these answers are softened")

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        targets = [self.sparsity, self.accuracy, self.wires, self.wire_length, self.fan_in]
        if self.rule != "none" and sum(target is not None for target in targets) != 1:
            raise ValueError("give one of sparsity, accuracy, wires, wire_length, fan_in; set the others to null")
        if self.fan_in is not None and self.regrow:
            raise ValueError("fan_in knows no regrowth; set regrow to 0")
        if self.schedule == "one_shot" and (self.rounds != 1 or self.accuracy is not None):
            raise ValueError(
                "schedule one_shot prunes once, to a target it knows; set rounds to 1 and accuracy to null"
            )
        return self

    @property
    def joint(self) -> bool:
        """Whether the rule or the target looks at wire length."""
        return self.wire_length is not None or "distance" in self.rule or self.rule == "nested_rank"


class QuantizeSpec(Section):
    """Fixed point with power-of-two steps, trained with exact quantized forward passes."""

    input_width: Width = Field(8, description="bits of each input word")
    weight_width: Widths = Field(6, description="bits of the weights, signed: one width, or one for each layer")
    weight_digits: Digits | Annotated[tuple[Digits, ...], Field(min_length=1)] | None = Field(
        None,
        description="signed digits of a weight at most: one number, or one for each layer; 1 makes powers of two, with "
        "a width of 2 ternary weights; null for as many as the width holds",
    )
    activation_width: Widths = Field(6, description="bits of hidden results: one width, or one for each hidden layer")
    accuracy: Share | None = Field(
        None,
        description="bit allocation: after fine-tuning, weights give up signed digits, those first that tell least for "
        "the look-up tables and the wire they take, as long as validation accuracy is at least this; null for none",
    )
    rounds: Rounds = Field(
        20, description="of bit allocation at most; each gives up a tenth of the digits and trains an epoch"
    )
    from_start: bool = Field(
        False,
        description="whether hidden results are rounded in all training and pruning already, to steps of 2^(1 - width) "
        "behind batch normalization; with 1 or 2 bits that is what makes them work",
    )
    epochs: Epochs = Field(8, description="epochs of quantization-aware fine-tuning")
    learning_rate: float = Field(0.0005, gt=0, le=100, description="Adam's rate at the start of fine-tuning")
