"""Exact layers with gradients, shared by training and quantizing, and the settings of torch that they compute with."""

from netgen.nn.defaults import torch_defaults
from netgen.nn.rounding import inside, rounded
from netgen.nn.sparse import Wires, linear

__all__ = ["Wires", "inside", "linear", "rounded", "torch_defaults"]
