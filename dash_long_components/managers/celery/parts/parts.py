"""Parts of a job on Celery: any worker runs them, and the job itself if none does."""

from __future__ import annotations

import base64
import functools
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import celery

from ....core.calls import Call
from ....core.ids import new_job_id
from ....exceptions import JobCancelled, PartError
from ....running.parts import InTurn, Work, name_of, naming, result_of, sent
from ..documents.deliveries import Message
from ..documents.documents import Documents, part_keys
from ..documents.job_state import Live
from ..workflows.workflow import Workflow, resolve
from .post import PartPost
from .state import (
    PartMessage,
    PartState,
    PartTakenError,
    changed,
    item_key,
    outcome_key,
    setting_key,
    state_key,
)
from .worker import PartSetting

#: Parts that are under way at once, by default.
_MAX_WORKERS = 16

#: Results that may wait for that of a slow part before them, for each worker.
_AHEAD = 16

#: Seconds between two looks at the parts: from the first to the second while there is
#: no news.
_LOOKS = (0.01, 0.25)

#: Seconds that a part waits for a worker before the job runs it itself.
_HELP_AFTER = 1.0

#: Seconds after which a part is sent again that no worker has claimed; three times as
#: many for each next time. A worker that is busy for long may hold the first message.
_AGAIN = 5.0

#: How often documents are kept in the time for which the backend stores them.
_KEPT = 4

#: Leases after which a worker is dead that says nothing of its part, as for jobs.
_PERIODS = 2

#: Times that a part is begun: the first worker may die.
_TRIES = 2


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
        count = self._documents.write_parts(setting_key(map_id), pickled)
        post = PartPost(
            self._app,
            self._documents,
            self._message,
            work.queue,
            PartMessage(
                job=self._live.record.id,
                run=self._live.run,
                map=map_id,
                setting=count,
                number=0,
            ),
        )
        kept = part_keys(setting_key(map_id), count)
        running = _Round(post, self._documents, map_id, work, self._lease, kept)
        try:
            yield from running.results()
        finally:
            # Parts that still run elsewhere find it gone, and end.
            self._documents.delete(kept)
            running.close()


@dataclass(kw_only=True)
class _Part:
    """A part that is under way.

    Attributes:
        number: from 1.
        item: of the part.
        item_parts: number of documents that hold the item.
        seen: when it was looked at last, by the monotonic clock.
        quiet: seconds for which the job has seen no change of its state.
        again: seconds without a claim after which its message is sent again.
        state: as it was at the last look.
    """

    number: int
    item: Any
    item_parts: int
    seen: float
    quiet: float = 0.0
    again: float = _AGAIN
    state: PartState = field(default_factory=PartState)

    @property
    def name(self) -> str:
        """How messages name it."""
        return name_of(self.number, self.item)


class _Round:
    """Sends the parts of one ``map()``, and yields the results."""

    def __init__(
        self,
        post: PartPost,
        documents: Documents,
        map_id: str,
        work: Work,
        lease: float,
        kept: list[str],
    ) -> None:
        self._post = post
        self._documents = documents
        self._map = map_id
        self._work = work
        self._lease = lease
        self._most = work.max_workers or _MAX_WORKERS
        self._kept = kept
        self._keep_at = time.monotonic()
        self._items = enumerate(work.items, 1)
        #: Items with their numbers that are not sent yet.
        self._taken: deque[tuple[int, Any]] = deque()
        self._sent = 0
        self._yielded = 0
        self._parts: dict[int, _Part] = {}
        self._results: dict[int, Any] = {}
        #: Whether no worker has claimed a part since the job has run one itself.
        self._is_alone = False
        #: Whether the job runs a part itself.
        self._is_busy = False
        self._error: BaseException | None = None

    def results(self) -> Iterator[Any]:
        shortest, longest = _LOOKS
        pause = shortest
        while True:
            self._send()
            following = self._yielded + 1
            if following in self._results:
                self._yielded = following
                yield self._results.pop(following)
            elif following not in self._parts:
                return
            elif self._look():
                pause = shortest
            elif (part := self._unclaimed()) is not None:
                self._run(part)
            else:
                self._work.job.bars.check()
                time.sleep(pause)
                pause = min(2 * pause, longest)

    def close(self) -> None:
        """Delete what is stored of parts that are under way."""
        for part in self._parts.values():
            self._forget(part, part.state)

    def _send(self) -> None:
        """Send parts until there are enough."""
        while self._has_room() and (self._taken or self._take_items(1 - self._is_busy)):
            number, item = self._taken.popleft()
            data = sent(f"The item of part {number}", item)
            # While it has no state, no process can claim it.
            self._documents.write(state_key(self._map, number), PartState().to_text())
            count = self._post.send(number, data)
            self._parts[number] = _Part(
                number=number,
                item=item,
                item_parts=count,
                seen=time.monotonic(),
            )
            self._sent = number

    def _has_room(self) -> bool:
        is_near = self._sent - self._yielded < self._most * _AHEAD
        return is_near and len(self._parts) < self._most

    def _take_items(self, count: int) -> bool:
        """Take the next items, and return whether there are any."""
        self._taken.extend(itertools.islice(self._items, count))
        return bool(self._taken)

    def _look(self) -> bool:
        """Read the states of all parts, and return whether one has ended.

        Raises:
            BaseException: of a part.
            PartError: a part had no end.
        """
        if self._error is not None:
            raise self._error
        self._keep()
        parts = list(self._parts.values())
        keys = [state_key(self._map, part.number) for part in parts]
        texts = self._documents.read_many(keys)
        news = [self._see(part, text) for part, text in zip(parts, texts, strict=True)]
        return any(news)

    def _keep(self) -> None:
        """Keep what a worker needs: the backend drops what no one writes."""
        expires, now = self._documents.expires, time.monotonic()
        if expires is None or now < self._keep_at:
            return
        self._keep_at = now + expires / _KEPT
        keys = [*self._kept]
        for part in self._parts.values():
            keys += part_keys(item_key(self._map, part.number), part.item_parts)
            keys.append(state_key(self._map, part.number))
        self._documents.keep(keys)

    def _see(self, part: _Part, text: str | None) -> bool:
        if text is None:
            raise PartError(
                f"The state of {part.name} is gone from the result backend."
            )
        state = PartState.from_text(text)
        now, before = time.monotonic(), part.state
        # Between two distant looks the backend may have been away.
        part.quiet += min(now - part.seen, self._lease / 3)
        part.seen = now
        if state != before:
            part.state, part.quiet = state, 0.0
            self._is_alone = self._is_alone and state.by == before.by
            if state.title is not None and state.title != before.title:
                self._work.job.title = state.title
            for line in state.lines_after(before.logged):
                self._work.job.log(*line)
        if state.outcome:
            self._take(part, state)
            return True
        if state.by is None and part.quiet > part.again:
            part.again *= 3  # it counts from the same moment
            self._send_again(part)
        elif state.by is not None and part.quiet > _PERIODS * self._lease:
            self._try_again(part, state)
        return False

    def _take(self, part: _Part, state: PartState) -> None:
        key = outcome_key(self._map, part.number, state.by or "")
        outcome = self._documents.read_parts(key, state.outcome)
        del self._parts[part.number]
        self._forget(part, state)
        if outcome is None:
            raise PartError(
                f"The result of {part.name} is gone from the result backend."
            )
        result = result_of(base64.b64decode(outcome), part.number, part.item)
        self._results[part.number] = result
        self._work.done()

    def _try_again(self, part: _Part, state: PartState) -> None:
        """Send a part again whose worker has died."""
        if state.tries >= _TRIES:
            raise PartError(
                f"{part.name[:1].upper()}{part.name[1:]} of map() has no result. Its "
                f"worker has died, {state.tries} times."
            )
        with suppress(PartTakenError):
            self._update(part, lambda it: it.release(state.by or ""))
            self._send_again(part)

    def _send_again(self, part: _Part) -> None:
        self._post.send(part.number, sent(f"The item of part {part.number}", part.item))

    def _unclaimed(self) -> _Part | None:
        """Return a part for the job itself; None if workers take them."""
        wait = 0.0 if self._is_alone else _HELP_AFTER
        for part in self._parts.values():
            if part.state.by is None and part.quiet >= wait:
                return part
        return None

    def _run(self, part: _Part) -> None:
        """Run a part in this process, unless a worker was faster."""
        with suppress(PartTakenError):
            self._update(part, lambda state: state.claim("job"))
            self._is_alone = True
            del self._parts[part.number]
            # Its message may still arrive at a worker, which finds no state.
            self._forget(part, part.state)
            # The items come from code of the user, which knows of no other thread.
            self._take_items(self._most - len(self._taken))
            with self._thread(), naming(part.number, part.item):
                result = self._work.function(part.item)
            self._results[part.number] = result
            self._work.done()

    @contextmanager
    def _thread(self) -> Iterator[None]:
        """Look at the other parts, and send more, while the block runs one."""
        over = threading.Event()

        def look() -> None:
            try:
                while not over.wait(_LOOKS[1]):
                    self._look()
                    self._send()
            except JobCancelled:
                pass  # this process finds out by itself
            except BaseException as error:
                self._error = error

        thread = threading.Thread(target=look, name="dash-long-job-parts", daemon=True)
        self._is_busy = True
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self._is_busy = False

    def _update(self, part: _Part, change: Any) -> None:
        key = state_key(self._map, part.number)
        self._documents.update(key, changed(change))

    def _forget(self, part: _Part, state: PartState) -> None:
        """Delete what is stored of a part."""
        keys = part_keys(item_key(self._map, part.number), part.item_parts)
        keys.append(state_key(self._map, part.number))
        if state.outcome and state.by:
            key = outcome_key(self._map, part.number, state.by)
            keys += part_keys(key, state.outcome)
        self._documents.delete(keys)
