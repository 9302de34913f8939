"""The dispatcher: the process that runs the jobs of a store and code version.

Each host (container, machine) has its own. It imports the app once, stays
single-threaded and forks each job from that, so that no job inherits the threads or
sockets of a server. As their parent, it knows how its workers ended. The store says
what to do; an empty datagram only wakes the dispatcher.
"""

from __future__ import annotations

import hashlib
import logging
import signal
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace

from ....core.job_errors import JobError
from ....core.log_fields import log_fields
from ....core.outage_log import OutageLog
from ....core.records import Record
from ....core.status import Status
from ....exceptions import StoreError, StoreUnavailableError
from ....running import tasks
from ... import cgroups
from ...identity import Process
from ...processes import kill_orphans_of_dead, kill_tree_of
from ...store.heartbeats import INTERVAL
from ...store.outages import access, can_end, outlast, store_log
from ...store.slots import Slot
from ...store.store import Store
from ...store.watchdog import Watchdog
from ..worker.exits import describe_exit
from ..worker.job_writer import CANT_WRITE
from .housekeeping import Housekeeping
from .settings import Settings
from .siblings import Siblings
from .takeover import Takeover
from .wakeup import Wakeup
from .workers import Workers
from .write_lock import is_stopped_in_write

logger = logging.getLogger("dash_long_components")

#: Seconds after which the dispatcher looks around without being told to.
TICK = 1.0

#: Seconds for which a dispatcher that is stopped waits until jobs come to a checkpoint.
HANDOVER = 60.0


class Dispatcher:
    """Runs the jobs of one code version for as long as a server wants that.

    Args:
        settings: from the process that started it.
        store: where the jobs are.
        workers: starts those of this dispatcher.
        me: this process.
    """

    def __init__(
        self, settings: Settings, store: Store, workers: Workers, me: Process
    ) -> None:
        self._code = settings.code
        self._app = settings.app.app
        self._sizes = settings.sizes
        self._store = store
        self._group = hashlib.sha256(settings.directory.encode()).hexdigest()[:16]
        self._workers = workers
        self._me = me
        registry = store.registry
        self._watchdog = Watchdog(store, settings.code, registry.answers_pages)
        self._housekeeping = Housekeeping(store)
        self._siblings = Siblings(registry, me)
        self._takeover = Takeover(store, settings.code)
        self._stopped_by: signal.Signals | None = None
        self._next_tick = self._next_beat = 0.0

    def run(self) -> None:
        """Run jobs until no server needs this one, or another dispatcher lives."""
        with Wakeup() as wakeup:
            if not self._claim(wakeup.port):
                return
            self._install_signals(wakeup)
            cgroups.enter(self._group)
            self._workers.prepare()
            if not self._claim(wakeup.port, tasks.fingerprints()):
                return
            try:
                self.work(wakeup)
            finally:
                self._workers.dismiss_spare()
                self._store.close()
                cgroups.leave(self._group)

    def _claim(self, port: int, known: dict[str, str] | None = None) -> bool:
        def claim() -> bool:
            return self._store.registry.claim(
                self._code, self._me, port=port, tasks=known, app=self._app
            )

        return outlast(self._store, claim)

    def work(self, wakeup: Wakeup) -> None:
        """Run rounds until there is nothing left to do.

        Raises:
            StoreError: the store is damaged or was removed. Its jobs have no worker
                then.
        """
        log = store_log()
        while self._stopped_by is None:
            seconds = self._try_round(log)
            if seconds is None:
                return
            wakeup.wait(seconds)
        self._stop(self._stopped_by, wakeup)

    def _try_round(self, log: OutageLog) -> float | None:
        """Do a round, or as much of it as an outage lets it do.

        Returns:
            The seconds until the next round; None if nothing more will be to do.
        """
        try:
            with access(self._store):
                if self.look_around():
                    self._store.purge()
                    return None
                until_tick = self._next_tick - time.monotonic()
                seconds = self._watchdog.wait(max(0.0, until_tick))
        except StoreError as error:
            if not can_end(error):
                self._kill_all()
                raise
            log.begin(error)
            with suppress(StoreError), access(self._store):
                self._end_stopped_writes()
            return TICK
        log.end()
        return seconds

    def look_around(self) -> bool:
        """Do one round. True if nothing more will be to do.

        If the store fails at any point, the next round goes on from there.
        """
        self._tick()
        self._watchdog.end_expired()
        # A page waits for its job. All else takes as long as to start one.
        self._start_jobs()
        self._watch()
        self._workers.kill_orphans()
        self._takeover.run(tasks.fingerprints())
        self._start_jobs()  # in the slots that are free now
        self._workers.keep_spare()
        self._housekeeping.run()
        return self._is_done()

    def _tick(self) -> None:
        """Do what no wake-up calls for. Most rounds start or end a job, and skip it."""
        if time.monotonic() >= self._next_tick:
            self._next_tick = time.monotonic() + TICK
            self._watchdog.end_left()
            self._beat()

    def _beat(self) -> None:
        if time.monotonic() >= self._next_beat:
            self._store.registry.send_heartbeat(self._me)
            self._siblings.look()
            self._end_left_by_dead()
            self._next_beat = time.monotonic() + INTERVAL

    def _start_jobs(self) -> None:
        while job := self._store.dispatching.take(self._code, self._me, self._sizes):
            try:
                self._workers.start(job.id, job.run)
            except OSError as error:
                slot = self._store.slots.get(job.id)
                how = f"Its worker could not be started: {error}."
                if slot is not None:
                    self._close_slot(job.id, slot, how)

    def _end_left_by_dead(self) -> None:
        """End programs whose dispatcher and worker have died."""
        workers = [slot.worker for slot in self._store.slots.all().values()]
        cgroups.end_dead(self._group, [each for each in workers if each is not None])

    def _watch(self) -> None:
        """Look at every worker: stop it, or note how it has ended."""
        slots = self._store.slots.all()
        own = self._workers.jobs()
        for job_id in own:
            self._watch_own(job_id, slots.get(job_id))
        for job_id in slots.keys() - own:
            slot = slots[job_id]
            if slot.dispatcher.is_here:
                self._watch_adopted(job_id, slot)
            elif not self._store.registry.is_living(slot.dispatcher):
                how = "The container or machine that ran it is gone."
                self._close_slot(job_id, slot, how)

    def _watch_own(self, job_id: str, slot: Slot | None) -> None:
        if self._workers.exit_code(job_id) is None:
            if not self._must_stop_own(job_id, slot):
                return
            self._workers.kill(job_id)
            if self._workers.exit_code(job_id) is None:
                return  # it may take a while, and other jobs must not wait for it
        # As long as the job has a slot, the next dispatcher would do the rest.
        self._workers.kill_orphans_of(job_id)
        slot = self._store.slots.get(job_id)  # it may have registered since
        if slot is None or slot.dispatcher != self._me:
            self._watchdog.forget(job_id)
        else:
            exit_code = self._workers.exit_code(job_id)
            if exit_code == CANT_WRITE:
                self._fail(job_id)
            self._close_slot(job_id, slot, describe_exit(exit_code))
        self._workers.forget(job_id)

    def _must_stop_own(self, job_id: str, slot: Slot | None) -> bool:
        if slot is None:
            # The store was removed, and a server has made a new one. Or another
            # dispatcher has ended the attempt.
            return True
        if slot.dispatcher != self._me:
            # This one was held up, and another has taken its place. It has adopted this
            # worker, or ended its attempt and started another.
            return slot.worker is None or not self._workers.has(job_id, slot.worker)
        return self._watchdog.must_stop(job_id, slot)

    def _watch_adopted(self, job_id: str, slot: Slot) -> None:
        """Look at a worker whose dispatcher has died."""
        worker = slot.worker
        if slot.dispatcher != self._me and slot.dispatcher.is_alive():
            return
        if slot.dispatcher != self._me and worker is not None:
            if not self._store.slots.adopt(job_id, slot, self._me):
                return
            slot = replace(slot, dispatcher=self._me)
        if worker is not None and worker.is_alive():
            if not self._watchdog.must_stop(job_id, slot):
                return
            kill_tree_of(worker)
        if worker is not None:
            kill_orphans_of_dead(worker, job_id)
        self._close_slot(
            job_id,
            slot,
            "Its worker died. How is not known, since its dispatcher had died before.",
        )

    def _end_stopped_writes(self) -> None:
        """Kill processes that were stopped while they had the store locked."""
        # All can read meanwhile.
        self._siblings.end_stopped_writes()
        for job_id, slot in self._store.slots.all().items():
            worker = slot.worker
            if worker and worker.is_alive() and is_stopped_in_write(worker.pid):
                kill_tree_of(worker)
                error = self._died(
                    job_id,
                    "Its worker was stopped in a write to the job store, and kept all "
                    "others from writing.",
                )
                self._tell(
                    self._store.dispatching.end_attempt(
                        job_id, slot, Status.LOST, error
                    ),
                    error,
                )

    def _fail(self, job_id: str) -> None:
        """End the job of a worker that could not write how it ended."""
        with suppress(KeyError):
            error = JobError.not_writable(self._store.read(job_id).task)
            if self._store.end(job_id, Status.FAILED, error):
                logger.error(
                    "The long callback %s failed. %s", error.task, error.message
                )

    def _close_slot(self, job_id: str, slot: Slot, how: str) -> None:
        """End the attempt of a worker that is gone, and free its slot."""
        if not slot.is_running:
            self._store.slots.free(job_id, slot)
            self._watchdog.forget(job_id)
            return
        with suppress(KeyError):
            error = self._died(job_id, how)
            self._tell(
                self._store.dispatching.close_slot(job_id, slot, Status.LOST, error),
                error,
            )
        self._watchdog.forget(job_id)

    def _died(self, job_id: str, how: str) -> JobError:
        """Return the error of a job whose worker has died."""
        task = self._store.read(job_id).task
        return JobError(type="WorkerDied", message=how, task=task)

    def _tell(self, record: Record | None, error: JobError) -> None:
        """Log what has become of a job whose worker has died."""
        if record is None or self._stopped_by is not None:
            return
        if record.status is Status.QUEUED:
            logger.warning("%s is tried again. %s", record.task, error.message)
        elif record.status is Status.LOST:
            logger.error(
                "A job of the long callback %s is lost. %s",
                record.task,
                error.message,
                extra=log_fields(record.id, record.task, record.owner, Status.LOST),
            )

    def _is_done(self) -> bool:
        """Resign if no server wants this dispatcher and no job needs it."""
        if self._workers.jobs() or self._store.registry.has_servers(self._code):
            return False
        if any(
            slot.dispatcher == self._me for slot in self._store.slots.all().values()
        ):
            return False
        return self._store.dispatching.resign(self._code)

    def _stop(self, by: signal.Signals, wakeup: Wakeup) -> None:
        """End every running job: the dispatcher got a signal."""
        reason = f"The server was stopped by {by.name}."
        try:
            if by is not signal.SIGINT:
                self._hand_over(reason, wakeup)
            with access(self._store):
                self._end_all(reason)
                if self._stopped_by is signal.SIGINT:
                    # Ctrl-C means all jobs. Otherwise the queue waits for a restart.
                    self._store.dispatching.drop_queue(self._code, reason)
        except BaseException:
            # This process waits for its children when it exits.
            self._kill_all()
            raise

    def _hand_over(self, reason: str, wakeup: Wakeup) -> None:
        """End all jobs but those that stop at a checkpoint; wait for these."""
        deadline = time.monotonic() + HANDOVER
        asked: set[str] = set()
        # Without the store, no job can save anything.
        with suppress(StoreError), access(self._store):
            asked = self._store.dispatching.ask_for_handover(self._me)
        with suppress(StoreUnavailableError), access(self._store):
            self._end_all(reason, but=asked)
        while asked and time.monotonic() < deadline:
            if self._stopped_by is signal.SIGINT:
                return
            wakeup.wait(TICK)
            with suppress(StoreError), access(self._store):
                self._beat()
                self._watch()
                asked = self._store.handovers.asked(self._me)

    def _end_all(self, reason: str, but: Collection[str] = ()) -> None:
        """Kill the workers of all jobs here but some, and end their attempts."""
        self._kill_all(but)
        for job_id, slot in self._store.slots.all().items():
            if slot.dispatcher != self._me or job_id in but:
                continue
            if job_id not in self._workers.jobs() and slot.worker is not None:
                kill_tree_of(slot.worker)
            self._close_slot(job_id, slot, reason)

    def _kill_all(self, but: Collection[str] = ()) -> None:
        for job_id in self._workers.jobs() - set(but):
            self._workers.kill(job_id)
        # These include the orphans of a worker that has just died.
        self._workers.kill_orphans()

    def _install_signals(self, wakeup: Wakeup) -> None:
        def stop(number: int, _frame: object) -> None:
            self._stopped_by = signal.Signals(number)

        for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", None)):
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, stop)
        if sys.platform != "win32":
            signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakeup.waker_fd, warn_on_full_buffer=False)
        if sys.platform != "win32":
            # The launcher has held it back until now.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
