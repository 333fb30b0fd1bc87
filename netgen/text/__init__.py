"""Text that users give: read with limits, decoded, and parsed strictly, so that bad text ends in one line.

Every function here receives the exception to raise (such as `GraphError`), as it serves files of every kind.
"""

from netgen.text.cells import csv_rows, lines_of
from netgen.text.fields import Fields
from netgen.text.files import LIMIT, read_bytes, read_text
from netgen.text.shown import shown, shown_path
from netgen.text.trees import parse_json

__all__ = ["LIMIT", "Fields", "csv_rows", "lines_of", "parse_json", "read_bytes", "read_text", "shown", "shown_path"]
