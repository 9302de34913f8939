"""The part in Celery's workers: a Celery task for each long callback."""

from __future__ import annotations

import contextlib
import functools
import logging
import time
from typing import Any

import celery

from ...core.calls import Call
from ...core.job_errors import JobError
from ...core.queueing import DEFAULT
from ...exceptions import JobEndedError
from ...running.tasks import Task
from .documents.deliveries import Message
from .documents.documents import Documents
from .documents.job_state import Live
from .documents.result_cache import CeleryResultCache
from .documents.unexpected_ends import CeleryFailure
from .execution import Execution
from .messages.sending import PROBE, send_job, task_name, tell_broker
from .parts.parts import CeleryParts
from .store.runs import Runs
from .supervision import pool_jobs
from .supervision.job_request import JobRequest, this_worker
from .supervision.watchdog import FunctionWatchdog
from .workers.homes import Home
from .workers.own_process import orphans, process_of_its_own
from .workers.own_tasks import own_task
from .workers.parent_watchdog import parent_watchdog
from .workflows.workflows import Workflows

logger = logging.getLogger("dash_long_components")

#: Seconds after which a job that waits for another one looks again.
_LOOK_AGAIN = 0.5

#: Seconds after which a job of a paused task looks again.
_LOOK_AGAIN_PAUSED = 2.0


class JobFailed(Exception):
    """The job has failed. This is for Celery's signals and monitors."""


def add_task(app: celery.Celery, task: Task, home: Home) -> None:
    """Add a Celery task for a long callback.

    Args:
        app: of the workers.
        task: of the long callback.
        home: where the jobs of the task belong.
    """
    runner = _Runner(task.name, home)

    @own_task(
        app,
        task_name(task.key, task.name),
        bind=True,
        # Celery stores only that a job was revoked or failed, or that its process died.
        ignore_result=True,
        store_errors_even_if_ignored=True,
        # A job whose worker died is lost. It may have had effects, and only the user
        # can tell whether to repeat them.
        acks_late=False,
        max_retries=0,
        # The job's own log has the traceback.
        throws=(JobFailed,),
        Request=JobRequest,
        # For processes that ask where jobs will go. Celery's own names are deprecated.
        job_queue=None if task.queue == DEFAULT else task.queue,
        job_priority=task.priority,
    )
    def run(self: Any, job_id: str, number: int, text: str) -> None:
        # To kill a process that has a second delivery would only cost the process.
        with pool_jobs.having(None):
            runner.take(self.request, job_id, number, Message.from_text(text))


def add_probe(app: celery.Celery) -> None:
    """Add the Celery task of probes, which do nothing but arrive."""

    @own_task(app, PROBE, ignore_result=True)
    def probe(task: str, number: int) -> None:
        pass


class _Runner:
    """Runs the jobs of a long callback for which messages come.

    Args:
        task: name of the long callback.
        home: where its jobs belong.
    """

    def __init__(self, task: str, home: Home) -> None:
        self._task = task
        self._home = home
        self._runs = Runs(home.app, home.lease)
        self._documents = Documents(home.app, patient=True)
        self._results = CeleryResultCache(self._documents)
        self._workflows = Workflows(home, self._runs.store)

    def take(self, request: Any, job_id: str, number: int, message: Message) -> None:
        """Run a job, or send it back to the queue until it may run.

        Raises:
            JobFailed: its function has failed.
        """
        while pause := self._pause(job_id, number, message):
            if not request.is_eager:
                self._send_back(job_id, number, message, pause)
                return
            time.sleep(pause)
        worker = this_worker(request.hostname)
        started = self._runs.start(job_id, worker, message, number)
        if started is None:
            logger.info("Job %s has ended or was started before: not run.", job_id)
            if message.group is not None:
                self._runs.store.groups.advance(message.group)
            return
        with pool_jobs.having(job_id):
            error = self._run(*started, message, request.is_eager)
        if error is not None:
            raise JobFailed(f"{error.type}: {error.message}")

    def _pause(self, job_id: str, number: int, message: Message) -> float:
        """Return the seconds until a job looks again; 0 if it may run now."""
        runs = self._runs
        if message.lane is not None and not runs.store.is_turn(job_id, message.lane):
            return _LOOK_AGAIN
        if runs.is_paused(job_id, self._task):
            return _LOOK_AGAIN_PAUSED
        # The clock of the process that sent a further attempt may be ahead.
        return runs.until_due(job_id) if number > 0 else 0.0

    def _send_back(
        self, job_id: str, number: int, message: Message, pause: float
    ) -> None:
        """Send a job back to the queue until it may run."""
        following = self._runs.send_back(job_id, number)
        if following is None:
            return  # this was a second delivery
        app = self._home.app
        send = functools.partial(
            send_job, app, job_id, following, message, countdown=pause
        )
        with contextlib.suppress(Exception):
            # A reader will find that the message is missing, and send it.
            tell_broker(app, send)

    def _run(
        self, live: Live, call: Call, message: Message, is_eager: bool
    ) -> JobError | None:
        """Run a job that has started here, and return its error if it has failed."""
        home, runs, workflows = self._home, self._runs, self._workflows
        parts = CeleryParts(
            home.app,
            self._documents,
            home.lease,
            live,
            call,
            message,
            is_eager,
            functools.partial(workflows.announce, live),
        )
        try:
            execution = Execution(runs, self._results, live, is_eager, parts, workflows)
            return run_here(home.app, runs, execution, live, call)
        except Exception as failure:
            end_after(failure, runs, live)
            raise
        finally:
            if message.group is not None:
                runs.store.leave_group_at_end(message.group, live.record.id)


def end_after(failure: Exception, runs: Runs, live: Live) -> None:
    """End a job after an error outside of its function, which is never retried.

    Celery reports the error too. But it has one report for all attempts of a job.
    """
    said = CeleryFailure(type=type(failure).__name__, message=str(failure))
    end = said.end(live.record, time.time())
    with contextlib.suppress(JobEndedError):
        runs.check(live)
        runs.store.end(live.record.id, end.status, end.error)


def run_here(
    app: celery.Celery, runs: Runs, execution: Execution, live: Live, call: Call
) -> JobError | None:
    """Run a job, and return its error if it has failed."""
    with process_of_its_own() as kill:
        before = set() if kill is None else orphans.look()
        watchdog = FunctionWatchdog(app, runs.store, live, kill)
        with watchdog, parent_watchdog(live, call, kill):
            outcome = execution.run(call)
    execution.finish(outcome)
    if kill is not None:
        orphans.end(before)
    return outcome.error
