"""Searching: a spec's ranges in, the networks out that no other beats in both wire length and accuracy.

The spec, its seed and a trial's number decide what is tried and found, however many processes or machines take part and
whenever they are killed: see `sampling.py` for what is tried, `ledger.py` for what is kept, `run.py` for the order.
"""

from netgen.search.run import search

__all__ = ["search"]
