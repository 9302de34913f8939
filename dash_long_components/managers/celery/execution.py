"""One attempt of a job, in the process that runs its function."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded

from ...core.answers import Look
from ...core.caching import Results
from ...core.calls import Call
from ...core.records import Record
from ...core.reports import Report
from ...core.status import Status
from ...exceptions import JobEndedError
from ...running import runtime
from ...running.current import CurrentJob
from ...running.failures import failure
from ...running.outcome import Outcome
from ...running.parts import PartRunner
from .documents.job_state import Live
from .store.runs import Runs
from .supervision import pool_jobs
from .workflows.workflows import Workflows

#: Seconds between two writes of what a job reports.
_REPORT_INTERVAL = 0.25


class Execution:
    """One attempt of a job.

    Args:
        runs: of this worker.
        results: the result cache.
        live: the job, as this worker started it.
        is_eager: whether the process that submitted the job runs it.
        parts: runs its parts; None for one after the other.
        workflows: for which the job may wait; None if it may not.
        returned: returns what the function has returned by another process, or raises;
            None if it has to run.
    """

    def __init__(
        self,
        runs: Runs,
        results: Results,
        live: Live,
        is_eager: bool = False,
        parts: PartRunner | None = None,
        workflows: Workflows | None = None,
        returned: Callable[[], Any] | None = None,
    ) -> None:
        self._runs = runs
        self._results = results
        self._live = live
        self._is_eager = is_eager
        self._parts = parts
        self._workflows = workflows
        self._returned = returned

    def run(self, call: Call) -> Outcome:
        """Run the function, and write its reports."""
        record = self._live.record
        name = record.task
        # In the request that starts the job, the page does not know it yet.
        answers = None if self._is_eager else self
        job = CurrentJob(record, self._is_unwanted, self, self._parts, answers)
        try:
            task = runtime.find(call, name)
            if self._returned is not None:
                returned = self._returned
                task = replace(task, function=lambda *_, **__: returned())
            outcome = runtime.run_once(
                task, call, job, self._report, self._results, _REPORT_INTERVAL
            )
        except Exception as error:
            outcome = failure(name, error, call, job=job)
        if outcome.exception is SoftTimeLimitExceeded:
            return Outcome(status=Status.TIMED_OUT, error=outcome.error)
        return outcome

    def finish(self, outcome: Outcome) -> None:
        """Write how it ended, unless another process has ended it."""
        if outcome.workflow is not None and self._workflows is not None:
            self._workflows.begin(self._live, outcome.workflow)
            return
        ended = outcome.end(self._live.record, time.time())
        with contextlib.suppress(JobEndedError):
            self._change(ended, outcome.result)

    def load(self) -> str | None:
        """Return the job's checkpoint; None if it has none."""
        return self._runs.load_checkpoint(self._live)

    def save(self, text: str) -> bool:
        """Replace the job's checkpoint, and return whether the job has to stop.

        Raises:
            JobEndedError: another process has ended the job, or runs it.
        """
        self._runs.save_checkpoint(self._live, text)
        return self._must_stop()

    def look(self, question: str) -> Look:
        """Look for the answer to a question.

        Raises:
            JobEndedError: another process has ended the job, or runs it.
        """
        answer = self._runs.store.answers.given(self._live, question)
        return Look(answer, self._must_stop())

    def close(self, question: str) -> str | None:
        """Accept no answer any more. Return the one that was in time, or None.

        Raises:
            JobEndedError: another process has ended the job, or runs it.
        """
        return self._runs.store.answers.close(self._live.record.id, question)

    def _must_stop(self) -> bool:
        # An eager job has no other worker.
        return not self._is_eager and (
            pool_jobs.is_stopping() or self._runs.store.halts.is_draining()
        )

    def _is_unwanted(self) -> bool:
        return self._runs.has_outside_end(self._live.record.id)

    def _report(self, report: Report) -> None:
        if report.question:
            # First: a page answers what it sees.
            self._runs.store.answers.open(self._live.record.id, report.question.id)
        self._change(self._live.record.report(time.time(), report))

    def _change(self, record: Record, result: bytes | None = None) -> None:
        self._live = self._runs.change(self._live, record, result)
