"""Text that users give: read with limits, decoded, and parsed strictly, so that bad text ends in one line.

Every function here receives the exception to raise (such as `GraphError`), as it serves files of every kind.
"""

from netgen.text.cells import csv_rows
from netgen.text.fields import Fields
from netgen.text.files import LIMIT, read_text
from netgen.text.shown import shown
from netgen.text.trees import parse_json

__all__ = ["LIMIT", "Fields", "csv_rows", "parse_json", "read_text", "shown"]
