"""Kernels are compiled from the code as it stands, whatever an earlier run has left in a cache."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba.core import caching

import netgen
from netgen.nn import sparse
from netgen.place.kernels.compiled import compiled

PROBE = """
import numpy as np
from netgen.place.kernels.compiled import compiled
from netgen.place.kernels.xorshift import draw

@compiled
def probe(state):
    return draw(state)

def main():
    print(int(probe(np.array([1], np.uint64))))
"""


def test_a_changed_kernel_compiles_again_what_calls_it_from_another_file(tmp_path: Path) -> None:
    """The first number of xorshift64* from state 1, by Python's own integers, with shifts of 12, 25 and 27 or 24."""
    package = tmp_path / "netgen"
    shutil.copytree(Path(netgen.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "place/kernels/probe.py").write_text(PROBE)
    xorshift = package / "place/kernels/xorshift.py"

    def drawn() -> int:
        code = f"import sys; sys.path[0] = {str(tmp_path)!r}; from netgen.place.kernels import probe; probe.main()"
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
        return int(done.stdout)

    def by_hand(middle: int) -> int:
        bits = 1 << middle | 1  # 1 >> 12 is 0
        return (bits ^ bits >> 27) * 0x2545F4914F6CDD1D % (1 << 64)

    assert drawn() == by_hand(25)
    text = xorshift.read_text()
    assert text.count("uint64(25)") == 1
    xorshift.write_text(text.replace("uint64(25)", "uint64(24)"))
    assert drawn() == by_hand(24)


def _twice(values: Any) -> Any:
    return values * 2


@pytest.mark.parametrize("compile_one", [compiled, sparse.compiled])
def test_where_no_cache_can_be_written_functions_are_compiled_all_the_same(
    compile_one: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caching.CompileResultCacheImpl, "_locator_classes", [])
    assert compile_one(_twice)(np.int64(21)) == 42
