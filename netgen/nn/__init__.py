"""Exact layers with gradients, shared by training and quantizing, and the thread that they compute on."""

from netgen.nn.rounding import inside, rounded
from netgen.nn.sparse import Wires, linear
from netgen.nn.threads import one_thread

__all__ = ["Wires", "inside", "linear", "one_thread", "rounded"]
