"""A pool process is killed for a job only while it has that job."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import billiard
import psutil
import pytest

from dash_long_components.managers.celery.supervision import pool_jobs
from tests.waiting import until

if sys.platform == "win32":
    pytest.skip("Celery forks no pool on Windows", allow_module_level=True)


BOUND = 10.0


#: A job that a process has received, and may refuse.
REFUSED = "refused"


class PoolProcess:
    """A forked process that does one job after the other.

    Attributes:
        pid: of the process.
    """

    def __init__(self, index: int) -> None:
        self._orders, self._theirs = billiard.Pipe()
        self._process = billiard.Process(target=self._work)
        setattr(self._process, "index", index)  # noqa: B010
        self._process.start()
        self.pid = int(self._process.pid or 0)

    def begin(self, job_id: str | None) -> None:
        """End the present job, and begin another."""
        self._orders.send(job_id)
        assert self._orders.recv() == job_id

    def close(self) -> None:
        if self._process.is_alive():
            os.kill(self.pid, signal.SIGKILL)
        self._process.join()

    def _work(self) -> None:
        job_id = self._theirs.recv()
        while True:
            if job_id is None:
                self._theirs.send(None)
                job_id = self._theirs.recv()
                continue
            with pool_jobs.having(None if job_id == REFUSED else job_id):
                self._theirs.send(job_id)
                job_id = self._theirs.recv()


@pytest.fixture
def pool() -> Iterator[list[PoolProcess]]:
    processes = [PoolProcess(index) for index in range(2)]
    yield processes
    for process in processes:
        process.close()


def is_stopped(process: PoolProcess) -> bool:
    return psutil.Process(process.pid).status() == psutil.STATUS_STOPPED


def test_process_is_stopped_only_for_the_job_that_it_has(
    pool: list[PoolProcess],
) -> None:
    first, second = pool
    first.begin("a")
    second.begin("b")
    assert not pool_jobs.stop_if_it_has(first.pid, "b")
    until(lambda: not is_stopped(first), BOUND)
    first.begin("c")
    assert not pool_jobs.stop_if_it_has(first.pid, "a")
    assert pool_jobs.stop_if_it_has(first.pid, "c")
    until(lambda: is_stopped(first), BOUND)
    assert not is_stopped(second)


def test_process_between_two_jobs_goes_on(pool: list[PoolProcess]) -> None:
    first, _ = pool
    first.begin("a")
    first.begin(None)
    assert not pool_jobs.stop_if_it_has(first.pid, "a")
    first.begin("b")


def test_process_that_has_told_nothing_counts_as_if_it_had_the_job(
    pool: list[PoolProcess],
) -> None:
    assert pool_jobs.stop_if_it_has(pool[0].pid, "a")


def test_process_that_may_refuse_a_job_does_not_have_it(
    pool: list[PoolProcess],
) -> None:
    """It has the second delivery of a job, for instance."""
    pool[0].begin(REFUSED)
    assert not pool_jobs.stop_if_it_has(pool[0].pid, REFUSED)
    pool[0].begin("a")
    assert pool_jobs.stop_if_it_has(pool[0].pid, "a")


def test_process_that_is_gone_is_left_alone(pool: list[PoolProcess]) -> None:
    pool[0].close()
    assert not pool_jobs.stop_if_it_has(pool[0].pid, "a")
