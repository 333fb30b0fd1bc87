"""Search the ranges of a spec for the networks that no other beats in both wire length and accuracy.

The spec, its seed and a trial's number determine what is tried and found, whatever the number of processes or machines
and whenever they are killed. `sampling.py` chooses the values to try, `objective.py` evaluates one spec, `ledger.py`
keeps the results, and `run.py` runs the trials in order.
"""

from netgen.search.run import search

__all__ = ["search"]
