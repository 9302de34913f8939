"""How the calls of a manager come to its store: a cached result, or a job."""

from __future__ import annotations

import time
from collections.abc import Callable

from ...core.caching import CachedResult, Results, answer_from
from ...core.calls import Call
from ...core.ids import Ticket
from ...core.lanes import Admission, Lane
from ...core.queueing import Sizes
from ...core.records import Record
from .store import Store


class Intake:
    """Answers calls from the result cache, and makes jobs of all others.

    Args:
        results: the result cache.
        sizes: of the queues.
        max_queue: jobs that may wait in each queue.
        queue_timeout: seconds for which a job may wait; None for no limit.
        keep_calls: whether jobs that do not succeed can be retried.
    """

    def __init__(
        self,
        results: Results,
        sizes: Sizes,
        max_queue: int,
        queue_timeout: float | None,
        keep_calls: bool,
    ) -> None:
        self._results = results
        self._sizes = sizes
        self._max_queue = max_queue
        self._queue_timeout = queue_timeout
        self._keep_calls = keep_calls

    def answer(
        self,
        store: Store,
        call: Call,
        again: str | None,
        pass_by: Callable[[], Admission],
    ) -> tuple[bool, CachedResult | None]:
        """Answer a call from the result cache, by the rule of its lane.

        Args:
            store: of the manager.
            call: of the trigger.
            again: id of a job whose kept call this is. It is kept no more if this
                answers it.
            pass_by: has a job enter and leave the lane, and returns what follows.

        Returns:
            Whether the call needs no job, and its result, if there is one.
        """
        is_answered, hit = answer_from(self._results, call, time.time(), pass_by)
        if is_answered and again is not None and not store.drop_kept_call(again):
            return True, None
        return is_answered, hit

    def submit(
        self,
        store: Store,
        call: Call,
        *,
        task: str,
        code: str,
        lane: Lane | None,
        owner: str | None,
        again: str | None,
    ) -> Ticket | None:
        """Make a job of a call, or join a live one. Atomic.

        Args:
            store: of the manager.
            call: that ``answer`` has not answered.
            task: name of its task.
            code: version of the app's code that runs it.
            lane: that the job comes to.
            owner: a user as JSON text.
            again: id of a job whose kept call this is; it is kept no more.

        Returns:
            None if there is no job: its lane ignores it, or that call is not kept.
        """
        queue = call.scheduling.queue
        return store.submit(
            Record.of_call(call, task=task, code=code, now=time.time()),
            call,
            max_concurrency=self._sizes.of(queue),
            max_queue=self._max_queue,
            queue_timeout=self._queue_timeout,
            lane=lane,
            owner=owner,
            keep_call=self._keep_calls,
            again=again,
        )
