"""A build says whether it computes a lower bound."""

from pathlib import Path

from netgen.flow.stage import Work
from netgen.flow.stages import certify
from netgen.flow.store import Store
from netgen.spec.spec import parse_spec


def test_a_build_without_a_certificate_says_that_it_computes_no_bound(tmp_path: Path) -> None:
    spec = parse_spec("place: {certificate: false}")
    with Store.open(tmp_path / "a") as store:
        described = certify.STAGE.describe(Work(spec, store, tmp_path))
    assert described == "no lower bound, as place.certificate is false"
