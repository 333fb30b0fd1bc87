"""What a classification costs: how often signals toggle, and what that takes by different models of energy.

| file | content |
|---|---|
| `activity`, `order` | toggles of every bit for a stream of samples, and the order of these samples |
"""

from netgen.energy.activity import Activity, activity_of, register_toggles
from netgen.energy.order import SampleOrder, arranged

__all__ = ["Activity", "SampleOrder", "activity_of", "arranged", "register_toggles"]
