"""Deliveries: the messages of a job, and the worker that has received one.

Everything here is pure: no clock, no backend.

A message can vanish between the broker and a worker that dies. Messages arrive in
order. If a later message has arrived and the job has not, the job's message is lost.
So a reader sends a probe when a job takes long to arrive (``probes``). If only the
probe arrives, the reader sends the job again. A worker recognises a second delivery of
a job, and does nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import Enum, auto
from typing import Any

from ....core.versions import from_fields
from .job_state import Worker

#: Times that a job is sent again before it is lost.
MAX_RESENDS = 3


@dataclass(frozen=True, kw_only=True)
class Message:
    """The data that sends a job.

    Attributes:
        task: name of the Celery task.
        parts: number of documents that hold the call.
        lane: name of the lane in which the job waits for its turn; None if it does not.
        timeout: seconds for which any attempt may run.
        until: when all attempts must be over, in seconds since the epoch; None for no
            limit, and in the first message.
        grace: seconds for which it may go on after a cancel.
        expires: seconds since the epoch after which workers drop it; None for never.
        queue: name of Celery's queue; None for that of Celery's routes.
        priority: as the broker counts; None for the broker's default.
        group: name of the group that holds the job back; None if none does.
    """

    task: str
    parts: int = 0
    lane: str | None = None
    timeout: float | None = None
    until: float | None = None
    grace: float = 0.0
    expires: float | None = None
    queue: str | None = None
    priority: int | None = None
    group: str | None = None

    @property
    def route(self) -> dict[str, Any]:
        """Options of ``Celery.send_task`` that say where it goes."""
        found = {"queue": self.queue, "priority": self.priority}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def task_name(self) -> str:
        """Name of the task, as ``module.function``."""
        return self.task.partition(".")[2].rpartition(".")[0]

    def of_retry(self, until: float | None) -> Message:
        """Return the message of a further run: it waits for no turn, nor expires.

        Args:
            until: when all attempts must be over, in seconds since the epoch.
        """
        return replace(self, lane=None, expires=None, until=until)

    def seconds(self, now: float) -> float | None:
        """Return how long an attempt that starts now may run; None for no limit.

        Args:
            now: seconds since the epoch.
        """
        left = None if self.until is None else max(0.0, self.until - now)
        return min((s for s in (self.timeout, left) if s is not None), default=None)

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Message:
        return from_fields(cls, json.loads(text))


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The worker that has received a job. The job may wait there for its turn.

    Attributes:
        worker: the last one that has received it.
        number: of the message.
        released: whether the worker no longer has it, and has not begun it.
    """

    worker: Worker
    number: int
    released: bool = False

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Receipt:
        fields = json.loads(text)
        fields["worker"] = from_fields(Worker, fields["worker"])
        return from_fields(cls, fields)

    def given_up(self, lease: str, number: int) -> Receipt:
        """Return the receipt after the worker of a lease has dropped the message."""
        is_its = self.worker.lease == lease and self.number == number
        return replace(self, released=True) if is_its else self


class Receiver(Enum):
    """The state of the worker that has received a job last."""

    NONE = auto()  #: it has no message of the job, or has given it back
    ALIVE = auto()  #: it has the job
    DEAD = auto()  #: it had the job when it died


class Step(Enum):
    """The next step of a reader for a job that has not begun."""

    WAIT = auto()  #: nothing
    MARK = auto()  #: note the number of the next probe
    PROBE = auto()  #: see that the probe is sent
    RESEND = auto()  #: send the job again
    LOSE = auto()  #: end it as lost


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """The state of the messages of a job.

    Attributes:
        number: of the latest message, from 0.
        at: when it was sent, in seconds since the epoch.
        resent: how often in a row the job was sent again because a message was lost.
        probe: number of the probe that shows whether the latest message is lost.
        since: the situation in which ``probe`` was noted.
        run: number of the run for which the latest message was sent.
    """

    number: int = 0
    at: float
    resent: int = 0
    probe: int | None = None
    since: str = ""
    run: int = 1

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Delivery:
        return from_fields(cls, json.loads(text))

    def situation(self, receipt: Receipt | None) -> str:
        """Return a text that changes when a message of the job changes hands."""
        if receipt is None or receipt.number < self.number:
            return f"{self.number}"
        return f"{self.number} {receipt.worker.lease} {receipt.released}"

    def step(
        self,
        *,
        receiver: Receiver,
        situation: str,
        waited: float,
        probe_after: float,
        passed: int,
    ) -> Step:
        """Return what a reader does about the job.

        Args:
            receiver: what is known of the worker that has received the latest message.
            situation: the current one.
            waited: seconds since the latest message was sent.
            probe_after: seconds after which a reader sends a probe.
            passed: number of the last probe that has arrived.
        """
        if receiver is Receiver.ALIVE:
            return Step.WAIT
        if receiver is Receiver.DEAD:
            return self._again()
        if waited < probe_after:
            return Step.WAIT
        if self.probe is None or self.since != situation:
            return Step.MARK
        return self._again() if passed >= self.probe else Step.PROBE

    def _again(self) -> Step:
        return Step.RESEND if self.resent < MAX_RESENDS else Step.LOSE

    def marked(self, probe: int, situation: str) -> Delivery:
        """Return the state after the number of a probe was noted."""
        return replace(self, probe=probe, since=situation)

    def refused(self) -> Delivery:
        """Return the state after the broker did not accept the latest message."""
        return replace(self, resent=self.resent - 1)

    def sent_again(self, now: float, *, is_lost: bool) -> Delivery:
        """Return the state after another message.

        Args:
            now: seconds since the epoch.
            is_lost: whether the message before it was lost; otherwise the job waits in
                its lane, and its worker sends it back to the queue. So messages
                arrive, and a new count of lost ones begins.
        """
        return Delivery(
            number=self.number + 1,
            at=now,
            resent=self.resent + 1 if is_lost else 0,
            run=self.run,
        )

    def sent_for(self, run: int, now: float) -> Delivery:
        """Return the state after the first message of a run."""
        return Delivery(number=self.number + 1, at=now, run=run)
