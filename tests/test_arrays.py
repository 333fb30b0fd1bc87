"""Arrays of nouns are read-only, and shared only where nobody can write to them."""

import numpy as np
import pytest

from netgen.ir.arrays import frozen


def test_an_array_of_the_user_is_copied_and_the_copy_is_read_only() -> None:
    given = np.arange(3)
    kept = frozen(given, np.int64)
    given[0] = 7
    assert kept.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 1


def test_an_array_of_another_noun_is_shared() -> None:
    kept = frozen([1.0, 2.0], np.float64)
    assert frozen(kept, np.float64) is kept


def test_a_read_only_view_of_an_array_that_can_be_written_is_copied() -> None:
    given = np.arange(3)
    view = given[:]
    view.setflags(write=False)
    kept = frozen(view, np.int64)
    given[0] = 7
    assert kept.tolist() == [0, 1, 2]
