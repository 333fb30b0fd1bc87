"""Workers on a Ray cluster, or on a Ray that is started here for this search alone."""

import logging
import os
import traceback
from collections.abc import Iterable
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from netgen.data import DATA_VARIABLE
from netgen.errors import SearchError
from netgen.search.trial import ONE_THREAD, Job, Outcome, run_text


class Cluster:
    """Runs each trial as a Ray task on one core; a trial's folder is on the machine that runs it.

    Args:
        address: `local`, `auto` (the cluster that this machine belongs to), or HOST:PORT of a cluster.
        size: trials at once; with `local`, also the number of workers that Ray starts.
    Raises: SearchError, when there is no cluster at the address.
    """

    def __init__(self, address: str, size: int) -> None:
        self.size = size
        here = {DATA_VARIABLE: os.path.abspath(os.environ[DATA_VARIABLE])} if DATA_VARIABLE in os.environ else {}
        alone = address == "local"
        try:
            ray.init(
                address,
                runtime_env={"env_vars": ONE_THREAD | here},
                log_to_driver=False,
                logging_level=logging.ERROR,
                num_cpus=size if alone else None,
                include_dashboard=False if alone else None,
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise SearchError(f"--ray-address {address}: {reason}; start Ray there, or give local") from error
        self._task: Any = ray.remote(run_text).options(num_cpus=1, max_retries=0)
        self._busy: dict[Any, int] = {}

    def start(self, job: Job) -> None:
        """Start a trial as a Ray task."""
        self._busy[self._task.remote(job.to_json())] = job.number

    def wait(self, seconds: float) -> Iterable[tuple[int, Outcome | None]]:
        """Wait for trials to end; the outcome of one whose worker died is None."""
        done, _ = ray.wait(list(self._busy), timeout=seconds)
        for task in done:
            number = self._busy.pop(task)
            try:
                yield number, Outcome.from_json(ray.get(task))
            except RayError as error:
                if isinstance(
                    error, RayTaskError
                ):  # a bug of netgen: the worker is alive, but the trial has no outcome
                    traceback.print_exception(error)
                yield number, None

    def close(self) -> None:
        """Cancel the running trials and disconnect from Ray; a Ray that was started here ends."""
        for task in self._busy:
            ray.cancel(task, force=True)
        ray.shutdown()
