"""The census: which programs of jobs there are, and how busy the machine is."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.integration.servers import is_alive

#: Seconds between two looks.
TICK = 0.5

#: A look that comes so many seconds late means that the machine is held up.
STALL = 0.3


@dataclass
class Program:
    """A program, or a fork, that a job started.

    Attributes:
        name: of the click.
        shape: how it was started.
        pid: its number.
        first, last: when it was seen first and last.
    """

    name: str
    shape: str
    pid: int
    first: float
    last: float


class Census:
    """Looks for the programs of jobs again and again; a context manager.

    Attributes:
        programs: all that were ever seen, by their numbers and names.
        stalls: when the machine was held up, and for how many seconds.

    Args:
        folder: which the command lines of programs name, and where forks leave their
            numbers.
    """

    def __init__(self, folder: Path) -> None:
        self.programs: dict[tuple[int, str], Program] = {}
        self.stalls: list[tuple[float, float]] = []
        self._folder = folder
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="census", daemon=True)

    def __enter__(self) -> Census:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def look(self) -> list[Program]:
        """Return the programs that there are now."""
        now = time.monotonic()
        found = []
        for pid, name, shape in (*self._by_command_line(), *self._forks()):
            program = self.programs.setdefault(
                (pid, name), Program(name, shape, pid, now, now)
            )
            program.last = now
            found.append(program)
        return found

    def _watch(self) -> None:
        due = time.monotonic() + TICK
        while not self._stopped.wait(TICK):
            late = time.monotonic() - due
            if late > STALL:
                self.stalls.append((due, late))
            self.look()
            due = time.monotonic() + TICK

    def _by_command_line(self) -> list[tuple[int, str, str]]:
        found = []
        for pid in psutil.pids():
            with suppress(OSError):
                argument = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[-2:]
                path = Path(os.fsdecode(argument[0]))
                if path.parent == self._folder and is_alive(pid):
                    name, _, shape = path.name.rpartition(".")
                    found.append((pid, name, shape))
        return found

    def _forks(self) -> list[tuple[int, str, str]]:
        """Return those that have the command line of their parents."""
        found = []
        for path in self._folder.glob("*.fork.*"):
            name, _, rest = path.name.partition(".")
            pid = int(rest.rpartition(".")[2])
            # They write their file at once: what is younger has only their number.
            with suppress(psutil.Error, OSError):
                is_it = psutil.Process(pid).create_time() <= path.stat().st_mtime + 0.1
                if is_it and is_alive(pid):
                    found.append((pid, name, "fork"))
                    continue
            path.unlink()
        return found
