"""Operators that end a model: what they compute is told with the outputs, and hardware gives the values before."""

from functools import partial
from typing import Any

from netgen.importer.aten.call import Call, Handler, Headed
from netgen.ir.network import HeadFunction

__all__ = ["HEADS"]


def _softmax(function: HeadFunction, call: Call) -> Any:
    return Headed(call.tensor("self"), function, int(call["dim"]))


def _argmax(call: Call) -> Any:
    if call["dim"] is None:
        raise call.refusal("over the batch too; name the axis of the classes by dim")
    return Headed(call.tensor("self"), "argmax", int(call["dim"]), bool(call["keepdim"]))


HEADS: dict[str, Handler] = {
    "_log_softmax": partial(_softmax, "log_softmax"),
    "_softmax": partial(_softmax, "softmax"),
    "argmax": _argmax,
    "log_softmax": partial(_softmax, "log_softmax"),
    "softmax": partial(_softmax, "softmax"),
}
