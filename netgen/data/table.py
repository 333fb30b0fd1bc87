"""Tables of comma-separated values: a column for each feature and one for the label."""

from array import array
from math import isfinite
from pathlib import Path
from typing import NoReturn

import numpy as np

from netgen.data.raw import Raw, not_finite
from netgen.errors import DataError
from netgen.text import csv_rows, read_text, shown

LIMIT = 128 << 20
"""Bytes that a table may have: MNIST as a table has 110 million. Reading needs up to ten times as much memory."""

Label = int | float | str


class _Table:
    """The rows of a file, each split into features and label."""

    def __init__(self, path: Path, column: int, width: int, *, underscores: bool) -> None:
        self.path, self.column, self.width, self.underscores = path, column, width, underscores
        self.features, self.lines = array("d"), array("q")
        self.labels: list[Label] = []
        self.known: dict[str, Label | None] = {}

    def fail(self, line: int, reason: str) -> NoReturn:
        """Raise a DataError that names the line."""
        raise DataError(f"{self.path}: line {line}: {reason}")

    def add(self, line: int, row: list[str]) -> None:
        """Append a sample; refuse a row of another length, a feature that is no finite number, a blank label."""
        if len(row) != self.width:
            self.fail(line, f"{len(row)} cells where the first line has {self.width}; give every column a cell")
        cell = row.pop(self.column)
        label = self.known[cell] if cell in self.known else self.known.setdefault(cell, _label(cell))
        if label is None:
            self.fail(line, f"label {shown(cell)} in column {self.column + 1}; complete it or remove the row")
        try:
            self.features.extend(map(float, row))
        except ValueError:
            self._refuse_text(line, row)
        if self.underscores and any("_" in cell for cell in row):  # float() reads 1_0 as 10
            self._refuse_text(line, row)
        self.labels.append(label)
        self.lines.append(line)

    def put_first(self, line: int, row: list[str]) -> None:
        """Insert a sample before all others."""
        front = _Table(self.path, self.column, self.width, underscores=self.underscores)
        front.add(line, row)
        self.features[:0], self.lines[:0], self.labels[:0] = front.features, front.lines, front.labels

    def _refuse_text(self, line: int, row: list[str]) -> None:
        """Raise a DataError for the first feature that is no number, if there is one."""
        for k, cell in enumerate(row):
            if _number(cell) is None:
                hint = "every feature must be one"
                if ";" in cell:
                    hint = "separate cells by commas and write decimals with points"
                self.fail(line, f"{shown(cell)} in column {self._column_of(k)} is not a number; {hint}")

    def _column_of(self, feature: int) -> int:
        """The number of a feature's column, from 1."""
        return feature + 1 + (feature >= self.column)

    def raw(self) -> Raw:
        """The samples as arrays; classes are numbered in ascending order, numbers before text."""
        features = np.frombuffer(self.features, dtype=np.float64).reshape(len(self.labels), self.width - 1)
        wrong = not_finite(features)
        if wrong is not None:
            row, k = wrong
            reason = f"{features[wrong]} in column {self._column_of(k)}; every feature must be finite"
            self.fail(self.lines[row], reason)
        order = sorted(set(self.labels), key=lambda label: (isinstance(label, str), label))
        number = {label: k for k, label in enumerate(order)}
        names = () if order == list(range(len(order))) else tuple(_name(label) for label in order)
        labels = np.fromiter((number[label] for label in self.labels), np.int64, len(self.labels))
        return Raw(features, labels, names=names)


def read_csv(path: Path, label: str | None = None) -> Raw:
    """Read a table: a sample a line, separated by commas, or by semicolons or tabs where the first line has no comma.

    The first line is a header if one of its features is no number, or if its label is text that no other line has.
    Labels may be numbers or text; `1` and `1.0` are one class.

    Args:
        label: name of the label column, from the header; the last column when None.
    Raises: DataError, one line with the file, the line, the value and the fix.
    """
    text = read_text(path, DataError, limit=LIMIT, fix="give the path of a CSV file")
    rows = csv_rows(text, lambda reason: DataError(f"{path}: {reason}"), delimiter=_separator(text))
    line, first = next(rows, (0, []))
    if not first:
        raise DataError(f"{path}: is empty; give a row per sample")
    header = [cell.strip() for cell in first]
    column = _label_column(path, header, label)
    table = _Table(path, column, len(header), underscores="_" in text)
    for number, row in rows:
        table.add(number, row)
    named = label is not None or any(_number(cell) is None for k, cell in enumerate(header) if k != column)
    key = _label(header[column])
    if not named and not (isinstance(key, str) and key not in table.labels):
        if _counts_up(header):
            table.fail(
                line,
                f"{shown(', '.join(header))[1:-1]} may be column names or a sample; set data.label to the name of a "
                "column, or write a header of words",
            )
        table.put_first(line, header)
    if not table.labels:
        raise DataError(f"{path}: has a header only; give a row per sample")
    return table.raw()


def _separator(text: str) -> str:
    """The character between cells: a comma, unless the first line has none but semicolons or tabs."""
    line = text.lstrip("\n").partition("\n")[0]
    return next((mark for mark in ",;\t" if mark in line), ",")


def _label_column(path: Path, header: list[str], label: str | None) -> int:
    """The number of the label column, from 0."""
    if len(header) < 2:
        raise DataError(f"{path}: one column, {shown(header[0])}; need features and a label, separated by commas")
    if label is None:
        return len(header) - 1
    if header.count(label) != 1:
        reason = f"{header.count(label)} columns" if label in header else "no column"
        there = ", ".join(shown(name)[1:-1] for name in header[:8]) + (", ..." if len(header) > 8 else "")
        raise DataError(f"{path}: {reason} {shown(label)} (there are {there}); correct data.label")
    return header.index(label)


def _number(cell: str) -> float | None:
    """The number that a cell holds; None if it holds something else."""
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def _label(cell: str) -> Label | None:
    """A label as a number, where it is one, or as text; None if it is blank or not finite."""
    text = cell.strip()
    try:
        return int(text) if "_" not in text else text
    except ValueError:
        number = _number(text)
    if number is None:
        return text or None
    return number if isfinite(number) else None


def _name(label: Label) -> str:
    """A label as it stands in messages: whole numbers without a point, text on one short line."""
    if isinstance(label, str):
        return label if label.isprintable() and len(label) <= 40 else shown(label)
    return str(int(label)) if label == int(label) else str(label)


def _counts_up(header: list[str]) -> bool:
    """Whether cells are whole numbers that count up from 0 or 1, as pandas numbers columns without names."""
    return len(header) > 2 and header in ([str(k + start) for k in range(len(header))] for start in (0, 1))
