"""netgen.report.origin: the data set of a report is the one that was loaded."""

from netgen.data import load_dataset
from netgen.report.origin import Origin, origin_of
from netgen.spec.spec import Spec


def test_the_digits_are_described_by_their_published_numbers() -> None:
    """1,797 samples of 64 features in 10 classes; 20 % are for test (360), 10 % of the other 1,437 for validation."""
    spec = Spec(seed=5)
    data = load_dataset(spec.data, seed=5)
    found = origin_of(spec, data)
    assert found == Origin("digits", None, data.digest, 64, 10, train=1293, validation=144, test=360, seed=5)
