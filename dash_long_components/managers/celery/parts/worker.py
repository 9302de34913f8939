"""Parts of jobs in Celery's workers: a Celery task for all of them."""

from __future__ import annotations

import base64
import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import celery
import cloudpickle
from celery.exceptions import WorkerLostError
from celery.worker.request import Request

from ....bridge import app_context
from ....core.bars import Bars
from ....core.ids import new_job_id
from ....core.limits import grace_after
from ....core.steps import Steps
from ....running import context_vars, current, worker_init
from ....running.current import CurrentJob
from ....running.parts import failure_of, outcome_of
from ....running.reports import Unasked
from ..documents.documents import Documents, part_keys
from ..documents.job_state import End, Live
from ..documents.part_state import (
    PartMessage,
    PartState,
    PartTakenError,
    changed,
    item_key,
    outcome_key,
    setting_key,
)
from ..supervision.job_request import terminated
from ..workers.homes import Home
from ..workers.own_process import orphans, process_of_its_own
from ..workers.own_tasks import own_task

logger = logging.getLogger("dash_long_components")

#: Name of the Celery task of parts. It has not the prefix of those of jobs.
PART = "dash-long-jobs.part"

#: Seconds between two looks of a part whether it is wanted, at most.
_LOOK = 1.0

#: Seconds after which it reports what it has logged, as a job does.
_REPORT = 0.25


@dataclass(frozen=True, kw_only=True)
class PartSetting:
    """What all parts of one ``map()`` have in common.

    Attributes:
        function: for each item.
        variables: context variables of the job, as its call has them.
        app: id of the app.
    """

    function: Callable[[Any], Any]
    variables: dict[str, Any]
    app: str

    @contextmanager
    def entered(self, job: CurrentJob) -> Iterator[None]:
        """Give this process the context of the job."""
        context_vars.restore(self.variables)
        with app_context.entered(self.app), current.entered(job):
            worker_init.prepare()
            yield


class PartRequest(Request):
    """A part in the main process of its worker."""

    def on_failure(
        self,
        exc_info: Any,
        send_failed_event: bool = True,
        return_ok: bool = False,
    ) -> None:
        """Log no error for a part that has ended itself, since its job has ended."""
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        if isinstance(error, WorkerLostError) and "exitcode 0" in str(error):
            exc_info = terminated()
        super().on_failure(exc_info, send_failed_event, return_ok)


def add_part(app: celery.Celery, home: Home) -> None:
    """Add the Celery task of parts.

    Args:
        app: of the workers.
        home: where their jobs belong.
    """
    documents = Documents(home.app, patient=True)

    @own_task(
        app,
        PART,
        ignore_result=True,
        # The job notices the death of a worker, and sends the part again.
        acks_late=False,
        max_retries=0,
        Request=PartRequest,
    )
    def part(text: str) -> None:
        claim = Claim(documents, PartMessage.from_text(text), home.lease)
        live = claim.take()
        if live is not None:
            _run(claim, live)


def _run(claim: Claim, live: Live) -> None:
    pickled = claim.load()
    if pickled is None:
        return  # its map() has ended
    setting, item = pickled
    with process_of_its_own() as kill:
        before = set() if kill is None else orphans.look()
        with claim.kept(kill, live.record.limits.grace):
            context = contextvars.copy_context()
            outcome = context.run(_outcome, claim, live, setting, item)
        claim.finish(outcome)
        if kill is not None:
            orphans.end(before)


def _outcome(claim: Claim, live: Live, pickled: bytes, item: bytes) -> bytes:
    job = CurrentJob(live.record, claim.is_unwanted)
    job.report_to(claim)
    try:
        setting: PartSetting = cloudpickle.loads(pickled)
        with setting.entered(job):
            return outcome_of(setting.function, item)
    except BaseException as error:
        return failure_of(error)


class Claim(Unasked):
    """A part that this process has claimed. Sends what it reports.

    Args:
        documents: of the job.
        message: of the part.
        lease: of workers, in seconds.
    """

    def __init__(
        self, documents: Documents, message: PartMessage, lease: float
    ) -> None:
        self.bars = Bars(lambda: None)
        self.steps = Steps()
        self._documents = documents
        self._message = message
        self._by = new_job_id()
        self._interval = min(_LOOK, lease / 6)
        self._lock = threading.Lock()
        #: Lines that may not be stored yet, and how many were logged before them.
        self._lines: list[list[Any]] = []
        self._before = 0
        self._title: str | None = None
        self._over = threading.Event()
        self._killing = threading.Lock()

    def take(self) -> Live | None:
        """Claim the part, and return its job; None if it is not wanted here."""
        live = self._live()
        if live is None:
            return None
        with suppress(PartTakenError):
            self._before = self._update(lambda state: state.claim(self._by)).logged
            return live
        return None

    def load(self) -> tuple[bytes, bytes] | None:
        """Return the setting and the item, pickled; None if they are gone."""
        message = self._message
        setting = self._documents.read_parts(setting_key(message.map), message.setting)
        item: str | bytes | None = message.item
        if message.item_parts:
            key = item_key(message.map, message.number)
            item = self._documents.read_parts(key, message.item_parts)
        if setting is None or item is None:
            return None
        return base64.b64decode(setting), base64.b64decode(item)

    def is_unwanted(self) -> bool:
        """Return whether the job needs the part no more."""
        return self._live() is None

    @contextmanager
    def kept(self, kill: Callable[[], None] | None, grace: float) -> Iterator[None]:
        """Keep the claim while the block runs the part, and end it with its job.

        Args:
            kill: ends this process; None if it may have other jobs.
            grace: seconds for which it may go on after a cancel.
        """
        threading.Thread(
            target=contextvars.copy_context().run,
            args=(self._watch, kill, grace),
            name="dash-long-job-part",
            daemon=True,
        ).start()
        try:
            yield
        finally:
            with self._killing:
                self._over.set()

    def finish(self, outcome: bytes) -> None:
        """Write the outcome, unless another process has the part by now."""
        text = base64.b64encode(outcome).decode()
        message = self._message
        key = outcome_key(message.map, message.number, self._by)
        count = self._documents.write_parts(key, text)
        try:
            self._report(count)
        except PartTakenError:
            self._documents.delete(part_keys(key, count))

    def log(self, text: str, level: int, time: float) -> None:
        """Keep lines for the log of the job."""
        with self._lock:
            self._lines.append([text, level, time])

    def set_title(self, title: str) -> None:
        """Keep the job's new title; "" for none."""
        self._title = title

    def _watch(self, kill: Callable[[], None] | None, grace: float) -> None:
        looked = time.monotonic()
        while not self._over.wait(min(_REPORT, self._interval)):
            now = time.monotonic()
            is_due = now - looked >= self._interval
            if not (is_due or self._has_news):
                continue
            looked = now if is_due else looked
            try:
                if is_due and self._live() is None:
                    raise PartTakenError
                self._report()
            except PartTakenError:
                break
        if kill is None or self._over.wait(self._grace(grace)):
            return
        # If the function has returned by now, its process may have another job.
        with self._killing:
            if not self._over.is_set():
                kill()

    def _grace(self, grace: float) -> float:
        text = self._documents.read(f"{self._message.job}.end")
        return grace_after(End.from_text(text).status, grace) if text else 0.0

    @property
    def _has_news(self) -> bool:
        return bool(self._lines) or self._title is not None

    def _report(self, outcome: int = 0) -> None:
        """Write what is new. Two threads may do so at once."""
        title: str | None = None

        def change(state: PartState) -> PartState:
            nonlocal title
            with self._lock:
                title = self._title
                # What another thread, or a try without an answer, has not written.
                lines = self._lines[max(0, state.logged - self._before) :]
            return state.report(self._by, lines, title, outcome)

        state = self._update(change)
        with self._lock:
            written = max(0, state.logged - self._before)
            self._lines = self._lines[written:]
            self._before += written
            if self._title is title:
                self._title = None

    def _update(self, change: Callable[[PartState], PartState]) -> PartState:
        """Change the state of the part. Atomic.

        Raises:
            PartTakenError: another process has the part, or it is not wanted.
        """
        text = self._documents.update(self._message.state_key, changed(change))
        return PartState.from_text(text)

    def _live(self) -> Live | None:
        """Return the job; None if it has ended, or needs the part no more."""
        job, first = self._message.job, part_keys(setting_key(self._message.map), 1)
        end, text, setting = self._documents.read_many(
            [f"{job}.end", f"{job}.live", *first]
        )
        if end is not None or text is None or setting is None:
            return None
        live = Live.from_text(text)
        return live if live.run == self._message.run else None
