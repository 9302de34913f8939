"""The processes of a store: dispatchers, and the servers that want them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from ..identity import Process
from .database import Database
from .heartbeats import Heartbeats

#: The roles of processes, as older versions have written them too.
DISPATCHER, SERVER, _FAILURE = "dispatcher", "client", "failure"


@dataclass(frozen=True, kw_only=True)
class RegisteredDispatcher:
    """A dispatcher, as it describes itself.

    Attributes:
        process: which one it is.
        port: where it waits to be woken.
        tasks: fingerprints of its tasks by key; None before it has imported the app.
        heartbeat: another value each time.
    """

    process: Process
    port: int
    tasks: dict[str, str] | None
    heartbeat: float


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A process that uses a store.

    Attributes:
        role: ``dispatcher`` or ``client``, which is a server.
        code: version of the app's code.
        process: which one it is.
        heartbeat: when it wrote the last one, in seconds since the epoch.
    """

    role: str
    code: str
    process: Process
    heartbeat: float


class Registry:
    """The dispatchers of each code version, and the servers that want them.

    Each host has dispatchers of its own: one can only watch and wake its siblings.

    Args:
        database: every change is a transaction of its own, or part of the caller's.
        host: of this process.
    """

    def __init__(self, database: Database, host: str) -> None:
        self._database = database
        self._host = host
        self._heartbeats = Heartbeats()

    def claim(
        self,
        code: str,
        dispatcher: Process,
        *,
        port: int,
        tasks: dict[str, str] | None = None,
        app: str | None = None,
    ) -> bool:
        """Become the dispatcher of a code version here, or tell more about it.

        False if there is another one that lives. Atomic.
        """
        with self._database.transaction():
            other = self.dispatcher(code)
            if other and other.process != dispatcher and other.process.is_alive():
                return False
            self._remove_dispatcher(code)
            self._add(DISPATCHER, code, dispatcher, port, tasks, app)
            if tasks is not None:
                self._forget_failures(code)
            return True

    def dispatcher(self, code: str) -> RegisteredDispatcher | None:
        """Return what the dispatcher of a code version here last said, or None.

        It may be dead: one that ended without resigning.
        """
        return self.dispatchers().get(code)

    def dispatchers(self) -> dict[str, RegisteredDispatcher]:
        """Return the dispatchers here by their code, also those that have died."""
        rows = self._database.query(
            "SELECT code, process, port, tasks, heartbeat FROM process"
            " WHERE role = ? AND host = ?",
            DISPATCHER,
            self._host,
        )
        return {
            code: RegisteredDispatcher(
                process=Process.from_text(process),
                port=port,
                tasks=json.loads(tasks) if tasks else None,
                heartbeat=heartbeat,
            )
            for code, process, port, tasks, heartbeat in rows
        }

    def processes(self) -> list[Registered]:
        """Return all processes that use the store, also those that have died."""
        rows = self._database.query(
            "SELECT role, code, process, heartbeat FROM process WHERE role != ?"
            " ORDER BY role, code",
            _FAILURE,
        )
        return [
            Registered(
                role=role,
                code=code,
                process=Process.from_text(process),
                heartbeat=heartbeat,
            )
            for role, code, process, heartbeat in rows
        ]

    def ports(self) -> list[int]:
        """Return where the dispatchers of this host wait to be woken."""
        rows = self._database.query(
            "SELECT port FROM process WHERE role = ? AND host = ?",
            DISPATCHER,
            self._host,
        )
        return [port for (port,) in rows]

    def resign(self, code: str) -> bool:
        """Undo ``claim``. Atomic; False while a server here wants a dispatcher."""
        with self._database.transaction():
            if self.has_servers(code):
                return False
            self._remove_dispatcher(code)
            for server in self._servers(code):
                if server.is_here:
                    self.remove_server(code, server)
            return True

    def _remove_dispatcher(self, code: str) -> None:
        self._database.run(
            "DELETE FROM process WHERE role = ? AND code = ? AND host = ?",
            DISPATCHER,
            code,
            self._host,
        )

    def add_failure(self, code: str, dispatcher: Process) -> int:
        """Note that a dispatcher has died before it could work. Idempotent.

        Returns:
            The number of failures, as ``failures`` does.
        """
        with self._database.transaction():
            self._add(_FAILURE, code, dispatcher)
            return self.failures(code)

    def failures(self, code: str) -> int:
        """Return how many dispatchers in a row have died here before they could work.

        It counts those since the first server of this code version has started.
        """
        count: int = self._database.value(
            "SELECT count(*) FROM process WHERE role = ? AND code = ? AND host = ?",
            _FAILURE,
            code,
            self._host,
        )
        return count

    def _forget_failures(self, code: str) -> None:
        self._database.run(
            "DELETE FROM process WHERE role = ? AND code = ? AND host = ?",
            _FAILURE,
            code,
            self._host,
        )

    def add_server(self, code: str, server: Process, app: str | None = None) -> None:
        """Note that a server process wants a dispatcher of this code version.

        Args:
            code: version of the app's code.
            server: which process.
            app: the same for all versions of the app's code.
        """
        with self._database.transaction():
            for other in self._servers(code):
                if other.is_here and not other.is_alive():
                    self.remove_server(code, other)
            self._add(SERVER, code, server, app=app)

    def remove_server(self, code: str, server: Process) -> None:
        """Undo ``add_server``. Idempotent."""
        with self._database.transaction():
            self._database.run(
                "DELETE FROM process WHERE role = ? AND code = ? AND process = ?",
                SERVER,
                code,
                str(server),
            )
            if not any(other.is_here for other in self._servers(code)):
                self._forget_failures(code)

    def send_heartbeat(self, process: Process, *, answers_pages: bool = False) -> None:
        """Write a heartbeat of a process of this host.

        Args:
            process: which one.
            answers_pages: whether it has answered a page. A script never does.
        """
        self._database.run(
            # Two managers of a process may share its row, and one have no page.
            "UPDATE process SET heartbeat = ?, pages = coalesce(?, pages)"
            " WHERE process = ?",
            time.time(),
            1 if answers_pages else None,
            str(process),
        )

    def has_servers(self, code: str) -> bool:
        """Return whether a live server process here wants a dispatcher of this code."""
        return any(server.is_alive() for server in self._servers(code))

    def has_any_server(self, code: str) -> bool:
        """Return whether a server process with this code lives, on any host."""
        return any(self.is_living(server) for server in self._servers(code))

    def answers_pages(self) -> bool:
        """Return whether a process that answers pages lives, on any host."""
        rows = self._database.query(
            "SELECT process FROM process WHERE role = ? AND pages = 1", SERVER
        )
        return any(self.is_living(Process.from_text(process)) for (process,) in rows)

    def abandoned(self) -> dict[str, bool]:
        """Return the code versions of which no process lives, on any host.

        Each with whether it is replaced: the same app lives with other code.
        """
        codes: dict[str, set[str | None]] = {}
        living: set[str] = set()
        for code, process, app in self._database.query(
            "SELECT code, process, app FROM process WHERE role != ?", _FAILURE
        ):
            codes.setdefault(code, set()).add(app)
            if self.is_living(Process.from_text(process)):
                living.add(code)
        apps = {app for code in living for app in codes[code] if app is not None}
        return {code: bool(codes[code] & apps) for code in codes.keys() - living}

    def forget(self, code: str) -> None:
        """Remove all processes of a code version. Idempotent."""
        self._database.run("DELETE FROM process WHERE code = ?", code)

    def is_living(self, process: Process) -> bool:
        """Return whether a process lives: one of another host while that one does."""
        if process.is_here:
            return process.is_alive()
        return not self._heartbeats.is_silent(
            process.host, self._heartbeat(process.host), time.monotonic()
        )

    def other_host(self) -> str | None:
        """Return another host that uses this store now, if one does.

        It takes two calls, with a heartbeat in between, to be certain.
        """
        found = None
        for (host,) in self._database.query(
            "SELECT DISTINCT host FROM process WHERE host != ?", self._host
        ):
            heartbeat = self._heartbeat(host)
            if heartbeat is None:
                continue
            if self._heartbeats.has_changed(host, heartbeat):
                found = host
            self._heartbeats.is_silent(host, heartbeat, time.monotonic())
        return found

    def _heartbeat(self, host: str) -> float | None:
        heartbeat: float | None = self._database.value(
            "SELECT max(heartbeat) FROM process WHERE host = ?", host
        )
        return heartbeat

    def _servers(self, code: str) -> list[Process]:
        rows = self._database.query(
            "SELECT process FROM process WHERE role = ? AND code = ?", SERVER, code
        )
        return [Process.from_text(process) for (process,) in rows]

    def _add(
        self,
        role: str,
        code: str,
        process: Process,
        port: int | None = None,
        tasks: dict[str, str] | None = None,
        app: str | None = None,
    ) -> None:
        self._database.run(
            "INSERT OR REPLACE INTO process (role, code, process, host, port, tasks,"
            " heartbeat, app) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            role,
            code,
            str(process),
            process.host,
            port,
            None if tasks is None else json.dumps(tasks),
            time.time(),
            app,
        )
