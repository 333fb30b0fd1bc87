"""Data sets, by name and by file: read, checked, split and scaled."""

from netgen.data.dataset import Dataset, Floats, Split
from netgen.data.load import DATA_VARIABLE, load_dataset

__all__ = ["DATA_VARIABLE", "Dataset", "Floats", "Split", "load_dataset"]
