"""Parts of a job on Celery: any worker runs them, and the job itself if none does."""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable, Iterator
from typing import Any

import celery

from ....core.calls import Call
from ....core.ids import new_job_id
from ....running.parts import InTurn, Work, sent
from ..documents.deliveries import Message
from ..documents.documents import Documents
from ..documents.job_state import Live
from ..documents.part_state import PartMessage, setting_key
from ..documents.stored_parts import StoredParts
from ..workflows.workflow import Workflow, resolve
from .post import PartPost
from .round import PartRound
from .worker import PartSetting


class CeleryParts:
    """Runs the parts of a job.

    The job holds its place in the worker while it waits for them. So it runs a part
    itself that no worker takes: all workers may have such jobs, or it may be the only
    one.

    Args:
        app: of the broker.
        documents: patient ones.
        lease: of workers, in seconds.
        live: the job.
        call: of the job.
        message: how the job was sent.
        is_eager: whether the process that submitted the job runs it.
        announce: called with a workflow that the job returns, before it is sent.
    """

    def __init__(
        self,
        app: celery.Celery,
        documents: Documents,
        lease: float,
        live: Live,
        call: Call,
        message: Message,
        is_eager: bool,
        announce: Callable[[Workflow], object],
    ) -> None:
        self._announce = announce
        self._is_eager = is_eager
        self._app = app
        self._documents = documents
        self._lease = lease
        self._live = live
        self._call = call
        self._message = message
        self._stored = StoredParts(documents, live.record.id)

    @property
    def resolve(self) -> Callable[[Any], Any]:
        return functools.partial(resolve, self._app, self._announce)

    def run(self, work: Work) -> Iterator[Any]:
        if self._is_eager:
            yield from InTurn().run(work)
            return
        setting = PartSetting(
            function=work.function, variables=self._call.variables, app=self._call.app
        )
        pickled = base64.b64encode(sent("The function of map()", setting)).decode()
        map_id = new_job_id()
        kept = self._documents.split(setting_key(map_id), pickled)
        post = PartPost(
            self._app,
            self._documents,
            self._message,
            work.queue,
            PartMessage(
                job=self._live.record.id,
                run=self._live.run,
                map=map_id,
                setting=len(kept),
                number=0,
            ),
        )
        self._stored.open(map_id, len(kept))
        try:
            self._documents.write_many(kept)
            running = PartRound(
                post,
                self._documents,
                self._stored,
                map_id,
                work,
                self._lease,
                [*kept],
            )
            try:
                yield from running.results()
            finally:
                running.close()
        finally:
            # Parts that still run elsewhere find it gone, and end.
            self._documents.delete([*kept])
            self._stored.close(map_id)
