"""The managers of one app, by the tokens of their jobs."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ..core.answers import over
from ..core.health import Health
from ..core.job_errors import JobError
from ..core.outage_log import OutageLog
from ..core.records import Record
from ..core.search import Search
from ..core.snapshots import Snapshot
from ..core.status import Status
from ..exceptions import BadTokenError, BrokerUnavailableError, StoreError
from ..managers.base import LongCallbackManager
from .tokens import TokenSigner, is_view, manager_of

#: A manager rests after an outage while others respond: this factor times the time that
#: it took to fail, up to this many seconds.
REST_FACTOR, LONGEST_REST = 3, 15.0

#: The error of a job that no manager finds, for whatever reason.
UNKNOWN_JOB = JobError(
    type="UnknownJob",
    message="The server does not know this job. Its record has expired.",
    task="",
)

_DIGITS = "0123456789"


@dataclass(frozen=True, kw_only=True)
class _Outage:
    """A manager that did not respond.

    Attributes:
        until: polls do not ask it before this time, by the monotonic clock.
        error: of the last read.
    """

    until: float
    error: StoreError


class Managers:
    """The managers of one app.

    A token names its manager, so that the outage of one manager leaves the others
    alone.
    """

    def __init__(self) -> None:
        self._by_name: dict[str, LongCallbackManager] = {}
        self._signers: dict[bytes | str, TokenSigner] = {}
        self._outages: dict[LongCallbackManager, _Outage] = {}
        self._logs: dict[LongCallbackManager, OutageLog] = {}
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[LongCallbackManager]:
        return iter(list(self._by_name.values()))

    def add(self, manager: LongCallbackManager) -> bool:
        """Add a manager, and return whether it is new. Idempotent."""
        with self._lock:
            is_new = manager not in self._by_name.values()
            if is_new:
                name = self._new_name(manager)
                self._by_name[name] = manager
                self._logs[manager] = OutageLog(f"The job store of {name}")
            return is_new

    def _new_name(self, manager: LongCallbackManager) -> str:
        """Return a name for a manager that is the same in every server process.

        Each process has the managers in the same order, which the app's code gives.
        """
        kind = type(manager).__name__.removesuffix("LongCallbackManager").lower()
        kind = re.sub("[^a-z]", "", kind)[:16] or "manager"
        same = [name for name in self._by_name if name.rstrip(_DIGITS) == kind]
        return f"{kind}{len(same) + 1}" if same else kind

    def sign(self, ticket: str, manager: LongCallbackManager, owner: str | None) -> str:
        """Return the token for a ticket of ``manager``, for ``owner`` alone."""
        return self._signer(manager).sign(ticket, self.name_of(manager), owner)

    def sign_view(self, ticket: str, manager: LongCallbackManager) -> str:
        """Return a token for a ticket that can't cancel, for everyone who has it."""
        return self._signer(manager).sign_view(ticket, self.name_of(manager))

    def digest(self, text: str, manager: LongCallbackManager) -> str:
        """Return a digest of a text, which only a server process can make."""
        return self._signer(manager).digest(text)

    def read(
        self, readings: Sequence[tuple[str, int]], owner: str | None, room: int
    ) -> list[Snapshot | None]:
        """Return what is new about jobs, given by ``(token, cursor)``, by position.

        A token that is invalid or another user's, and a job that is gone, give the
        same answer. None for a job whose manager is not responding.

        Args:
            readings: of one page.
            owner: of the page.
            room: bytes of results from which no further one is loaded.

        Raises:
            StoreError: none of the managers of these jobs is responding.
        """
        read: dict[int, Snapshot | None] = {}
        groups = self._by_manager(token for token, _ in readings)
        outage: StoreError | None = None
        for manager, positions in groups:
            found: Sequence[Snapshot | None] = [None] * len(positions)
            resting = self._resting(manager) if len(groups) > 1 else None
            try:
                if resting is not None:
                    raise resting.with_traceback(None)
                asked = [readings[at] for at in positions]
                found = self._read(manager, asked, owner, room)
            except StoreError as error:
                outage = error
            room -= sum(len(it.result) for it in found if it and it.result)
            read.update(zip(positions, found, strict=True))
        answers = [
            read[at] if at in read else _unknown(cursor)
            for at, (_, cursor) in enumerate(readings)
        ]
        if outage is not None and not any(answers):
            raise outage
        return answers

    def _by_manager(
        self, tokens: Iterable[str]
    ) -> list[tuple[LongCallbackManager, list[int]]]:
        """Return the positions of tokens for each manager that they name."""
        positions: dict[str, list[int]] = {}
        for at, token in enumerate(tokens):
            positions.setdefault(manager_of(token), []).append(at)
        return [
            (self._by_name[name], found)
            for name, found in positions.items()
            if name in self._by_name
        ]

    def _read(
        self,
        manager: LongCallbackManager,
        readings: Sequence[tuple[str, int]],
        owner: str | None,
        room: int,
    ) -> list[Snapshot]:
        """Return what is new about jobs of one manager."""
        read: dict[int, Snapshot] = {}
        began = time.monotonic()
        try:
            signer = self._signer(manager)
            tickets: dict[int, tuple[str, int]] = {}
            for at, (token, cursor) in enumerate(readings):
                with suppress(BadTokenError):
                    tickets[at] = (signer.verify(token, owner), cursor)
            found = manager.read_all(list(tickets.values())) if tickets else []
            for at, snapshot in zip(tickets, found, strict=True):
                with suppress(KeyError):
                    if snapshot is not None:
                        it = snapshot.with_result() if room > 0 else snapshot
                        room -= len(it.result or b"")
                        read[at] = it
        except StoreError as error:
            self._rest(manager, error, began)
            raise
        if tickets:
            self._logs[manager].end()
        return [
            read.get(at) or _unknown(cursor) for at, (_, cursor) in enumerate(readings)
        ]

    def look_for(self, search: Search) -> list[tuple[LongCallbackManager, Record]]:
        """Return the jobs of all managers that a search finds, each once.

        Leaves out a manager that is not responding, while another is.

        Raises:
            StoreError: none of the managers is responding.
        """
        found: dict[str, tuple[LongCallbackManager, Record]] = {}
        managers = list(self)
        outages: list[StoreError] = []
        for manager in managers:
            resting = self._resting(manager) if len(managers) > 1 else None
            if resting is not None:
                outages.append(resting.with_traceback(None))
                continue
            began = time.monotonic()
            try:
                # Two managers may have one job store.
                for record in manager.look_for(search):
                    found.setdefault(record.id, (manager, record))
            except StoreError as error:
                self._rest(manager, error, began)
                outages.append(error)
        if outages and len(outages) == len(managers):
            raise outages[-1]
        return [*found.values()]

    def _rest(
        self, manager: LongCallbackManager, error: StoreError, began: float
    ) -> None:
        """Let a manager rest that has failed, and log that."""
        now = time.monotonic()
        pause = min(REST_FACTOR * (now - began), LONGEST_REST)
        self._outages[manager] = _Outage(until=now + pause, error=error)
        self._note(manager, error)

    def _note(self, manager: LongCallbackManager, error: StoreError) -> None:
        """Log the beginning of an outage."""
        # Polls don't need the broker, so that none could tell when it is back. Its
        # manager logs that.
        if not isinstance(error, BrokerUnavailableError):
            self._logs[manager].begin(error)

    def _resting(self, manager: LongCallbackManager) -> StoreError | None:
        """Return the last error of a manager that rests after it; None if it does not.

        It may take seconds to fail, and the jobs of the other managers wait for it.
        """
        outage = self._outages.get(manager)
        if outage is None or time.monotonic() >= outage.until:
            return None
        return outage.error

    def ticket(
        self, token: str, owner: str | None
    ) -> tuple[LongCallbackManager, str] | None:
        """Return the manager and the ticket of a token; None if it is not valid.

        Raises:
            StoreUnavailableError: its manager is not responding.
        """
        manager = self._by_name.get(manager_of(token))
        if manager is None:
            return None
        try:
            return manager, self._signer(manager).verify(token, owner)
        except BadTokenError:
            return None

    def cancel(self, tokens: Iterable[str], owner: str | None) -> None:
        """Cancel jobs.

        A token changes nothing if it is invalid, another user's, or read-only.

        Raises:
            StoreError: a manager is not responding. Jobs of the others are
                cancelled.
        """
        tokens = [token for token in tokens if not is_view(token)]
        outage: StoreError | None = None
        for manager, positions in self._by_manager(tokens):
            try:
                self._cancel(manager, [tokens[at] for at in positions], owner)
            except StoreError as error:
                self._note(manager, error)
                outage = error
        if outage is not None:
            raise outage

    def _cancel(
        self, manager: LongCallbackManager, tokens: Iterable[str], owner: str | None
    ) -> None:
        """Cancel jobs of one manager."""
        signer = self._signer(manager)
        tickets: dict[str, None] = {}
        for token in tokens:
            with suppress(BadTokenError):
                tickets[signer.verify(token, owner)] = None
        for ticket in tickets:
            manager.cancel(ticket)

    def answer(self, token: str, owner: str | None, question: str, answer: str) -> None:
        """Answer a question of a job.

        Raises:
            QuestionOverError: the job does not wait for this answer, or the token is
                invalid, another user's, or read-only.
            ValueError: the answer is none to this question.
            StoreError: its manager is not responding.
        """
        found = None if is_view(token) else self.ticket(token, owner)
        if found is None:
            raise over("of this token")
        manager, ticket = found
        try:
            manager.answer(ticket, question, answer)
        except StoreError as error:
            self._note(manager, error)
            raise

    def name_of(self, manager: LongCallbackManager) -> str:
        """Return the name of a manager."""
        return next(name for name, it in self._by_name.items() if it is manager)

    def by_name(self) -> dict[str, LongCallbackManager]:
        """Return all managers by their names."""
        return dict(self._by_name)

    def health(self) -> dict[str, Health]:
        """Return the health of each manager, by its name. The log gets more."""
        found: dict[str, Health] = {}
        for name, manager in list(self._by_name.items()):
            try:
                manager.warm_up()  # a dispatcher that can't start is found out
                found[name] = manager.health()
                self._logs[manager].end()
            except StoreError as error:
                self._note(manager, error)
                found[name] = Health(problem=error.summary)
        return found

    def have_imported(self, package: str) -> bool:
        """Return whether a job has imported a component library."""
        for manager in self:
            try:
                if package in manager.libraries():
                    return True
            except StoreError as error:
                self._note(manager, error)
        return False

    def warm_up(self) -> None:
        """Warm up the managers: the app has just served a page."""
        for manager in self:
            try:
                manager.warm_up()
            except StoreError as error:
                # Serve the page nevertheless: the store may be back by its first job,
                # and a page shows why a job can't start.
                self._note(manager, error)

    def _signer(self, manager: LongCallbackManager) -> TokenSigner:
        # Not the server's secret_key: each process may have made one for itself.
        secret = manager.secret()
        if secret not in self._signers:
            self._signers[secret] = TokenSigner(secret)
        return self._signers[secret]


def _unknown(cursor: int) -> Snapshot:
    return Snapshot(
        cursor=cursor + 1, status=Status.LOST, created=0, changed=0, error=UNKNOWN_JOB
    )
