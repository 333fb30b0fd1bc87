"""The section of a spec about the network: a perceptron, any network by its layers, or one that is read."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from netgen.spec.base import FilePath, Real, Section
from netgen.spec.shapes import LAYER_FORMS, parse_layer

LayerSize = Annotated[int, Field(ge=1, le=65_536)]
Positive = Annotated[float, Field(gt=0, le=1e30)]

MAX_WEIGHTS = 100_000_000
"""Weights between two hidden layers; training holds 16 bytes for each."""


class NetworkSpec(Section):
    """A network that is trained, a multilayer perceptron with ReLU, or one that is read and built as it is."""

    source: FilePath | None = Field(
        None,
        description="a trained network to build as it is: an .onnx or .pt2 file, relative to the folder of the spec; "
        "unless keep is false nothing is trained or pruned; hidden, batch_norm and weights have no effect; null to "
        "train one",
    )
    keep: bool = Field(
        True,
        description="source: build the network as it is; false: prune it and train it further first, from its own "
        "weights, by the sections train (but its epochs), augment and prune",
    )
    scale: float = Field(
        1.0, gt=0, le=1e30, description="source: the network reads (feature * scale - mean) / std; folded into layer 1"
    )
    mean: tuple[Real, ...] = Field(
        (), max_length=65_536, description="source: one number, or one for each channel or feature; [] for 0"
    )
    std: tuple[Positive, ...] = Field(
        (), max_length=65_536, description="source: one number, or one for each channel or feature; [] for 1"
    )

    layers: tuple[str, ...] = Field(
        (),
        max_length=64,
        description=f"a network to train that is more than a perceptron, a layer each, ReLU after each: {LAYER_FORMS}; "
        "its classes follow as a last dense layer, and hidden has no effect; gate N computes the N layers before it "
        "only for samples whose gate, a neuron that reads what they read, is on, and else passes on what they read; "
        "exit classifies by the result so far and computes the layers behind it, which begin at the inputs again, only "
        "for samples whose gate, a neuron that reads the early scores, is on; [] for a perceptron",
    )
    shape: tuple[LayerSize, LayerSize, LayerSize] | None = Field(
        None, description="layers: channels, height and width of a sample; null for one channel of a square image"
    )
    tables: LayerSize | None = Field(
        None,
        description="a network of so many truth tables instead of weighted sums, an equal number for each class: which "
        "bits they read is trained with their entries, a class counts those of its tables that give 1, and the "
        "greatest count wins; needs data.thresholds; nothing is pruned, and hidden has no effect; null for weighted "
        "sums",
    )
    table_inputs: int = Field(6, ge=1, le=6, description="tables: bits that each of them reads")
    hidden: tuple[LayerSize, ...] = Field(
        (32, 16), max_length=64, description="neurons of each hidden layer; [] for none"
    )
    activation: Literal["relu", "piecewise"] = Field(
        "relu",
        description="layers, or source with keep: false: what a neuron does to its sum: relu; piecewise begins pruning "
        "with ReLU and trains a piecewise linear function for every neuron on its own (Agostinelli et al. 2015), for "
        "shorter wires at equal accuracy and larger neurons",
    )
    batch_norm: bool = Field(True, description="batch normalization in training, folded into the weights afterwards")
    weights: FilePath | None = Field(
        None,
        description="a state_dict to start from, saved by torch.save or as safetensors: Linear layers, each hidden one "
        "directly followed by BatchNorm1d if batch_norm is true, matched by name and shape; the weights act on raw "
        "features (on bits 0 and 1 with data.thresholds); set train.epochs to 0 to keep the weights as they are",
    )

    @property
    def reads_graph(self) -> bool:
        """Whether the network may be any graph of layers: it is read, or `layers` or `tables` describe it."""
        return self.source is not None or bool(self.layers) or self.tables is not None

    @property
    def prunes_graph(self) -> bool:
        """Whether such a network is trained and pruned before it is quantized."""
        return bool(self.layers) or (self.source is not None and not self.keep)

    @field_validator("layers")
    @classmethod
    def _are_layers(cls, layers: tuple[str, ...]) -> tuple[str, ...]:
        for text in layers:
            parse_layer(text)
        return layers

    @model_validator(mode="after")
    def _one_network(self) -> Self:
        for own in ("layers", "tables"):
            if getattr(self, own) and (self.source is not None or self.weights is not None):
                other = "source" if self.source is not None else "weights"
                raise ValueError(f"{own} and {other} both describe a network; remove one")
        if self.layers and self.tables is not None:
            raise ValueError("layers and tables both describe a network; remove one")
        if self.activation == "piecewise" and not self.prunes_graph:
            raise ValueError(
                "activation: piecewise needs layers, or a source with keep: false; hidden: [300, 100] is "
                "layers: [dense 300, dense 100]"
            )
        return self

    @field_validator("hidden")
    @classmethod
    def _fits_in_memory(cls, hidden: tuple[int, ...]) -> tuple[int, ...]:
        for a, b in pairwise(hidden):
            if a * b > MAX_WEIGHTS:
                raise ValueError(f"{a:,} x {b:,} weights between two layers; give at most {MAX_WEIGHTS:,}")
        return hidden
