"""Every code block of README, CONTRIBUTING and docs is run, page by page, in one folder, as a reader would run it."""

import json
import re
import runpy
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from commands import run_netgen, run_python
from small_images import write_images

import netgen
from netgen.spec.spec import parse_spec

ROOT = Path(__file__).parent.parent
PAGES = [str(path.relative_to(ROOT)) for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md")]
PAGES += sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
PROSE = {"text"}
"""Blocks that hold drawings and samples of output, not code."""


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    code: str


def _blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    fences = re.findall(r"^```(.*)$", text, flags=re.MULTILINE)
    assert len(fences) % 2 == 0, f"{page}: a code block is not closed"
    return [Block(*found) for found in re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)]


def _run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    if words[0] == "netgen":
        return run_netgen(*words[1:], cwd=folder)
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


def _pip(words: list[str]) -> None:
    """The packages and files that a `pip install` line names exist; installing is what `make demo` does in CI."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for word in words[2:]:
        if word.startswith("netgen["):
            assert set(word[7:-1].split(",")) <= project["optional-dependencies"].keys(), word
        elif word != "-c":
            assert (ROOT / word).exists(), word


def _shell(code: str, reader: Path) -> None:
    folder = reader
    for line in filter(str.strip, code.splitlines()):
        for part in line.split("&&"):
            words = shlex.split(part)
            if words[0] == "make":  # CI runs the targets themselves; here they only have to exist
                result = _run(["make", "-n", *words[1:]], ROOT)
            elif words[0] == "pip":
                _pip(words)
                continue
            elif words[0] == "cd":
                folder = reader / words[1]
                continue
            else:
                result = _run(words, folder)
            assert result.returncode == 0, f"{part}: {result.stderr[-500:]}"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder, with the specs of the repository, and the builds that earlier pages have made.

    The specs ask for fewer neurons and a fifth to a twentieth of the effort, those of images also for 1,000 images and
    no lower bound: what is tested is commands, and `make demo` runs a spec in full.
    """
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(ROOT / "specs", folder / "specs")
    for name in ("mnist", "fashion-mnist"):
        write_images(folder / "specs" / name)
    for path in (folder / "specs").glob("*.yaml"):
        path.write_text(_smaller(path.stem, path.read_text()))
    return folder


def _smaller(name: str, text: str) -> str:
    """A spec with fewer neurons and less effort; of the digits and their search, pages show accuracies."""
    images = "mnist" in name
    part, share = (20, 25) if images else (20, 3) if name == "digits_bits" else (5, 2)

    def effort(found: re.Match[str]) -> str:
        return f"{found[1]}: {int(found[2]) // part + 1}"

    def sizes(found: re.Match[str]) -> str:
        return str([size // share for size in json.loads(found[0])])

    text = re.sub(r"\b(epochs|rounds|retrain|moves|trials): (\d+)", effort, text)
    text = re.sub(r"(?<=hidden: )\[\d+(, \d+)*\]", sizes, text)
    return text.replace("place:\n", "place:\n  certificate: false\n") if images else text


@pytest.mark.parametrize("page", PAGES)
def test_every_code_block_names_a_language_that_a_test_runs(page: str) -> None:
    assert {block.language for block in _blocks(page)} <= PROSE | {"sh", "python", "json", "yaml", "verilog"}


@pytest.mark.parametrize("page", [page for page in PAGES if any(b.language == "sh" for b in _blocks(page))])
@pytest.mark.native
def test_every_command_shown_works(page: str, reader: Path, native_tool: Callable[[str], str]) -> None:
    for tool in ("verilator", "iverilog"):
        native_tool(tool)
    (reader / "my.yaml").unlink(missing_ok=True)
    for block in _blocks(page):
        if block.language == "sh":
            _shell(block.code, reader)


@pytest.mark.parametrize("page", [page for page in PAGES if any(b.language == "python" for b in _blocks(page))])
def test_the_python_of_a_page_runs_block_after_block(page: str, reader: Path) -> None:
    code = "\n".join(block.code for block in _blocks(page) if block.language == "python")
    result = run_python(code, cwd=reader)
    assert result.returncode == 0, result.stderr[-1000:]
    wanted = re.findall(r"^ *print\(.*\)  # prints: (.*)$", code, flags=re.MULTILINE)
    printed = result.stdout.splitlines()
    for line in wanted:
        assert line in printed, result.stdout


@pytest.mark.parametrize("page", [page for page in PAGES if any(b.language == "yaml" for b in _blocks(page))])
def test_every_yaml_shown_is_part_of_a_spec(page: str) -> None:
    for block in _blocks(page):
        if block.language == "yaml":
            parse_spec(block.code)


@pytest.mark.parametrize("page", [page for page in PAGES if any(b.language == "verilog" for b in _blocks(page))])
@pytest.mark.native
def test_every_verilog_shown_compiles(page: str, tmp_path: Path, native_tool: Callable[[str], str]) -> None:
    native_tool("iverilog")
    for block in _blocks(page):
        if block.language != "verilog":
            continue
        inputs = sorted(set(re.findall(r"\bn0_\d+\b", block.code)))
        function = "function [0:0] table6(input [63:0] entries, input [5:0] at); table6 = entries[at]; endfunction"
        text = (
            f"module shown({', '.join(f'input [0:0] {name}' for name in inputs)});\n{function}\n{block.code}endmodule\n"
        )
        (tmp_path / "shown.v").write_text(text, encoding="utf-8")
        result = _run(["iverilog", "-g2005-sv", "-t", "null", "shown.v"], tmp_path)
        assert (result.returncode, result.stderr) == (0, ""), result.stderr


def test_the_graph_of_the_placement_page_is_the_example() -> None:
    shown = [block.code for block in _blocks("docs/placement.md") if block.language == "json"]
    assert json.loads(shown[0]) == json.loads((ROOT / "specs/graph.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_file_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)(?:#[^)]*)?\)", (ROOT / page).read_text(encoding="utf-8")):
        assert ((ROOT / page).parent / target).exists(), f"{page}: {target}"


def test_the_api_page_is_what_the_docstrings_say() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert runpy.run_path(str(ROOT / "docs" / "api.py"))["page"](text) == text, "make docs"


@pytest.mark.parametrize("name", netgen.__all__)
def test_every_name_that_netgen_offers_has_a_docstring_on_the_api_page(name: str) -> None:
    if not name.startswith("__"):
        text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
        entry = re.search(rf"^### `{name}`\n.*?```\n\n(\S.*)$", text, flags=re.MULTILINE | re.DOTALL)
        assert entry
