"""The parts of one ``map()`` on Celery, as the job sees them that waits for them."""

from __future__ import annotations

import base64
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from ....exceptions import JobCancelled, JobRetry, PartError
from ....running.part_limits import in_part
from ....running.parts import Work, add_note, ended, name_of, sent
from ....running.turns import Turns
from ..documents.documents import Documents, part_keys
from ..documents.part_state import (
    PartState,
    PartTakenError,
    changed,
    item_key,
    outcome_key,
    state_key,
)
from ..documents.stored_parts import StoredParts
from .post import PartPost

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


class PartRound:
    """Sends the parts of one ``map()``, and yields the results.

    One thread at a time uses it: that of the job, or a helper while that one runs a
    part itself. Only the thread of the job takes items, as they come from its code.
    """

    def __init__(
        self,
        post: PartPost,
        documents: Documents,
        stored: StoredParts,
        map_id: str,
        work: Work,
        lease: float,
        kept: list[str],
    ) -> None:
        self._post = post
        self._documents = documents
        self._stored = stored
        self._map = map_id
        self._work = work
        self._lease = lease
        self._most = work.max_workers or _MAX_WORKERS
        self._kept = kept
        self._keep_at = time.monotonic()
        self._turns = Turns(work.items, self._most * _AHEAD)
        #: Items with their numbers that are not sent yet.
        self._unsent: deque[tuple[int, Any]] = deque()
        self._parts: dict[int, _Part] = {}
        #: Whether no worker has claimed a part since the job has run one itself.
        self._is_alone = False
        #: Whether the helper uses this, since the job runs a part itself.
        self._is_helped = False
        self._error: BaseException | None = None

    def results(self) -> Iterator[Any]:
        turns = self._turns
        shortest, longest = _LOOKS
        pause = shortest
        while True:
            self._send()
            if turns.has_next:
                yield turns.next()
            elif turns.are_over:
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
        """Delete what is stored of parts that are under way, and take their lines."""
        parts = list(self._parts.values())
        texts = self._read(parts) if parts else []
        for part, text in zip(parts, texts, strict=True):
            if text is not None:
                state = PartState.from_text(text)
                self._hear(part, state)
                part.state = state
            self._forget(part)

    def _send(self) -> None:
        """Send parts until there are enough."""
        while len(self._parts) < self._most and (self._unsent or self._take_items(1)):
            number, item = self._unsent.popleft()
            if not self._turns.wants(number):
                continue
            try:
                data = sent(f"The item of part {number}", item)
            except PartError as error:
                self._turns.fail(number, error)
                continue
            self._stored.send(self._map, number)
            # While it has no state, no process can claim it.
            self._documents.write(state_key(self._map, number), PartState().to_text())
            count = self._post.send(number, data)
            if count:
                self._stored.send(self._map, number, count)
            self._parts[number] = _Part(
                number=number,
                item=item,
                item_parts=count,
                seen=time.monotonic(),
            )
            if not self._turns.items_exist:
                self._look()  # the next one may take a while

    def _take_items(self, count: int) -> bool:
        """Take items until some are unsent, and return whether any is.

        The helper takes none.
        """
        while not self._is_helped and len(self._unsent) < count:
            taken = self._turns.take()
            if taken is None:
                break
            self._unsent.append(taken)
        return bool(self._unsent)

    def _look(self) -> bool:
        """Read the states of all parts, and return whether one has ended."""
        if self._error is not None:
            raise self._error
        self._keep()
        parts = list(self._parts.values())
        texts = self._read(parts)
        news = [self._see(part, text) for part, text in zip(parts, texts, strict=True)]
        return any(news)

    def _read(self, parts: list[_Part]) -> list[str | None]:
        keys = [state_key(self._map, part.number) for part in parts]
        return self._documents.read_many(keys)

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
            gone = f"The state of {part.name} is gone from the result backend."
            return self._fail(part, PartError(gone))
        state = PartState.from_text(text)
        now, before = time.monotonic(), part.state
        # Between two distant looks the backend may have been away.
        part.quiet += min(now - part.seen, self._lease / 3)
        part.seen = now
        if state != before:
            self._is_alone = self._is_alone and state.by == before.by
            self._hear(part, state)
            part.state, part.quiet = state, 0.0
        if state.outcome:
            return self._end_with_outcome(part)
        if state.by is None and part.quiet > part.again:
            part.again *= 3  # it counts from the same moment
            self._send_again(part)
        elif state.by is not None and part.quiet > _PERIODS * self._lease:
            return self._try_again(part)
        return False

    def _hear(self, part: _Part, state: PartState) -> None:
        """Pass on what a part has logged since the last look, and the title."""
        job, before = self._work.job, part.state
        if state.title is not None and state.title != before.title:
            job.title = state.title
        for line in state.lines_after(before.logged):
            job.log(*line)

    def _end_with_outcome(self, part: _Part) -> bool:
        """End a part as its outcome says; always True."""
        key = outcome_key(self._map, part.number, part.state.by or "")
        outcome = self._documents.read_parts(key, part.state.outcome)
        if outcome is None:
            gone = f"The result of {part.name} is gone from the result backend."
            return self._fail(part, PartError(gone))
        result, error = ended(base64.b64decode(outcome), part.number, part.item)
        if error is not None:
            return self._fail(part, error)
        return self._succeed(part, result)

    def _succeed(self, part: _Part, result: Any) -> bool:
        self._end(part)
        self._turns.succeed(part.number, result)
        self._work.done()
        return True

    def _fail(self, part: _Part, error: BaseException) -> bool:
        self._end(part)
        self._turns.fail(part.number, error)
        return True

    def _end(self, part: _Part) -> None:
        del self._parts[part.number]
        self._forget(part)

    def _try_again(self, part: _Part) -> bool:
        """Send a part again whose worker has died; return whether it has ended."""
        by, tries = part.state.by or "", part.state.tries
        if tries >= _TRIES:
            text = (
                f"{part.name[:1].upper()}{part.name[1:]} of map() has no result. Its "
                f"worker has died, {tries} times."
            )
            return self._fail(part, PartError(text))
        with suppress(PartTakenError):
            self._update(part, lambda it: it.release(by))
            self._send_again(part)
        return False

    def _send_again(self, part: _Part) -> None:
        self._post.send(part.number, sent(f"The item of part {part.number}", part.item))

    def _unclaimed(self) -> _Part | None:
        """Return a part for the job itself; None if workers take them."""
        wait = 0.0 if self._is_alone else _HELP_AFTER
        for part in self._parts.values():
            is_free = part.state.by is None and part.quiet >= wait
            if is_free and self._turns.wants(part.number):
                return part
        return None

    def _run(self, part: _Part) -> None:
        """Run a part in this process, unless a worker was faster."""
        try:
            self._update(part, lambda state: state.claim("job"))
        except PartTakenError:
            return
        self._is_alone = True
        # Its message may still arrive at a worker, which finds no state.
        self._end(part)
        # The helper takes none: these it can send.
        if self._turns.items_exist:
            self._take_items(self._most)
        try:
            with self._helped(), in_part():
                result = self._work.function(part.item)
        except (Exception, JobRetry) as error:
            add_note(error, part.name)
            self._turns.fail(part.number, error)
        else:
            self._turns.succeed(part.number, result)
            self._work.done()

    @contextmanager
    def _helped(self) -> Iterator[None]:
        """Have a helper look at the other parts, and send more, during the block."""
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
        self._is_helped = True
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self._is_helped = False

    def _update(self, part: _Part, change: Any) -> None:
        key = state_key(self._map, part.number)
        self._documents.update(key, changed(change))

    def _forget(self, part: _Part) -> None:
        """Delete what is stored of a part."""
        state = part.state
        keys = part_keys(item_key(self._map, part.number), part.item_parts)
        keys.append(state_key(self._map, part.number))
        if state.outcome and state.by:
            key = outcome_key(self._map, part.number, state.by)
            keys += part_keys(key, state.outcome)
        self._documents.delete(keys)
        self._stored.end(self._map, part.number)
