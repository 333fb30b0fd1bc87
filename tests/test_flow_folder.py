"""A build folder's own spec: its paths lead to the data from wherever the folder lies."""

import json
from pathlib import Path

import pytest
from strategies import TWO_LAYERS

from netgen.errors import BuildError
from netgen.flow.folder import load_operators, placed_spec
from netgen.lower import lower
from netgen.operators.file import to_json
from netgen.spec.spec import Spec, parse_spec


def _spec(path: Path | str) -> Spec:
    return parse_spec(f"data: {{source: csv, path: '{path}'}}")


def _path_in(spec: Spec, folder: Path, base: Path) -> str:
    path = parse_spec(placed_spec(spec, folder, base)).data.path
    assert path is not None
    return path


def test_a_relative_path_is_seen_from_the_folder(tmp_path: Path) -> None:
    (tmp_path / "table.csv").touch()
    (tmp_path / "out/name").mkdir(parents=True)
    assert _path_in(_spec("table.csv"), tmp_path / "out/name", tmp_path) == "../../table.csv"


def test_a_path_leads_to_the_file_through_symbolic_links_of_either_folder(tmp_path: Path) -> None:
    """From the link `out`, `..` is the folder that holds its target, three levels down."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project/table.csv").touch()
    (tmp_path / "disk/far/away/name").mkdir(parents=True)
    (tmp_path / "project/out").symlink_to(tmp_path / "disk/far/away")
    (tmp_path / "link").symlink_to(tmp_path / "project")
    folder = tmp_path / "project/out/name"
    path = _path_in(_spec("table.csv"), folder, tmp_path / "link")
    assert (folder / path).samefile(tmp_path / "project/table.csv")


def test_an_absolute_path_stays_so_that_the_folder_can_be_moved(tmp_path: Path) -> None:
    (tmp_path / "table.csv").touch()
    (tmp_path / "out").mkdir()
    path = str(tmp_path / "table.csv")
    assert _path_in(_spec(path), tmp_path / "out", tmp_path) == path


def test_a_path_that_is_found_in_the_folder_of_data_sets_stays(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert _path_in(_spec("mnist.csv"), tmp_path / "out", tmp_path) == "mnist.csv"


def test_an_operator_that_repeats_another_is_refused_with_the_name_of_its_file(tmp_path: Path) -> None:
    tree = json.loads(to_json(lower(TWO_LAYERS, argmax=False)))
    assert tree["operators"][0][0] == "input"
    tree["operators"][1] = tree["operators"][0]
    (tmp_path / "operators.json").write_text(json.dumps(tree))
    with pytest.raises(BuildError) as caught:
        load_operators(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'operators.json'}: operator 1, input: repeats an earlier one; build it again"
    )
