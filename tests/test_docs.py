"""Every command that README and docs show is run, in order, in one folder, as a reader would."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [
    "README.md",
    "docs/tutorial.md",
    "docs/placement.md",
    "docs/training.md",
    "docs/search.md",
    "docs/precision.md",
]


def _commands(page: str) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(ROOT / "specs", folder / "specs")
    return folder


def _run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    if words[0] == "netgen":
        words = [sys.executable, "-m", *words]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.native
def test_every_command_shown_works(page: str, reader: Path, native_tool: Callable[[str], str]) -> None:
    for tool in ("verilator", "iverilog"):
        native_tool(tool)
    skipped = []
    folder = reader
    (reader / "my.yaml").unlink(missing_ok=True)
    for line in _commands(page):
        for part in line.split("&&"):
            words = shlex.split(part)
            if words[0] == "make":  # the targets are run by CI itself; here they only have to exist
                result = _run(["make", "-n", *words[1:]], ROOT)
            elif words[0] == "cd":
                folder = reader / words[1]
                continue
            elif "mnist" in part and "NETGEN_DATA" not in os.environ:
                skipped.append(part)
                continue
            else:
                result = _run(words, folder)
            assert result.returncode == 0, f"{part}: {result.stderr[-500:]}"
    assert all("mnist" in part for part in skipped)


@pytest.mark.parametrize(
    ("page", "ending"), [("docs/tutorial.md", "exact"), ("docs/placement.md", "optimal"), ("docs/search.md", "seen")]
)
def test_the_python_of_a_page_works(page: str, ending: str, reader: Path) -> None:
    code = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    result = subprocess.run([sys.executable, "-c", code[0]], cwd=reader, capture_output=True, text=True, check=True)
    assert result.stdout.split()[-1] == ending


def test_the_graph_of_the_placement_page_is_the_example() -> None:
    shown = re.findall(r"```json\n(.*?)```", (ROOT / "docs/placement.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    assert shown[0] == (ROOT / "specs/graph.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "page", [str(p.relative_to(ROOT)) for p in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]]
)
def test_every_link_to_a_file_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8")):
        assert ((ROOT / page).parent / target).exists(), f"{page}: {target}"
