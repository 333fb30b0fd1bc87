"""What all tests share: native tools, and circuits placed without a placer."""

import os
import shutil
import signal
from collections.abc import Callable
from typing import NoReturn

import pytest
from hypothesis import settings

from netgen.data import Dataset, load_dataset
from netgen.spec.sections import DataSpec

# Children of a background job or of `nohup` ignore these signals; commands under test must meet them as in a terminal.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, handler)

settings.register_profile("by work, not by the clock", deadline=None)
settings.register_profile("same cases every time", deadline=None, derandomize=True)
if os.environ.get("CI"):  # a change is judged by the same cases as the one before it; `make fuzz` looks for new ones
    settings.load_profile("same cases every time")
else:
    settings.load_profile("by work, not by the clock")


def skip_or_fail(reason: str) -> NoReturn:
    """Skip a test that cannot run here; fail it where CI is set, as there everything is installed."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def native_tool() -> Callable[[str], str]:
    """Find a native tool; without it the test is skipped, but fails where CI is set."""

    def path_of(tool: str) -> str:
        path = shutil.which(tool)
        if path is None:
            skip_or_fail(f"{tool} is not installed; make system-deps")
        return path

    return path_of


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """The embedded data set, split with seed 1; its arrays are read-only."""
    return load_dataset(DataSpec(), seed=1)
