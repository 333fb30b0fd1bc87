"""Data sets, by name and by file: read, checked, split and scaled."""

from netgen.data.dataset import Dataset, Floats, Split
from netgen.data.examples import Examples
from netgen.data.load import DATA_VARIABLE, dataset_of, load_dataset
from netgen.data.raw import Raw

__all__ = ["DATA_VARIABLE", "Dataset", "Examples", "Floats", "Raw", "Split", "dataset_of", "load_dataset"]
