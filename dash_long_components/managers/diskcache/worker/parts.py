"""Parts of a job in processes of their own, which are children of its worker."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import cloudpickle

from ....core.calls import Call
from ....core.records import Record
from ....exceptions import JobCancelled, PartError
from ....running.parts import InTurn, Work, ended, name_of, sent
from ....running.turns import Turns
from ...processes import DYING, kill_tree
from ...store.store import Store
from . import cpus
from .app_code import AppCode, without_main
from .exits import describe_exit
from .job_writer import JobWriter
from .part_process import LINE, TITLE, PartSetting, serve

#: Name of the processes of parts in ``multiprocessing``.
PROCESS_NAME = "dash-long-job-part"

#: Results that may wait for that of a slow part before them, for each process.
AHEAD = 16

#: What is taken of the news of one process before the others get their turn. A part may
#: log without end.
_AT_ONCE = 100

#: Seconds between two looks whether the job is cancelled, and its processes live.
_LOOK = 0.25


class ProcessParts:
    """Runs the parts of a job in processes, by the start method of its worker.

    Args:
        store: where the job is stored.
        record: of the job, at its start.
        call: of the job.
        app: what to import in a spawned process; None if processes are forked.
        writer: of the job.
    """

    def __init__(
        self,
        store: Store,
        record: Record,
        call: Call,
        app: AppCode | None,
        writer: JobWriter,
    ) -> None:
        self._setting = PartSetting(store=store, record=record, call=call, app=app)
        self._writer = writer
        self._pid = os.getpid()

    def run(self, work: Work) -> Iterator[Any]:
        if os.getpid() != self._pid:
            # A process that the job has started by itself, and that may have none.
            yield from InTurn().run(work)
            return
        processes = _Processes(self._setting, self._writer, work.function)
        running = _Round(processes, work)
        try:
            yield from running.results()
        except BaseException:
            running.take_lines()
            processes.kill()
            raise
        finally:
            processes.close()

    @property
    def resolve(self) -> None:
        return None


@dataclass(eq=False)
class _PartProcess:
    """A process for parts, as its job sees it.

    Attributes:
        process: the process itself.
        connection: with it.
        part: number of the part that it has; None while it has none.
    """

    process: BaseProcess
    connection: Connection
    part: int | None = None


class _Processes:
    """The processes of one ``map()``."""

    def __init__(
        self, setting: PartSetting, writer: JobWriter, function: Callable[[Any], Any]
    ) -> None:
        self._setting = setting
        self._writer = writer
        self._function: Callable[[Any], Any] | bytes = function
        self._is_forking = setting.app is None
        if not self._is_forking:
            self._function = sent("The function of map()", function)
        method = "fork" if self._is_forking else "spawn"
        self._context: Any = multiprocessing.get_context(method)
        self.all: list[_PartProcess] = []

    def start(self) -> _PartProcess:
        """Start one more.

        Raises:
            OSError: it can't be started.
        """
        ours, its = self._context.Pipe()
        others = [each.connection for each in self.all] if self._is_forking else []
        process: BaseProcess = self._context.Process(
            target=serve,
            args=(
                its,
                [*others, ours] if self._is_forking else [],
                self._setting,
                self._function,
            ),
            name=PROCESS_NAME,
        )
        try:
            with self._writer.fork() if self._is_forking else without_main():
                process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            its.close()
        started = _PartProcess(process, ours)
        self.all.append(started)
        return started

    def kill(self) -> None:
        """Kill them all, with all that came from them."""
        for each in self.all:
            # One that was collected has given its number back.
            if each.process.is_alive():
                kill_tree(each.process.pid or 0)

    def close(self) -> None:
        """End them all, which have no part any more."""
        for each in self.all:
            each.connection.close()
        until = time.monotonic() + DYING
        for each in self.all:
            each.process.join(max(0.0, until - time.monotonic()))
        self.kill()
        for each in self.all:
            each.process.join(DYING)
            with suppress(ValueError):  # nothing ends it, as in a call to a driver
                each.process.close()
        self.all.clear()


class _Round:
    """Gives the parts of one ``map()`` to its processes, and yields the results.

    It has no thread: parts are given and collected whenever the job asks for a result.
    Nothing can block for ever, as a process gets an item only when it waits for one.
    """

    def __init__(self, processes: _Processes, work: Work) -> None:
        self._processes = processes
        self._work = work
        self._most = work.max_workers or cpus.available()
        self._turns = Turns(work.items, self._most * AHEAD)
        self._under_way: dict[int, Any] = {}

    def results(self) -> Iterator[Any]:
        turns = self._turns
        while True:
            self._collect(0.0)
            # Also before a result is used: that may take a while.
            self._give()
            if turns.has_next:
                yield turns.next()
            elif turns.are_over:
                return
            else:
                self._collect(_LOOK)
                self._work.job.bars.check()

    def take_lines(self) -> None:
        """Take what parts have logged that are about to be killed."""
        with suppress(Exception, JobCancelled):
            self._collect(0.0)

    def _give(self) -> None:
        """Give an item to each process that has none."""
        while (idle := self._idle()) or len(self._processes.all) < self._most:
            taken = self._turns.take()
            if taken is None:
                return
            number, item = taken
            try:
                data = sent(f"The item of part {number}", item)
                process = idle[0] if idle else self._processes.start()
            except (PartError, OSError) as error:
                self._turns.fail(number, error)
                return
            self._under_way[number] = item
            process.part = number
            try:
                process.connection.send_bytes(data)
            except OSError:
                self._fail(process)
            # The next item may take a while.
            self._collect(0.0)

    def _idle(self) -> list[_PartProcess]:
        return [each for each in self._processes.all if each.part is None]

    def _collect(self, timeout: float) -> None:
        """Take what busy processes have sent; wait for the first."""
        busy = {each.connection: each for each in self._busy()}
        ends = {each.process.sentinel: each for each in self._busy()}
        found = wait([*busy, *ends], timeout) if busy else []
        # Children of a dead process may keep its end of a connection open, so look at
        # all of them if there is no news.
        for process in busy.values():
            is_named = process.connection in found or process.process.sentinel in found
            if is_named or (timeout and not found):
                self._take_news(process)

    def _busy(self) -> list[_PartProcess]:
        return [each for each in self._processes.all if each.part is not None]

    def _take_news(self, process: _PartProcess) -> None:
        """Take what a process has sent, and notice its death."""
        # First: what it has sent before its death is there then.
        is_alive = process.process.is_alive()
        for _ in range(_AT_ONCE):
            try:
                has_sent = process.connection.poll()
                message = process.connection.recv_bytes() if has_sent else None
            except (EOFError, OSError):
                self._fail(process)
                return
            if message is None:
                if not is_alive:
                    self._fail(process)
                return
            self._take(process, message)
            if process.part is None:
                return

    def _take(self, process: _PartProcess, message: bytes) -> None:
        job = self._work.job
        if message[:1] == LINE:
            job.log(*cloudpickle.loads(message[1:]))
        elif message[:1] == TITLE:
            job.title = message[1:].decode("utf-8", "surrogatepass")
        else:
            number, item = self._end(process)
            result, error = ended(message, number, item)
            if error is not None:
                self._turns.fail(number, error)
                return
            self._turns.succeed(number, result)
            self._work.done()

    def _fail(self, process: _PartProcess) -> None:
        """End the part of a process that has died."""
        process.process.join(DYING)
        end = describe_exit(process.process.exitcode, "Its process")
        number, item = self._end(process)
        name = name_of(number, item)
        text = f"{name[:1].upper()}{name[1:]} of map() has no result. {end}"
        self._turns.fail(number, PartError(text))

    def _end(self, process: _PartProcess) -> tuple[int, Any]:
        """Return the number and the item of the part that a process has no more."""
        number, process.part = process.part, None
        assert number is not None  # noqa: S101
        return number, self._under_way.pop(number)
