"""Who may import whom: the table of the house, as data, held against every import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).parent.parent / "netgen"

RANKS = {
    "errors": 0,
    "progress": 0,
    "fixed": 0.5,
    "digits": 0.7,
    "thermometer": 0.7,
    "store": 1,
    "network": 1,
    "utilization": 1,
    "circuit": 2,
    "netlist": 3,
    "grid": 4,
    "operators": 3,
    "names": 4,
    "pipeline": 4,
    "prove": 4,
    "cost": 4.2,
    "wiring": 4.5,
    "design": 4.5,
    "section": 4,
    "ranges": 4.5,
    "sections": 4.5,
    "spec": 5,
    "sparse": 5,
    "rounding": 5,
    "artifacts": 5,
    "graph": 5,
    "spec_reference": 6,
    "constrain": 6,
    "data": 6,
    "train": 7,
    "quantize": 7,
    "place": 7,
    "lower": 7,
    "hdl": 7,
    "simulate": 7,
    "fpga": 7,
    "report": 7,
    "kept": 8,
    "place_graph": 8,
    "follow": 8,
    "allocate": 8,
    "learn": 9,
    "verify": 9,
    "experiment": 10,
    "flow": 10,
    "weigh": 10.3,
    "search": 10.6,
    "terminal": 10.8,
    "cli": 11,
    "__main__": 12,
}
HEAVY = {
    "torch": {"train", "quantize", "sparse", "rounding"},
    "sklearn": {"data"},
    "ortools": {"place"},
    "numba": {"place", "sparse"},
    "scipy": {"place"},
    "amaranth": {"hdl", "simulate", "design"},
    "alkaid": {"lower"},
    "plotly": {"report"},
    "matplotlib": {"report"},
    "rich": {"report", "cli", "terminal"},
    "typer": {"cli"},
    "pydantic": {"section", "sections", "ranges", "spec", "spec_reference"},
    "yaml": {"spec"},
    "optuna": {"search"},
    "ray": {"search"},
}


def _room(path: Path) -> str:
    inside = path.relative_to(HOME)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            if node.module == "netgen":
                found |= {f"netgen.{alias.name}" for alias in node.names}
            else:
                found.add(str(node.module))
    return found


SOURCES = sorted(path for path in HOME.rglob("*.py") if path != HOME / "__init__.py")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(HOME)))
def test_a_module_imports_only_from_lower_ranks_and_its_own_room(path: Path) -> None:
    room = _room(path)
    assert room in RANKS, f"{room} has no rank"
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] != "netgen" or len(parts) == 1 or parts[1] in {room, "__version__"}:
            continue
        assert RANKS[parts[1]] < RANKS[room], f"{path.relative_to(HOME)} imports {name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(HOME)))
def test_a_heavy_library_has_one_home(path: Path) -> None:
    for name in _imports(path):
        homes = HEAVY.get(name.split(".")[0])
        assert homes is None or _room(path) in homes, f"{path.relative_to(HOME)} imports {name}"


@pytest.mark.parametrize("module", ["netgen", "netgen.cli", "netgen.place"])
def test_importing_the_front_loads_no_heavy_library(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({set(HEAVY)} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) <= {"pydantic", "yaml", "typer", "rich"}
