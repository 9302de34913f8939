"""The jobs that wait for workflows: all workers watch them, in turns."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from celery import bootsteps

from ....core import attempts
from ....core.reports import Report
from ....core.status import Status
from ....exceptions import JobEndedError, StoreUnavailableError
from ..documents.deliveries import Message
from ..documents.ends import workflow_key
from ..documents.job_state import End, Live
from ..messages.sending import FINISH, Sender
from ..store.keeper import Keeper
from ..store.store import CeleryStore
from ..store.turns import Turns
from ..workers.going_on import going_on
from ..workers.homes import Home
from ..workers.leases import no_fork
from ..workers.presence import Absence
from .workflow import Workflow, has_failed

logger = logging.getLogger("dash_long_components")

#: The list of jobs that wait, and the document with the turns of workers at it.
_WAITING, _TURNS = "dash-long-jobs.workflows", "dash-long-jobs.workflows.turns"

#: Jobs that one look is for. It reads the tasks of each.
BATCH = 500

#: Seconds between two looks, if there are any jobs.
_LOOK = 1.0

#: Jobs of which a worker remembers how long their page has been away.
_REMEMBERED = 4096

#: Leases after which a worker is told again to end a job; three times as many for each
#: next time. All workers may be busy.
_PERIODS = 3


class Workflows:
    """The workflows of jobs.

    Args:
        home: of the manager.
        store: of the jobs.
    """

    def __init__(self, home: Home, store: CeleryStore) -> None:
        self._app = home.app
        self._lease = home.lease
        self._store = store
        self._documents = store.documents
        self._keeper = Keeper(store.documents)
        self._turns = Turns(store.documents, _TURNS, 0.8 * _LOOK)
        self._sender = Sender(home.app)
        self._absences: dict[str, Absence] = {}

    def announce(self, live: Live, workflow: Workflow) -> Workflow:
        """Have the tasks of a workflow revoked if the job ends without them.

        Args:
            live: the job, which this process runs.
            workflow: as ``resolve`` has found it.

        Returns:
            The workflow as it is stored.
        """
        job_id, now = live.record.id, time.time()
        limit = attempts.timeout(live.record)
        began = live.record.started or now
        workflow = replace(
            workflow,
            run=live.run,
            began=now,
            kept=now,
            until=None if limit is None else began + limit,
        )
        self._documents.write(workflow_key(job_id), workflow.to_text())
        self._documents.list_in([_WAITING], job_id, now)
        return workflow

    def begin(self, live: Live, workflow: Workflow) -> None:
        """Let a job wait for a workflow: its function has ended.

        Args:
            live: the job, which this process runs.
            workflow: as ``resolve`` has found it.
        """
        job_id, workflow = live.record.id, self.announce(live, workflow)
        after = self._store.attempts.change(live, lambda it: replace(it, waits=True))
        if after is None:
            self.end(job_id, workflow)
        else:
            logger.info("Job %s waits for its tasks; its worker is free.", job_id)

    def take(self, job_id: str, run: str, take: Callable[[Live], Live]) -> Live | None:
        """Let this process end a job, unless another one does.

        Args:
            job_id: which job.
            run: of the job.
            take: makes the job that this process runs of the one that waits.

        Returns:
            The job; None if there is nothing to do.
        """
        live = self._store.live(job_id)
        if live is None or live.run != run or self._store.ends.get(job_id):
            return None

        def change(found: Live) -> Live:
            if not found.waits:
                raise JobEndedError(f"Another worker ends job {job_id}.")
            return take(replace(found, waits=False))

        return self._store.attempts.change(live, change)

    def of(self, job_id: str) -> Workflow | None:
        """Return the workflow of a job; None if it has none."""
        text = self._documents.read(workflow_key(job_id))
        return Workflow.from_text(text) if text else None

    def result(self, workflow: Workflow) -> Any:
        """Return the result of a workflow that has ended.

        Raises:
            Exception: a task of it did.
            WorkflowError: it has no result.
        """
        ids = [*dict.fromkeys([*workflow.left, *workflow.wanted])]
        metas = self._documents.read_tasks(ids)
        return workflow.value(dict(zip(ids, metas, strict=True)))

    def forget(self, job_id: str, run: str) -> None:
        """Forget the workflow of a run of a job. Idempotent."""
        workflow = self.of(job_id)
        if workflow is not None and workflow.run != run:
            return  # the next attempt waits for one by now
        self._documents.unlist(_WAITING, job_id)
        self._documents.delete([workflow_key(job_id)])
        self._absences.pop(job_id, None)

    def look(self) -> bool:
        """Look after some of the jobs that wait, if it is time.

        Returns:
            Whether any job waits.
        """
        count = self._documents.length(_WAITING)
        start = self._turns.take(count, BATCH) if count else None
        if start is not None:
            job_ids = self._documents.listed(_WAITING, start, BATCH, newest_first=False)
            gone = 0
            for job_id in job_ids:
                with going_on("The look after a workflow"):
                    gone += not self._look_after(job_id)
            self._turns.go_back(gone)
        return bool(count)

    def _look_after(self, job_id: str) -> bool:
        """Look after a job, and return whether it still waits."""
        end, text, live_text = self._documents.read_many(
            [f"{job_id}.end", workflow_key(job_id), f"{job_id}.live"]
        )
        if text is None:
            self.forget(job_id, "")
            self._store.read_all([job_id])  # the reader ends it, if it waits
            return False
        workflow = Workflow.from_text(text)
        live = Live.from_text(live_text) if live_text else None
        if end is not None or live is None or live.run != workflow.run:
            self.end(job_id, workflow)
            return False
        if live.waits:
            self._follow(live, workflow)
        return True

    def _follow(self, live: Live, workflow: Workflow) -> None:
        """Look at the tasks of a job that waits."""
        job_id, now = live.record.id, time.time()
        if self._end_if_given_up(live, workflow, now):
            return
        metas = self._documents.read_tasks(workflow.left)
        found = dict(zip(workflow.left, metas, strict=True))
        after = self._kept(job_id, workflow).after(found)
        after = self._without_lost(after, found, now)
        if after.done != workflow.done:
            # Before a worker takes the job, whose record only that one changes then.
            self._report(live, after)
        if after.is_done or after.problem or any(map(has_failed, found.values())):
            after = self._finished(job_id, after, now)
        if after != workflow:
            self._write(job_id, after)

    def _end_if_given_up(self, live: Live, workflow: Workflow, now: float) -> bool:
        """End a job whose time is over or whose page has left; return whether it is."""
        job_id, until = live.record.id, workflow.until
        # Once its tasks have ended, the job waits for a worker only.
        if not workflow.sent and until is not None and now > until:
            error = attempts.timed_out_error(live.record)
            end = End(status=Status.TIMED_OUT, at=now, error=error)
            self._store.end_attempt(live, end)
        elif self._has_left(live):
            self._store.end(job_id, Status.CANCELLED)
        else:
            return False
        self.end(job_id, workflow)
        return True

    def _without_lost(
        self, workflow: Workflow, found: Mapping[str, dict[str, Any]], now: float
    ) -> Workflow:
        """Note that a workflow can have no result, since one of its tasks is lost."""
        expires = self._documents.expires
        unknown = [each for each, meta in found.items() if _is_unknown(meta)]
        if expires is None or now - workflow.began <= expires or not unknown:
            return workflow
        return replace(
            workflow,
            problem=f"Celery has known nothing of task {unknown[0]} for {expires} s "
            "(result_expires): its result is ignored, or it has expired.",
        )

    def _finished(self, job_id: str, workflow: Workflow, now: float) -> Workflow:
        """Have a worker end a job whose workflow is over, again from time to time."""
        pause = _PERIODS * self._lease * 3 ** max(0, workflow.sends - 1)
        is_due = now - workflow.sent > pause
        if is_due and self._send_finish(job_id, workflow.run):
            return replace(workflow, sent=now, sends=workflow.sends + 1)
        return workflow

    def _kept(self, job_id: str, workflow: Workflow) -> Workflow:
        """Keep the documents of a job that has waited for long.

        The workflow says when that was, as other workers and later ones have turns.
        """
        if not self._keeper.is_old(workflow.kept):
            return workflow
        self._keeper.keep([job_id])
        self._store.listings.keep([job_id])
        self._documents.keep_listed([_WAITING], job_id, workflow.began)
        return replace(workflow, kept=time.time())

    def _write(self, job_id: str, workflow: Workflow) -> None:
        """Replace the workflow of a job, unless it is forgotten, or another one."""

        def change(text: str | None) -> str:
            if text is None or Workflow.from_text(text).run != workflow.run:
                raise JobEndedError(f"Job {job_id} waits no more.")
            return workflow.to_text()

        with suppress(JobEndedError):
            self._documents.update(workflow_key(job_id), change)

    def _report(self, live: Live, workflow: Workflow) -> None:
        bar = [len(workflow.done), len(workflow.ids), None]

        def change(found: Live) -> Live:
            if not found.waits:
                # The page would miss the result that the process writes by now.
                raise JobEndedError(f"A worker ends job {found.record.id}.")
            record = found.record.report(time.time(), Report(bars=[bar]))
            return replace(found, record=record)

        self._store.attempts.change(live, change)

    def _send_finish(self, job_id: str, run: str) -> bool:
        message = self._store.message(job_id) or Message(task=FINISH)
        return self._sender.accepts(
            lambda: self._app.send_task(
                FINISH,
                args=(job_id, run, message.to_text()),
                # Keep the arguments out of logs and monitors.
                argsrepr=job_id,
                route_name=message.task,
                **message.route,
                ignore_result=True,
                add_to_parent=False,
                retry=False,
            )
        )

    def end(self, job_id: str, workflow: Workflow) -> None:
        """Revoke what is left of a workflow that no job waits for any more.

        While the broker is away, each look tries again, until the backend drops the
        workflow.
        """
        message = self._store.message(job_id)
        if message is not None and message.group is not None:
            self._store.leave_group_at_end(message.group, job_id)
        left = workflow.left
        revoke = self._app.control.revoke
        if not left or self._sender.accepts(lambda: revoke(left, terminate=True)):
            self.forget(job_id, workflow.run)

    def _has_left(self, live: Live) -> bool:
        job_id, limit = live.record.id, live.record.limits.leave_timeout
        if limit is None:
            return False
        if job_id not in self._absences:
            # The worker that ends a job forgets its own; others have looked after it.
            if len(self._absences) >= _REMEMBERED:
                del self._absences[next(iter(self._absences))]
            self._absences[job_id] = Absence(self._documents, job_id, limit)
        return self._absences[job_id].has_left()


def _is_unknown(meta: dict[str, Any]) -> bool:
    return bool(meta["status"] == "PENDING")


def step(home: Home) -> type[bootsteps.StartStopStep]:
    """Return a step of Celery's workers that watches workflows."""

    class WorkflowStep(bootsteps.StartStopStep):
        """Runs a watch in a thread of the worker's main process."""

        requires = ("celery.worker.components:Pool",)

        def __init__(self, worker: Any, **options: Any) -> None:
            super().__init__(worker, **options)
            # The pool may fork while this waits for the broker.
            store = CeleryStore(home.app, home.lease, guard=no_fork)
            self._workflows = Workflows(home, store)

        def start(self, worker: Any) -> None:
            threading.Thread(
                target=self._run, name="dash-long-jobs-workflows", daemon=True
            ).start()

        def _run(self) -> None:
            while True:
                has_any = False
                with (
                    suppress(StoreUnavailableError),
                    going_on("The watch of workflows"),
                ):
                    has_any = self._workflows.look()
                time.sleep(_LOOK if has_any else max(_LOOK, home.lease / 3))

    return WorkflowStep
