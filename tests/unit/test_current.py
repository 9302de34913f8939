"""A job's code knows its job, wherever it runs; no other code does."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import Any
from unittest import mock

import pytest

from dash_long_components import CurrentJob, current, current_job
from dash_long_components.exceptions import NoCurrentJobError
from tests.unit.fakes import JOB


def test_there_is_none_outside_of_a_job() -> None:
    with pytest.raises(NoCurrentJobError, match="in the function of a long callback"):
        current_job()


def test_there_is_one_inside_and_none_after() -> None:
    with current.entered(JOB):
        assert current_job() is JOB
    with pytest.raises(NoCurrentJobError):
        current_job()


def test_inner_job_hides_the_outer() -> None:
    inner = CurrentJob("inner", "module.task")
    with current.entered(JOB):
        with current.entered(inner):
            assert current_job() is inner
        assert current_job() is JOB


def test_threads_in_a_copy_of_the_context_have_it_too() -> None:
    found: list[Any] = []
    with current.entered(JOB):
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=context.run, args=(lambda: found.append(current_job()),)
        )
        thread.start()
        thread.join()
        found.append(asyncio.run(asyncio.to_thread(current_job)))
    assert found == [JOB, JOB]


class Looks:
    """Counts how often somebody looks."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.look = mock.Mock(side_effect=answers)
        self.job = CurrentJob("job", "module.task", self.look)
        self.now = 1000.0

    def cancelled(self, seconds: float = 0) -> bool:
        self.now += seconds
        with mock.patch("time.monotonic", return_value=self.now):
            return self.job.cancelled


def test_tight_loop_looks_a_few_times_a_second() -> None:
    looks = Looks(*[False] * 10)
    for _ in range(1000):
        assert not looks.cancelled(0.001)
    assert looks.look.call_count == 1 / current.FRESH


def test_cancel_is_seen_soon_and_for_ever() -> None:
    looks = Looks(False, True)
    assert not looks.cancelled()
    assert not looks.cancelled(current.FRESH / 2)
    assert looks.cancelled(current.FRESH / 2)
    assert looks.cancelled(100)
    assert looks.look.call_count == 2


def test_store_that_does_not_answer_is_no_cancel() -> None:
    looks = Looks(OSError(), True)
    assert not looks.cancelled()
    assert looks.cancelled(current.FRESH)
