"""The build commands print results on stdout and warnings on stderr."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from report_samples import placements, random_netlist, sample_report

from netgen.cli import build as commands
from netgen.flow import built

WARNING = "prune: validation accuracy fell from 98.0% (dense) to 79.0% (pruned); lower prune.sparsity (0.9)"


@pytest.mark.parametrize("as_json", [False, True])
def test_warnings_of_a_report_are_on_stderr_when_a_program_reads_stdout(
    as_json: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    netlist = random_netlist((4, 3, 2), 10, seed=1)
    report = replace(sample_report(netlist, *placements(netlist, seed=1)), warnings=(WARNING,))
    monkeypatch.setattr(built, "load_report", lambda _: report)
    commands.report(Path("hdl_out/x"), json=as_json)
    out, err = capsys.readouterr()
    assert err == f"netgen: warning: hdl_out/x: {WARNING}\n"
    if as_json:
        assert json.loads(out)["warnings"] == [WARNING]
