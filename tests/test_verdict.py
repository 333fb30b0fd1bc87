"""netgen.ir.verdict: what is printed of a wire length and its lower bound."""

import subprocess
import sys

import pytest

from netgen.ir.verdict import verdict_of


@pytest.mark.parametrize(
    ("length", "bound", "text"),
    [
        (27139, 18338, "wire length 27,139 · at most 1.48x optimal"),
        (10, 10, "wire length 10 · optimal"),
        (0, 0, "wire length 0 · optimal"),
        (1001, 1000, "wire length 1,001 · at most 1.01x optimal"),
        (1, 0, "wire length 1"),
        (10, None, "wire length 10"),
    ],
)
def test_a_verdict_never_promises_more_than_the_bound_proves(length: int, bound: int | None, text: str) -> None:
    """27,139 / 18,338 = 1.4799 and 1,001 / 1,000 = 1.001: rounded up to 1.48 and 1.01."""
    assert verdict_of(length, bound) == text


def test_the_placer_alone_loads_nothing_of_the_build_report() -> None:
    code = "import sys, netgen.graph.place; print(*[name for name in sys.modules if name.startswith('netgen.report')])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.split() == []
