"""Finds jobs whose message is lost, and sends them again."""

from __future__ import annotations

import time
from collections.abc import Callable

import celery

from ....core import attempts
from ....core.records import Record
from ..documents.deliveries import Delivery, Message, Receipt, Receiver, Step
from ..documents.documents import Documents
from ..documents.job_state import End
from ..documents.unexpected_ends import message_lost
from ..workers.leases import Leases, Tenure
from .probes import Probes
from .sending import Sender

#: The receiver of a reserved job, by the lease of the worker that has received it. A
#: worker that shuts down cleanly gives its jobs back, if the broker responds.
_RECEIVERS = {
    Tenure.RENEWED: Receiver.ALIVE,
    Tenure.LEFT: Receiver.NONE,
    Tenure.SILENT: Receiver.DEAD,
}

#: Copies of a message that are sent at once, at most.
_MAX_COPIES = 16


class Recovery:
    """Sends jobs again that were sent, have not begun, and are on no worker.

    Args:
        app: of the broker.
        documents: where the state of deliveries is stored.
        leases: of the workers.
        probe_after: seconds after which a reader begins to look for a message.
        is_draining: returns whether no further run of a job may start.
    """

    def __init__(
        self,
        app: celery.Celery,
        documents: Documents,
        leases: Leases,
        probe_after: float,
        is_draining: Callable[[], bool],
    ) -> None:
        self._documents = documents
        self._leases = leases
        self._probe_after = probe_after
        self._is_draining = is_draining
        self._sender = Sender(app)
        self._probes = Probes(documents, probe_after, self._sender.send_probe)

    def follow(
        self,
        record: Record,
        message: Message,
        receipt: Receipt | None,
        delivery: Delivery | None,
    ) -> End | None:
        """Look after the message of a job that has not begun.

        Returns:
            The end of a job that was lost too often; None otherwise.
        """
        state = delivery or Delivery(at=record.created)
        now = time.time()
        if record.run > 1:
            message = message.of_retry(attempts.until(record))
        if state.run < record.run:
            self._send_attempt(record, state, message, now)
            return None
        situation = state.situation(receipt)
        waited = now - state.at
        receiver = self._receiver(state, receipt)
        step = state.step(
            receiver=receiver,
            situation=situation,
            waited=waited,
            probe_after=self._probe_after,
            passed=self._probes.state(message.task).passed
            if waited >= self._probe_after
            else 0,
        )
        match step:
            case Step.MARK:
                probe = self._probes.state(message.task).sent + 1
                self._change(record, state, lambda it: it.marked(probe, situation))
                self._probes.ensure(message, probe)
            case Step.PROBE if state.probe is not None:
                self._probes.ensure(message, state.probe)
            case Step.RESEND | Step.LOSE:
                # A worker that has died has said what it has received.
                hides = receiver is Receiver.NONE and self._leases.hide_messages()
                if step is Step.LOSE and not hides:
                    return message_lost(record, now, state.resent + 1)
                self._send_again(record, state, message, now, hides=hides)
        return None

    def _send_attempt(
        self, record: Record, state: Delivery, message: Message, now: float
    ) -> None:
        """Send the next run of a job if its time has come, but not in a drain."""
        is_early = record.next_try is not None and now < record.next_try
        if is_early or self._is_draining():
            return
        sent = self._change(record, state, lambda it: it.sent_for(record.run, now))
        # A message that the broker does not accept is found to be lost.
        if sent is not None and not self._sender.send(record.id, sent.number, message):
            self._change(record, sent, Delivery.refused)

    def _send_again(
        self,
        record: Record,
        state: Delivery,
        message: Message,
        now: float,
        *,
        hides: bool,
    ) -> None:
        """Send a job again, so often that a free worker gets it if busy ones hide it.

        RabbitMQ gives each worker a message in turn. It might give a free one nothing
        but the probes.
        """
        again = self._change(record, state, lambda it: it.sent_again(now, is_lost=True))
        if again is None:
            return
        copies = min(again.resent, _MAX_COPIES) if hides else 1
        if not self._sender.send_again(record.id, again.number, message, copies):
            self._change(record, again, Delivery.refused)

    def _receiver(self, delivery: Delivery, receipt: Receipt | None) -> Receiver:
        if receipt is None or receipt.released or receipt.number < delivery.number:
            return Receiver.NONE
        return _RECEIVERS[self._leases.tenure(receipt.worker.lease)]

    def _change(
        self, record: Record, known: Delivery, change: Callable[[Delivery], Delivery]
    ) -> Delivery | None:
        """Change the state of a delivery, unless another process has. Atomic."""
        changed: Delivery | None = None

        def update(text: str | None) -> str:
            nonlocal changed
            found = delivery_of(record, text)
            changed = change(found) if found.number == known.number else None
            return (changed or found).to_text()

        self._documents.update(delivery_key(record.id), update)
        return changed


def delivery_of(record: Record, text: str | None) -> Delivery:
    """Return the state of the messages of a job, as its document says."""
    return Delivery.from_text(text) if text else Delivery(at=record.created)


def delivery_key(job_id: str) -> str:
    """Return the key of the document about the messages of a job."""
    return f"{job_id}.delivery"
