"""Who may import whom: the table of the house, as data, held against every import."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).parent.parent / "netgen"

RANKS = {
    0: {"errors", "progress", "text", "version"},
    1: {"ir", "tools"},
    2: {"operators", "nn", "spec"},
    3: {"data"},
    4: {"importer", "train", "quantize", "place", "lower", "hdl", "simulate", "fpga", "energy", "report"},
    5: {"learn", "graph"},
    6: {"flow"},
    7: {"search", "experiment"},
    8: {"cli"},
}
RANK_OF = {room: rank for rank, rooms in RANKS.items() for room in rooms}
DOORS = {"__init__", "__main__"}
"""The package's own two files: what `import netgen` and `python -m netgen` find."""

HEAVY = {
    "torch": {"importer", "nn", "train", "quantize"},
    "onnx": {"importer"},
    "onnxruntime": {"importer"},
    "safetensors": {"importer"},
    "sklearn": {"data"},
    "ortools": {"place"},
    "numba": {"place", "nn"},
    "scipy": {"ir", "place"},
    "amaranth": {"operators", "hdl", "simulate"},
    "alkaid": {"lower"},
    "serial": {"fpga"},
    "plotly": {"report"},
    "matplotlib": {"report"},
    "rich": {"report", "cli"},
    "typer": {"cli"},
    "pydantic": {"spec"},
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


SOURCES = sorted(path for path in HOME.rglob("*.py") if path.parent != HOME or path.stem not in DOORS)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(HOME)))
def test_a_module_imports_only_from_lower_ranks_and_its_own_room(path: Path) -> None:
    room = _room(path)
    assert room in RANK_OF, f"{room} has no rank"
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] != "netgen" or len(parts) == 1 or parts[1] == room:
            continue
        assert RANK_OF[parts[1]] < RANK_OF[room], f"{path.relative_to(HOME)} imports {name}"


def test_the_top_of_the_package_holds_rooms_with_a_rank_and_at_most_six_files() -> None:
    names = {path.stem for path in HOME.iterdir() if path.suffix == ".py"}
    rooms = {path.name for path in HOME.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert names | rooms == RANK_OF.keys() | DOORS
    assert len(list(HOME.glob("*.*"))) <= 6


def test_the_architecture_page_shows_the_same_ranks() -> None:
    page = (HOME.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| (\d) \| ([^|]*) \|", page, flags=re.MULTILINE)
    rooms = {(int(rank), room) for rank, cell in shown for room in re.findall(r"`(\w+)/?`", cell)}
    assert rooms == {(rank, room) for room, rank in RANK_OF.items()}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(HOME)))
def test_a_heavy_library_has_one_home(path: Path) -> None:
    for name in _imports(path):
        homes = HEAVY.get(name.split(".")[0])
        assert homes is None or _room(path) in homes, f"{path.relative_to(HOME)} imports {name}"


@pytest.mark.parametrize("module", ["netgen", "netgen.cli.commands", "netgen.place"])
def test_importing_the_front_loads_no_heavy_library(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({set(HEAVY)} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) <= {"pydantic", "yaml", "typer", "rich"}
