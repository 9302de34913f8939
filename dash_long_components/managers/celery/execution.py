"""One attempt of a job, in the process that runs its function."""

from __future__ import annotations

import contextlib
import time

from celery.exceptions import SoftTimeLimitExceeded

from ...core.caching import Results
from ...core.jobs import Call, Status
from ...core.records import Record
from ...core.reports import Report
from ...exceptions import JobEndedError
from ...running import runtime
from ...running.current import CurrentJob
from ...running.runtime import Outcome
from .job_state import Live
from .runs import Runs

#: Seconds between two writes of what a job reports.
_REPORT_INTERVAL = 0.25


class Execution:
    """One attempt of a job.

    Args:
        runs: of this worker.
        results: the result cache.
        live: the job, as this worker started it.
    """

    def __init__(self, runs: Runs, results: Results, live: Live) -> None:
        self._runs = runs
        self._results = results
        self._live = live

    def run(self, call: Call) -> Outcome:
        """Run the function, and write its reports."""
        record = self._live.record
        name = record.task
        job = CurrentJob(record, self._is_unwanted, self)
        try:
            task = runtime.find(call, name)
            outcome = runtime.run_once(
                task, call, job, self._report, self._results, _REPORT_INTERVAL
            )
        except Exception as error:
            outcome = runtime.failure(name, error, call, job=job)
        if outcome.exception is SoftTimeLimitExceeded:
            return Outcome(status=Status.TIMED_OUT, error=outcome.error)
        return outcome

    def finish(self, outcome: Outcome) -> None:
        """Write how it ended, unless another process has ended it."""
        ended = outcome.end(self._live.record, time.time())
        with contextlib.suppress(JobEndedError):
            self._change(ended, outcome.result)

    def load(self) -> str | None:
        """Return the job's checkpoint; None if it has none."""
        return self._runs.store.checkpoint(self._live.record.id)

    def save(self, text: str) -> None:
        """Replace the job's checkpoint.

        Raises:
            JobEndedError: another process has ended the job, or runs it.
        """
        self._runs.check(self._live)
        store, job_id = self._runs.store, self._live.record.id
        store.save_checkpoint(job_id, text)
        if store.ends.get(job_id) is not None:
            # It has ended in between, and nothing else would delete it any more.
            store.save_checkpoint(job_id, "")

    def _is_unwanted(self) -> bool:
        return self._runs.has_outside_end(self._live.record.id)

    def _report(self, report: Report) -> None:
        self._change(self._live.record.report(time.time(), report))

    def _change(self, record: Record, result: bytes | None = None) -> None:
        self._live = self._runs.change(self._live, record, result)
