"""The supervisor of a worker: its jobs end when the job store says so, and vice versa.

It runs in a thread of the worker's main process. Control commands and Celery's own
records make things quick. They can get lost, with the connection to the broker for
instance, or be switched off. So the supervisor compares the jobs of the worker with the
job store at every renewal of the lease.
"""

from __future__ import annotations

import functools
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from celery import bootsteps, signals
from celery.concurrency.prefork import TaskPool as PreforkPool

from ....core.limits import EXIT_GRACE, grace_after
from ....core.status import Status
from ....exceptions import StoreUnavailableError
from ...processes import kill_tree
from ..documents.deliveries import Message
from ..documents.job_state import Live
from ..documents.unexpected_ends import CeleryFailure
from ..messages.probes import hasten
from ..messages.sending import PREFIX
from ..store.keeper import Keeper
from ..store.store import CeleryStore
from ..workers.going_on import going_on
from ..workers.homes import Home
from ..workers.leases import Lease, no_fork
from . import pool_jobs
from .consumer_watch import ConsumerWatch, Stuck
from .received_jobs import Death, ReceivedJob, is_of_another


class Supervisor:
    """Knows the jobs of a worker. Every method may be called from any thread.

    Args:
        home: where the jobs of the worker belong.
        kill: kills a pool process if it has a job, and returns whether it has; None
            where a pool can't end what it runs.
    """

    #: None outside of workers.
    current: Supervisor | None = None

    def __init__(
        self,
        home: Home,
        kill: Callable[[int, str], bool] | None = None,
    ) -> None:
        # The pool may fork while this waits for the broker, but not for the backend.
        self._store = CeleryStore(home.app, home.lease, guard=no_fork)
        self._keeper = Keeper(self._store.documents)
        self._tasks = home.app.tasks
        self._interval = home.lease / 3
        self._lock = threading.Lock()
        self._received: dict[int, ReceivedJob] = {}
        self._dead: list[Death] = []
        self._wake = threading.Event()
        self._look_at = 0.0
        self._kill = kill
        self._is_new = True
        self._kept: list[str] = []

    def received(
        self, consumer: Any, request: Any, number: int | None, message: Message
    ) -> None:
        """Note that a job has arrived; it may wait for a pool process.

        Args:
            consumer: Celery's, which has received it.
            request: Celery's object for it.
            number: of the message; None for the end of a workflow.
            message: how the job was sent.
        """
        job = ReceivedJob(
            request=request,
            number=number,
            message=message,
            consumer=consumer,
            connection=consumer.restart_count,
        )
        with self._lock:
            self._received[id(request)] = job

    def began(self, request: Any) -> None:
        """Note that a pool process has a job."""
        with self._lock:
            job = self._received.get(id(request))
            if job is None:
                return
            job.began = time.monotonic()
            seconds = job.message.seconds(time.time())
            if seconds is not None:
                job.deadline = job.began + seconds
                job.kill_by(job.deadline)
                self._wake.set()

    def died(self, request: Any, failure: CeleryFailure, job_id: str) -> None:
        """Note that the process of a job has died.

        Args:
            request: that the process had.
            failure: what Celery says of it.
            job_id: of the job.
        """
        with self._lock:
            job = self._received.pop(id(request), None)
            if job is not None:
                death = job.death(failure)
            else:
                began = time.monotonic()
                death = Death(job_id=job_id, began=began, failure=failure)
            self._dead.append(death)
        self._wake.set()

    def cancel(self, job_id: str, grace: float) -> bool:
        """Kill a job after ``grace`` seconds; return False if it does not run here."""
        due = time.monotonic() + grace
        found = [job for job in self._running() if job.job_id == job_id]
        for job in found:
            job.kill_by(due)
        self._wake.set()
        return bool(found)

    def run(self) -> None:
        """Supervise for as long as this process lives."""
        while True:
            self._wake.wait(self.step(time.monotonic()))
            self._wake.clear()

    def send(self) -> None:
        """Send the jobs that may run by now, for as long as this process lives.

        In a thread of its own: it may have to wait for the broker.
        """
        while True:
            self.send_what_is_due()
            time.sleep(self._interval)

    def send_what_is_due(self) -> None:
        """Send the jobs that may run by now, though no page may ask for them.

        Lists the jobs again that the supervisor keeps: it reads them, and a reader may
        send them too.
        """
        with suppress(StoreUnavailableError), going_on("The sender of the worker"):
            with self._lock:
                kept, self._kept = self._kept, []
            self._store.listings.keep(kept)
            self._store.send_what_is_due()

    def step(self, now: float) -> float:
        """Do what is due.

        Args:
            now: by the monotonic clock.

        Returns:
            Seconds until something is due.
        """
        is_due = now >= self._look_at
        if is_due:
            self._look_at = now + self._interval
        # Without the backend nothing is known. The next look is soon.
        with suppress(StoreUnavailableError), going_on("The supervisor of the worker"):
            self._report_deaths()
            self._hasten_probes()
            if is_due:
                self._look(now)
        self._kill_due(now)
        return max(0.0, min(self._look_at, self._next_kill()) - now)

    def _running(self) -> list[ReceivedJob]:
        """Return the jobs that pool processes run now."""
        with self._lock:
            return [job for job in self._received.values() if job.is_running]

    def _look(self, now: float) -> None:
        """Compare the jobs here with the store."""
        running = self._running()
        ends = self._store.ends.get_all([each.job_id for each in running])
        for each, end in zip(running, ends, strict=True):
            if end is not None and end.live is None:
                each.kill_by(now + grace_after(end.status, each.message.grace))
        self._kill_superseded(running, now)
        kept = self._keeper.keep_while_live(each.job_id for each in running)
        with self._lock:
            self._kept += kept
            others = [each for each in self._received.values() if not each.is_running]
        self._forget([each for each in others if each.began is not None])
        waiting = [each for each in others if each.began is None]
        self._release_dropped(waiting)
        self._release_held_up(waiting)
        self._forget_ended([each for each in waiting if not each.is_known])

    def _kill_superseded(self, running: Sequence[ReceivedJob], now: float) -> None:
        """Have attempts killed here of which a later one runs, here or elsewhere.

        A reader took this worker for dead while it could not reach the backend.
        """
        lives = self._store.lives([each.job_id for each in running])
        for each, live in zip(running, lives, strict=True):
            if live is None or Lease.current is None:
                continue
            is_here = live.worker.lease == Lease.current.id
            is_here = is_here and not is_of_another(each.number, live)
            if live.record.status is Status.RUNNING and not (is_here or live.waits):
                each.kill_by(now + EXIT_GRACE)

    def _release_dropped(self, waiting: Iterable[ReceivedJob]) -> None:
        """Have jobs sent again that Celery has dropped before they could begin."""
        for each in waiting:
            was_missing, each.is_missing = each.is_missing, each.is_dropped
            # A pool process may have got it a moment before the connection was lost.
            if each.is_missing and was_missing:
                self._release(each.job_id, each.number)
                self._forget([each])

    def _release_held_up(self, waiting: Iterable[ReceivedJob]) -> None:
        """Have jobs sent again that can't begin: the main thread hangs.

        If one begins here after all, that is a second delivery.
        """
        watch = ConsumerWatch.current
        if watch is None or watch.stuck is not Stuck.HANGS:
            return
        for each in waiting:
            if not each.is_released:
                self._release(each.job_id, each.number)
                each.is_released = True

    def _forget_ended(self, waiting: Sequence[ReceivedJob]) -> None:
        """Forget jobs that have ended before they could begin."""
        if waiting:
            ends = self._store.ends.get_all([each.job_id for each in waiting])
            found = zip(waiting, ends, strict=True)
            self._forget(each for each, end in found if end is not None)

    def _forget(self, jobs: Iterable[ReceivedJob]) -> None:
        with self._lock:
            for each in jobs:
                self._received.pop(id(each.request), None)

    def _hasten_probes(self) -> None:
        """Have lost messages found soon after this worker has started."""
        if self._is_new:
            tasks = [name for name in self._tasks if name.startswith(PREFIX)]
            hasten(self._store.documents, tasks)
            self._is_new = False

    def _report_deaths(self) -> None:
        """End the jobs whose process has died, however Celery delivers them again."""
        while self._dead:
            # After an outage it is reported again. Any other error would come again.
            with going_on("The report of a dead process"):
                self._report(self._dead[0])
            self._dead.pop(0)

    def _report(self, death: Death) -> None:
        live = self._store.live(death.job_id)
        if live is None or live.record.status is Status.QUEUED:
            self._release(death.job_id, death.number)
        elif live.waits:
            pass  # for its workflow, or for another process that ends it
        elif self._had(live, death):
            if live.record.status is Status.RUNNING:
                end = death.failure.end(live.record, time.time())
                self._store.end_attempt(live, end)
            # Its function may have returned, and not left the group itself.
            if death.group is not None:
                self._store.leave_group_at_end(death.group, death.job_id)

    def _release(self, job_id: str, number: int | None) -> None:
        """Have a job sent again that does not begin here.

        The watch of workflows does that for the ends of workflows.
        """
        if number is not None and Lease.current is not None:
            self._store.release(job_id, Lease.current.id, number)

    def _had(self, live: Live, death: Death) -> bool:
        """Return whether the process that has died had started the job.

        Otherwise it had a second delivery, which does nothing. Celery delivers some
        jobs again as soon as their process has died.
        """
        if Lease.current is None or live.worker.lease != Lease.current.id:
            return False
        if death.is_of_another(live):
            return False
        return not any(
            each.job_id == death.job_id
            and each.began is not None
            and each.began < death.began
            for each in self._running()
        )

    def _kill_due(self, now: float) -> None:
        for each in self._running():
            is_due = each.kill_at is not None and each.kill_at <= now
            if not is_due or each.is_killed or self._kill is None:
                continue
            is_over = each.deadline is not None and each.deadline <= now
            if is_over and not each.is_over:
                # If its function let no other thread run, no one has said so yet.
                each.is_over = True
                each.request.exceeded = each.message.timeout
                limit = CeleryFailure(type="TimeLimitExceeded", message="")
                with self._lock:
                    self._dead.append(each.death(limit))
                self._wake.set()
            # A process that has not said what it has may begin it after all.
            each.kill_at = now + self._interval
            with going_on("The kill of a job's process"):
                each.is_killed = self._kill(each.request.worker_pid, each.job_id)

    def _next_kill(self) -> float:
        if self._kill is None:
            return float("inf")
        waiting = [each for each in self._running() if not each.is_killed]
        times = [each.kill_at for each in waiting if each.kill_at is not None]
        return min(times, default=float("inf"))


def _kill_with_children(worker: Any, pid: int, job_id: str) -> bool:
    """Kill a pool process with all that came from it, if it has a job now.

    Otherwise the job has ended, or has not begun, in spite of what the pool says.

    Returns:
        Whether it had the job.
    """
    if not pool_jobs.stop_if_it_has(pid, job_id):
        return False
    if sys.platform != "win32":
        # Before it dies: the pool then takes its death for a termination, and neither
        # logs it as an error nor waits for a late result.
        worker.pool.terminate_job(pid, signal.SIGSTOP)
    kill_tree(pid)
    return True


def step(home: Home) -> type[bootsteps.StartStopStep]:
    """Return a step of Celery's workers that supervises their jobs."""

    class SupervisorStep(bootsteps.StartStopStep):
        """Runs a supervisor in a thread of the worker's main process."""

        requires = ("celery.worker.components:Pool",)

        def __init__(self, worker: Any, **options: Any) -> None:
            super().__init__(worker, **options)
            kill = None
            if issubclass(worker.pool_cls, PreforkPool):
                kill = functools.partial(_kill_with_children, worker)
            self._supervisor = Supervisor.current = Supervisor(home, kill)

        def start(self, worker: Any) -> None:
            pool_jobs.set_stopping(False)
            tasks = {
                "supervisor": self._supervisor.run,
                "sender": self._supervisor.send,
            }
            for name, target in tasks.items():
                threading.Thread(
                    target=target, name=f"dash-long-jobs-{name}", daemon=True
                ).start()

        def close(self, worker: Any) -> None:
            """Note that the worker stops, before it waits for its jobs."""
            pool_jobs.set_stopping(True)

    return SupervisorStep


@signals.worker_shutting_down.connect
def _stop(**_: Any) -> None:
    # A pool that runs jobs in the main thread closes only when they have ended.
    pool_jobs.set_stopping(True)
