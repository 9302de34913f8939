"""Every job ends once, and nothing is left, for any sequence of events.

The store, the dispatcher and the watchdog are the real ones; processes and time are
those of a world of its own, in which they die and go by as they are told to.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from dash_long_components.core import reading
from dash_long_components.core.calls import Call, Limits
from dash_long_components.core.ids import Ticket
from dash_long_components.core.lanes import Lane, Retrigger
from dash_long_components.core.records import Record
from dash_long_components.core.reports import Report
from dash_long_components.core.status import Status
from dash_long_components.exceptions import JobEndedError
from dash_long_components.managers.diskcache.dispatcher import (
    dispatcher as dispatcher_module,
)
from dash_long_components.managers.diskcache.dispatcher.dispatcher import Dispatcher
from dash_long_components.managers.diskcache.dispatcher.housekeeping import (
    SWEEP_INTERVAL,
)
from dash_long_components.managers.diskcache.dispatcher.workers import Workers
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store.store import Store
from tests.rows import row_counts
from tests.unit.managers.diskcache.made import settings_of

PLACES, MAX_QUEUE, RESULT_TTL = 2, 4, 100.0
CODES = ["v1", "v2"]
CALL = Call(task="key", fingerprint="f", context={})

#: Seconds within which every job must have ended when nothing more happens to it.
BOUND = 60.0


@dataclass
class Worker:
    """A process that a dispatcher has started to run a job."""

    job_id: str
    attempt: int
    pid: int
    exitcode: int | None = None
    deadline: float | None = None
    has_registered: bool = False

    def die(self, exitcode: int) -> None:
        if self.exitcode is None:
            self.exitcode = exitcode


@dataclass
class World:
    """Processes and time."""

    now: float = 1000.0
    wall: float = 5e9
    next_pid: int = 1
    others: set[int] = field(default_factory=set)
    workers: dict[int, Worker] = field(default_factory=dict)

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.wall

    def new_pid(self) -> int:
        self.next_pid += 1
        return self.next_pid

    def is_alive(self, process: Process) -> bool:
        worker = self.workers.get(process.pid)
        if worker is not None:
            return worker.exitcode is None
        return process.pid in self.others

    def kill(self, process: Process) -> None:
        self.workers[process.pid].die(-9)


class WorldWorkers(Workers):
    """The workers that one dispatcher has started in a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._mine: dict[str, Worker] = {}

    def jobs(self) -> set[str]:
        return set(self._mine)

    def start(self, job_id: str, attempt: int) -> None:
        worker = Worker(job_id, attempt, self._world.new_pid())
        self._mine[job_id] = self._world.workers[worker.pid] = worker

    def keep_spare(self) -> None:
        pass

    def exit_code(self, job_id: str) -> int | None:
        return self._mine[job_id].exitcode

    def kill(self, job_id: str) -> None:
        self._mine[job_id].die(-9)

    def kill_orphans_of(self, job_id: str) -> None:
        assert self.exit_code(job_id) is not None, "it runs"

    def kill_orphans(self) -> None:
        pass

    def forget(self, job_id: str) -> None:
        assert self._mine.pop(job_id).exitcode is not None, "forgotten while it runs"


class AllThatMayHappen(RuleBasedStateMachine):
    """Pages, servers, dispatchers and workers of one store."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.folder = tempfile.mkdtemp()
        self.stack = ExitStack()
        world = self.world
        for patch in (
            mock.patch("time.monotonic", world.monotonic),
            mock.patch("time.time", world.time),
            mock.patch.object(Process, "is_alive", lambda it: world.is_alive(it)),
            mock.patch.object(dispatcher_module, "kill_tree_of", world.kill),
            mock.patch.object(dispatcher_module, "kill_orphans_of_dead"),
        ):
            self.stack.enter_context(patch)
        self.store = Store(self.folder, RESULT_TTL)
        self.dispatchers: dict[str, Dispatcher] = {}
        self.processes: dict[str, Process] = {}
        self.servers: dict[str, Process] = {}
        self.tickets: list[Ticket] = []
        self.cursors: dict[str, int] = {}
        self.ends: dict[str, Status] = {}
        self.pages: dict[str, int] = {}

    def teardown(self) -> None:
        try:
            self.let_all_end()
        finally:
            self.store.close()
            self.stack.close()
            shutil.rmtree(self.folder)

    @initialize()
    def start(self) -> None:
        for code in CODES:
            self.start_server(code)
            self.start_dispatcher(code)

    # Servers

    @rule(code=st.sampled_from(CODES))
    def start_server(self, code: str) -> None:
        if code not in self.servers:
            server = Process(self.world.new_pid(), 0)
            self.world.others.add(server.pid)
            self.servers[code] = server
            self.store.registry.add_server(code, server)

    @rule(code=st.sampled_from(CODES))
    def kill_server(self, code: str) -> None:
        server = self.servers.pop(code, None)
        if server is not None:
            self.world.others.discard(server.pid)

    @rule(
        code=st.sampled_from(CODES),
        page=st.sampled_from(["", "a", "b"]),
        retrigger=st.sampled_from(Retrigger),
        limits=st.builds(
            Limits,
            timeout=st.sampled_from([None, 3.0, 20.0]),
            cancel_grace=st.sampled_from([None, 4.0]),
            leave_timeout=st.sampled_from([None, 8.0]),
        ),
        queue_timeout=st.sampled_from([None, 6.0]),
        key=st.sampled_from([None, "same"]),
    )
    def submit(
        self,
        code: str,
        page: str,
        retrigger: Retrigger,
        limits: Limits,
        queue_timeout: float | None,
        key: str | None,
    ) -> None:
        if code not in self.servers:
            return
        self.pages[page] = self.pages.get(page, 0) + 1
        record = Record(
            id=f"job-{len(self.tickets)}",
            task="module.task",
            code=code,
            # All jobs of a callback have the same.
            limits=limits if key is None else Limits(),
            key=key,
            created=self.world.wall,
            changed=self.world.wall,
        )
        lane = Lane(name=page, seq=self.pages[page], retrigger=retrigger)
        ticket = self.store.submit(
            record,
            CALL,
            max_concurrency=PLACES,
            max_queue=MAX_QUEUE,
            queue_timeout=queue_timeout,
            lane=lane if page else None,
        )
        if ticket is not None:
            self.tickets.append(ticket)
            self.read(ticket)

    # Pages

    @precondition(lambda self: self.tickets and self.servers)
    @rule(data=st.data())
    def poll(self, data: st.DataObject) -> None:
        self.read(data.draw(st.sampled_from(self.tickets)))

    @precondition(lambda self: self.tickets and self.servers)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.store.leave(data.draw(st.sampled_from(self.tickets)))

    def read(self, ticket: Ticket) -> None:
        """See what a page sees, which never goes back."""
        try:
            record = self.store.read(ticket.job)
        except KeyError:
            return
        if not record.status.is_terminal:
            self.store.see(record, ticket.requester)
        snapshot = reading.since(record, 0, ticket.requester)
        seen = str(ticket)
        assert snapshot.cursor >= self.cursors.get(seen, 0)
        self.cursors[seen] = snapshot.cursor
        if seen in self.ends:
            assert snapshot.status is self.ends[seen], "it ended twice"
        elif snapshot.status.is_terminal:
            self.ends[seen] = snapshot.status

    # Dispatchers

    @rule(code=st.sampled_from(CODES))
    def start_dispatcher(self, code: str) -> None:
        if code in self.dispatchers:
            return
        settings = settings_of(self.folder, PLACES, code=code, result_ttl=RESULT_TTL)
        me = Process(self.world.new_pid(), 0)
        self.world.others.add(me.pid)
        workers = WorldWorkers(self.world)
        assert self.store.registry.claim(code, me, port=1)
        self.dispatchers[code] = Dispatcher(settings, self.store, workers, me)
        self.processes[code] = me

    @rule(code=st.sampled_from(CODES))
    def kill_dispatcher(self, code: str) -> None:
        if self.dispatchers.pop(code, None) is not None:
            self.world.others.discard(self.processes.pop(code).pid)

    @rule(code=st.sampled_from(CODES))
    def look_around(self, code: str) -> None:
        dispatcher = self.dispatchers.get(code)
        if dispatcher is None:
            return
        if dispatcher.look_around():
            self.kill_dispatcher(code)

    @rule(code=st.sampled_from(CODES))
    def replace_dispatcher(self, code: str) -> None:
        """By one that finds what the other has left."""
        self.kill_dispatcher(code)
        self.start_dispatcher(code)
        self.look_around(code)

    @rule(code=st.sampled_from(CODES), timeout=st.sampled_from([None, 3.0]))
    def begin_a_job(self, code: str, timeout: float | None) -> None:
        """Come to the point at which most can happen to it."""
        self.submit(code, "", Retrigger.PARALLEL, Limits(timeout=timeout), None, None)
        self.look_around(code)
        for worker in self.living():
            self.register(worker)

    # Workers

    def living(self) -> list[Worker]:
        return [w for w in self.world.workers.values() if w.exitcode is None]

    @precondition(lambda self: self.living())
    @rule(data=st.data())
    def worker_registers(self, data: st.DataObject) -> None:
        self.register(data.draw(st.sampled_from(self.living())))

    def register(self, worker: Worker) -> bool:
        """Do what a worker does first. False if it has nothing to run."""
        if worker.has_registered:
            return True
        call = self.store.call(worker.job_id)
        if call is None:
            worker.die(0)
            return False
        me = Process(worker.pid, 0)
        worker.has_registered = self.store.slots.register(
            worker.job_id, me, worker.attempt
        )
        if not worker.has_registered:
            worker.die(0)
        return worker.has_registered

    @precondition(lambda self: self.living())
    @rule(data=st.data(), number=st.integers())
    def worker_reports(self, data: st.DataObject, number: int) -> None:
        worker = data.draw(st.sampled_from(self.living()))
        if self.register(worker):
            report = Report(progress=[["bar", "value", number]])
            with suppress(JobEndedError):
                self.store.change(
                    worker.job_id, lambda job: job.report(self.world.wall, report)
                )

    @precondition(lambda self: self.living())
    @rule(data=st.data(), status=st.sampled_from([Status.SUCCEEDED, Status.FAILED]))
    def worker_ends(self, data: st.DataObject, status: Status) -> None:
        self.end(data.draw(st.sampled_from(self.living())), status)

    def end(self, worker: Worker, status: Status) -> None:
        if self.register(worker):
            with suppress(JobEndedError):
                self.store.change(
                    worker.job_id, lambda job: job.end(status, self.world.wall), b"1"
                )
            worker.die(0)

    @precondition(lambda self: self.living())
    @rule(data=st.data())
    def kill_worker(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.living())).die(-9)

    # Time

    @rule(seconds=st.sampled_from([0.5, 1.0, 3.0, 10.0]))
    def wait(self, seconds: float) -> None:
        self.world.now += seconds
        self.world.wall += seconds

    @rule(seconds=st.sampled_from([-1e6, 1e6]))
    def set_the_clock(self, seconds: float) -> None:
        self.world.wall += seconds

    # Invariants

    @invariant()
    def no_process_is_without_a_record(self) -> None:
        slots = self.store.slots.all()
        for worker in self.living():
            if worker.has_registered:
                assert slots[worker.job_id].worker == Process(worker.pid, 0)

    @invariant()
    def no_more_run_than_may(self) -> None:
        assert len(self.store.slots.all()) <= PLACES
        assert sum(worker.has_registered for worker in self.living()) <= PLACES

    @invariant()
    def those_who_wait_are_counted(self) -> None:
        waiting = [
            ticket.job
            for ticket in self.tickets
            if self.status(ticket.job) is Status.QUEUED
        ]
        assert self.store.queue.count() == len(set(waiting))

    def status(self, job_id: str) -> Status | None:
        try:
            return self.store.read(job_id).status
        except KeyError:
            return None

    # The end

    def let_all_end(self) -> None:
        """Let functions return and time go by, and see that all has come to an end."""
        passed = 0.0
        while any(
            status is not None and not status.is_terminal
            for status in (self.status(ticket.job) for ticket in self.tickets)
        ):
            assert passed < BOUND, "a job has no end"
            for code in CODES:
                self.start_server(code)
                self.start_dispatcher(code)
                self.look_around(code)
            for worker in self.living():
                self.end(worker, Status.SUCCEEDED)
            self.wait(1.0)
            passed += 1.0
        # Those whose place was gone before they came to register.
        for worker in self.living():
            self.end(worker, Status.SUCCEEDED)
        for ticket in self.tickets:
            self.read(ticket)
        assert {str(ticket) for ticket in self.tickets} <= self.ends.keys()
        self.wait(SWEEP_INTERVAL + RESULT_TTL)
        for code in CODES:
            self.start_server(code)
            self.start_dispatcher(code)
            self.kill_server(code)
        for _ in range(3):
            for code in CODES:
                self.look_around(code)
            self.wait(10.0)
        assert self.living() == []
        assert self.dispatchers == {}
        assert self.store.slots.all() == {}
        counts = row_counts(self.store)
        assert counts.pop("duration") <= 20
        for stays in ("secret", "halts", "library", "imported"):
            del counts[stays]
        assert counts == dict.fromkeys(counts, 0)


AllThatMayHappen.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestAllThatMayHappen: Any = AllThatMayHappen.TestCase
