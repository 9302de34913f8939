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
from typing import Any, NoReturn

import cloudpickle

from ....core.calls import Call
from ....core.records import Record
from ....exceptions import PartError
from ....running.parts import InTurn, Work, name_of, result_of, sent
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
        try:
            yield from _Round(processes, work).results()
        except BaseException:
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
        self._items = enumerate(work.items, 1)
        self._has_more = True
        self._given = 0
        self._yielded = 0
        self._under_way: dict[int, Any] = {}
        self._results: dict[int, Any] = {}

    def results(self) -> Iterator[Any]:
        while True:
            self._give()
            following = self._yielded + 1
            is_there = following in self._results
            if not is_there and self._given == self._yielded:
                return
            # Also before a result is used: that may take a while.
            self._collect(0.0 if is_there else _LOOK)
            self._give()
            if following in self._results:
                self._yielded = following
                yield self._results.pop(following)
            else:
                self._work.job.bars.check()

    def _give(self) -> None:
        """Give an item to each process that has none."""
        while self._has_more and self._given - self._yielded < self._most * AHEAD:
            idle = [each for each in self._processes.all if each.part is None]
            if not idle and len(self._processes.all) >= self._most:
                return
            try:
                number, item = next(self._items)
            except StopIteration:
                self._has_more = False
                return
            data = sent(f"The item of part {number}", item)
            process = idle[0] if idle else self._processes.start()
            self._under_way[number] = item
            self._given = process.part = number
            try:
                process.connection.send_bytes(data)
            except OSError:
                self._take_all(process)

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
                self._take_all(process)

    def _busy(self) -> list[_PartProcess]:
        return [each for each in self._processes.all if each.part is not None]

    def _take_all(self, process: _PartProcess) -> None:
        """Take what a process has sent.

        Raises:
            BaseException: of its part.
            PartError: it has died.
        """
        # First: what it has sent before its death is there then.
        is_alive = process.process.is_alive()
        while process.part is not None:
            try:
                has_sent = process.connection.poll()
                message = process.connection.recv_bytes() if has_sent else None
            except (EOFError, OSError):
                self._fail(process)
            if message is not None:
                self._take(process, message)
            elif is_alive:
                return
            else:
                self._fail(process)

    def _take(self, process: _PartProcess, message: bytes) -> None:
        job = self._work.job
        if message[:1] == LINE:
            job.log(*cloudpickle.loads(message[1:]))
        elif message[:1] == TITLE:
            job.title = message[1:].decode()
        else:
            number, process.part = process.part, None
            assert number is not None  # noqa: S101
            # An exception ends the others now, not when its turn comes.
            item = self._under_way.pop(number)
            self._results[number] = result_of(message, number, item)
            self._work.done()

    def _fail(self, process: _PartProcess) -> NoReturn:
        process.process.join(DYING)
        end = describe_exit(process.process.exitcode, "Its process")
        number = process.part or 0
        name = name_of(number, self._under_way[number])
        raise PartError(f"{name[:1].upper()}{name[1:]} of map() has no result. {end}")
