"""Sends parts of jobs to Celery's broker."""

from __future__ import annotations

import base64
import time

import celery

from ..documents.deliveries import Message
from ..documents.documents import Documents
from ..documents.part_state import PartMessage, item_key
from ..messages.sending import tell_broker
from .worker import PART

#: Characters of an item that a message may have. Brokers are made for short ones.
_ROOM = 64 * 1024


class PartPost:
    """Sends the parts of one ``map()``.

    Args:
        app: of the broker.
        documents: of the job.
        of_job: how the job was sent.
        queue: of the parts; None for that of the job.
        first: what all messages have in common.
    """

    def __init__(
        self,
        app: celery.Celery,
        documents: Documents,
        of_job: Message,
        queue: str | None,
        first: PartMessage,
    ) -> None:
        self._app = app
        self._documents = documents
        self._task = of_job.task
        self._route = of_job.route | ({"queue": queue} if queue else {})
        self._first = first
        self._rests_until = 0.0

    def send(self, number: int, item: bytes) -> int:
        """Send a part, and return the number of documents that hold its item.

        During an outage of the broker it is not sent: the job runs it itself. A
        broker that hangs gets a rest.
        """
        text, count = base64.b64encode(item).decode(), 0
        if len(text) > _ROOM:
            key = item_key(self._first.map, number)
            text, count = "", self._documents.write_parts(key, text)
        fields = {**vars(self._first), "number": number}
        message = PartMessage(**{**fields, "item": text, "item_parts": count})
        began = time.monotonic()
        if began >= self._rests_until:
            try:
                tell_broker(self._app, lambda: self._send(message))
            except Exception:  # each broker has exceptions of its own
                now = time.monotonic()
                self._rests_until = now + (now - began)
        return count

    def _send(self, message: PartMessage) -> None:
        self._app.send_task(
            PART,
            args=(message.to_text(),),
            # Keep the items out of logs and monitors.
            argsrepr=f"{message.job}, part {message.number}",
            # To where the jobs of the task go.
            route_name=self._task,
            **self._route,
            ignore_result=True,
            add_to_parent=False,
            retry=False,
        )
