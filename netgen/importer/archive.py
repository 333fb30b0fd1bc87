"""What a `.pt2` file may hold before PyTorch loads it: tensors, operators, and arithmetic of sizes.

PyTorch unpickles objects that lie beside the tensors, looks operators up by any name inside its package, and evaluates
the expressions of sizes; so a file could run code. These three are checked here; tensors are loaded as weights only.
"""

import ast
import re
from typing import Any
from zipfile import ZipFile

from netgen.errors import ModelError
from netgen.importer.aten.refused import QUANTIZED, QUANTIZERS
from netgen.text import parse_json, shown

__all__ = ["check_archive"]

MAX_BYTES = 2_000_000_000
"""Size of all entries, unpacked, that is read."""
_FUNCTIONS = """
 Add And CeilDiv CeilToInt CleanDiv Eq Equality Float FloorDiv FloorToInt GreaterThan Identity IntTrueDiv Integer
 LessThan Max Min Mod ModularIndexing Mul Ne Not Or Pow PowByNatural PythonMod Rational StrictGreaterThan
 StrictLessThan Symbol ToFloat TruncToInt Unequality Where
"""
"""Functions that expressions of sizes may call."""
_PLAIN = (
    ast.Expression,
    ast.Load,
    ast.Name,
    ast.keyword,
    ast.BinOp,
    ast.UnaryOp,
    ast.operator,
    ast.unaryop,
    ast.Compare,
    ast.cmpop,
)
"""Syntax of expressions of sizes, beside calls and constants."""
_OPERATOR = re.compile(
    r"torch\.ops\.(aten|prims|higher_order)\.(?!__)\w+(\.(?!__)\w+)?|(_operator\.|torch\.sym_|math\.)(?!__)\w+"
)
_OBJECTS = re.compile(r"(^|/)(custom|opaque)_obj")


def check_archive(archive: ZipFile) -> None:
    """Refuse what could run code, or fill the memory.

    Raises: ModelError, naming what was found.
    """
    if sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
        raise ModelError(f"more than {MAX_BYTES} bytes when unpacked; save a smaller network")
    for entry in archive.infolist():
        if _OBJECTS.search(entry.filename):
            raise ModelError("it holds pickled objects, which may be code; save a program of tensors only")
        if entry.filename.endswith(".json"):
            text = archive.read(entry).decode("utf-8", errors="replace")
            _check(parse_json(text, ModelError, fix="export it again"))


def _check(tree: Any) -> None:
    """Check what PyTorch evaluates in a description of a program."""
    pending = [tree]
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending += part
        if not isinstance(part, dict):
            continue
        pending += part.values()
        if "expr_str" in part and not _plain(str(part["expr_str"])):
            raise ModelError(f"the size {shown(part['expr_str'])} is no plain arithmetic; export it again")
        target = str(part.get("target"))
        if {"inputs", "outputs", "target"} <= part.keys() and target.startswith(QUANTIZERS):
            raise ModelError(f"{shown(target)}: {QUANTIZED}")
        if {"inputs", "outputs", "target"} <= part.keys() and not _OPERATOR.fullmatch(target):
            raise ModelError(f"{shown(target)} is no operator of PyTorch; export a program of PyTorch's operators")
        if _OBJECTS.search(str(part.get("path_name"))):
            raise ModelError("it holds pickled objects, which may be code; save a program of tensors only")


def _plain(expression: str) -> bool:
    """Whether an expression computes with sizes, and does no more."""
    try:
        nodes = list(ast.walk(ast.parse(expression, mode="eval")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return "__" not in expression and all(
        (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS.split())
        or (isinstance(node, ast.Constant) and re.fullmatch(r"\w*", str(node.value).replace(".", "")))
        or isinstance(node, _PLAIN)
        for node in nodes
    )
