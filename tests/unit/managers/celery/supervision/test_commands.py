"""The commands that a worker gets: to end a job, to describe itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from celery.concurrency.prefork import TaskPool as PreforkPool
from celery.worker import state

from dash_long_components.managers.celery.supervision.commands import end_job
from dash_long_components.managers.celery.supervision.supervisor import Supervisor


class Host:
    """The main process of a worker, with a supervisor that notes what it is told."""

    def __init__(self) -> None:
        self.supervisor = mock.Mock(spec=Supervisor)
        self.pool: Any = mock.Mock(spec=PreforkPool)

    def end(self, job_id: str, grace: float = 0.0) -> mock.Mock:
        """Let the worker get the command to end a job; return its timer."""
        consumer = mock.Mock(pool=self.pool)
        end_job(mock.Mock(consumer=consumer), job_id, grace)
        timer: mock.Mock = consumer.timer
        return timer


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    with (
        mock.patch.object(Supervisor, "current", host.supervisor),
        mock.patch.object(state, "revoked", set()),
        mock.patch.object(state, "requests", {}),
    ):
        yield host


@pytest.mark.parametrize("runs_here", [True, False])
def test_supervisor_ends_a_job_of_a_pool_process(host: Host, runs_here: bool) -> None:
    host.supervisor.cancel.return_value = runs_here
    host.end("job", 1.5)
    host.supervisor.cancel.assert_called_once_with("job", 1.5)
    # A job that is only reserved here must not begin.
    assert set(state.revoked) == (set() if runs_here else {"job"})


def test_pool_without_processes_ends_a_job_after_its_grace(host: Host) -> None:
    host.pool = mock.Mock()
    request = mock.Mock()
    state.requests["job"] = request
    timer = host.end("job", 1.5)
    request.terminate.assert_not_called()
    ((grace, terminate, args), _) = timer.call_after.call_args
    assert grace == 1.5
    terminate(*args)
    request.terminate.assert_called_once_with(host.pool, signal="KILL")


def test_pool_without_processes_ends_a_job_without_grace_at_once(host: Host) -> None:
    host.pool = mock.Mock()
    request = mock.Mock()
    request.terminate.side_effect = NotImplementedError  # as of a pool of threads
    state.requests["job"] = request
    host.end("job").call_after.assert_not_called()
    request.terminate.assert_called_once_with(host.pool, signal="KILL")


def test_grace_that_is_over_after_the_job_ends_no_other_one(host: Host) -> None:
    host.pool = mock.Mock()
    request = state.requests["job"] = mock.Mock()
    ((_, terminate, args), _) = host.end("job", 1.5).call_after.call_args
    del state.requests["job"]
    terminate(*args)
    request.terminate.assert_not_called()


def test_job_that_a_pool_without_processes_does_not_have_must_not_begin(
    host: Host,
) -> None:
    host.pool = mock.Mock()
    host.end("unknown")
    assert set(state.revoked) == {"unknown"}
