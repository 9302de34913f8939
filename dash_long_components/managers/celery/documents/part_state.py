"""The parts of a job on Celery: their messages, and what is stored of them.

Everything here is pure: no clock, no backend.

A part has one document, its state, from before its message until its job has its
result. A process claims the part there before it runs it: a worker that has got its
message, or the job itself, which waits for the results and finds no worker free. The
first claim counts. A message that arrives later finds no state.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ....core.versions import from_fields

#: Lines of a part's log that its state has.
_LINES = 100


@dataclass(frozen=True, kw_only=True)
class PartMessage:
    """The data that sends a part.

    Attributes:
        job: id of its job.
        run: of the job, as ``Live.run``.
        map: random, of one ``map()``.
        setting: number of documents that hold the function and its context.
        number: of the part, from 1.
        item: its item, pickled, in base64; "" if documents hold it.
        item_parts: number of these documents.
    """

    job: str
    run: str
    map: str
    setting: int
    number: int
    item: str = ""
    item_parts: int = 0

    @property
    def state_key(self) -> str:
        """Key of the part's state."""
        return state_key(self.map, self.number)

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> PartMessage:
        return from_fields(cls, json.loads(text))


@dataclass(frozen=True, kw_only=True)
class PartState:
    """The state of a part.

    Attributes:
        by: random, of the process that has claimed it; None if none has.
        tries: how many processes have, with the present one.
        beat: changes while that process lives.
        title: that the part has given to its job; None if it has not.
        lines: ``[text, level, time]`` of its log, the last ones.
        logged: number of lines that it has logged so far, in all its tries.
        outcome: number of documents that hold its outcome; 0 while it has none.
    """

    by: str | None = None
    tries: int = 0
    beat: int = 0
    title: str | None = None
    lines: list[list[Any]] = field(default_factory=list)
    logged: int = 0
    outcome: int = 0

    def claim(self, by: str) -> PartState:
        """Return the state after a claim.

        Raises:
            PartTakenError: another process has the part.
        """
        if self.by is not None:
            raise PartTakenError
        return replace(self, by=by, tries=self.tries + 1)

    def release(self, by: str) -> PartState:
        """Return the state after the death of the process that has the part.

        Raises:
            PartTakenError: another process has it now, or it has ended.
        """
        if self.by != by or self.outcome:
            raise PartTakenError
        return replace(self, by=None)

    def report(
        self, by: str, lines: list[list[Any]], title: str | None, outcome: int = 0
    ) -> PartState:
        """Return the state after news of the process that has the part.

        Nothing changes once it has an outcome: that comes last. But the thread that
        reports beside the function may be late.

        Args:
            by: that process.
            lines: that are new.
            title: that is new; None if none is.
            outcome: number of documents that hold the outcome; 0 for none yet.

        Raises:
            PartTakenError: another process has it.
        """
        if self.by != by:
            raise PartTakenError
        if self.outcome:
            return self
        return replace(
            self,
            beat=self.beat + 1,
            title=self.title if title is None else title,
            lines=[*self.lines, *lines][-_LINES:],
            logged=self.logged + len(lines),
            outcome=outcome,
        )

    def lines_after(self, logged: int) -> list[list[Any]]:
        """Return the lines that have come since so many."""
        new = self.logged - logged
        return self.lines[-new:] if new > 0 else []

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> PartState:
        return from_fields(cls, json.loads(text))


class PartTakenError(Exception):
    """Another process has the part, or has had it."""


def changed(change: Callable[[PartState], PartState]) -> Callable[[str | None], str]:
    """Return a change of a state as one of its text, for ``Documents.update``."""

    def change_text(text: str | None) -> str:
        if text is None:
            raise PartTakenError  # its job has the result, or has ended
        return change(PartState.from_text(text)).to_text()

    return change_text


def state_key(map_id: str, number: int) -> str:
    """Return the key of the state of a part."""
    return f"{map_id}.{number}"


def outcome_key(map_id: str, number: int, by: str) -> str:
    """Return the key of the outcome of a part, as one process has it."""
    return f"{map_id}.{number}.{by}"


def item_key(map_id: str, number: int) -> str:
    """Return the key of the item of a part, if its message does not have it."""
    return f"{map_id}.{number}.item"


def setting_key(map_id: str) -> str:
    """Return the key of the function of all parts, with its context."""
    return f"{map_id}.setting"
