"""Jobs that are short: the answer to the request that starts one carries its end."""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable

import dash

from ..bridge import backends, event_loop
from ..core.snapshots import Snapshot
from ..exceptions import StoreError
from ..managers.base import LongCallbackManager

#: Seconds that a task usually takes at most for its jobs to be short.
SHORT = 0.05

#: The longest wait of a start, in seconds. People do not notice it.
PATIENCE = 0.1

#: Seconds before the first look at the job, and between the next ones at least.
FIRST_LOOK, NEXT_LOOK = 0.003, 0.001

#: The first look comes after this part of the quickest of the last waits, and the next
#: ones after this part of the wait so far. On Celery, a look costs half as much as a
#: poll.
_EARLY, _STEP = 0.9, 0.06

#: How many waits for a task count.
_WAITS = 8

#: Seconds for which a task counts as short, and for which it does not after a job that
#: was not.
_HOLDS, _REST = 5.0, 1.0

#: Bytes from which a result is not part of the answer: the server would copy it twice,
#: and a poll brings it without that.
LARGE = 16 * 1024 * 1024


class ShortJobs:
    """Waits for the ends of jobs that are short, one at a time.

    The thread of a request waits. All others of the process are for other requests.

    Args:
        app: whose jobs they are.
        complete: adds the parts of a snapshot that only a server process knows.
    """

    def __init__(
        self, app: dash.Dash, complete: Callable[[Snapshot], Snapshot]
    ) -> None:
        self._app = app
        self._complete = complete
        self._waiting = threading.Lock()
        self._known: weakref.WeakKeyDictionary[
            LongCallbackManager, dict[str, tuple[bool, float]]
        ] = weakref.WeakKeyDictionary()
        self._waits: weakref.WeakKeyDictionary[
            LongCallbackManager, dict[str, deque[float]]
        ] = weakref.WeakKeyDictionary()

    def end_of(
        self, ticket: str, task: str, manager: LongCallbackManager
    ) -> str | None:
        """Wait for the end of a job that was just started, if its task is short.

        Never raises: the job is there, and the page polls for it.

        Args:
            ticket: of the job.
            task: its name.
            manager: has the job.

        Returns:
            Its snapshot as JSON text; None if the job has not ended in time, or its
            result is large, or needs a component library that it has imported.
        """
        # On Flask, Dash may run each request in an event loop of its own.
        if backends.is_asgi(self._app) and event_loop.is_on_event_loop():
            return None  # that of all requests
        if not self._waiting.acquire(blocking=False):
            return None
        try:
            if not self._is_short(task, manager):
                return None
            end = self._wait(ticket, task, manager)
            if end is None:
                # There may be a queue, or no worker: the next starts do not wait.
                self._remember(task, manager, False, _REST)
            return end
        except (StoreError, KeyError):
            return None
        finally:
            self._waiting.release()

    def _is_short(self, task: str, manager: LongCallbackManager) -> bool:
        is_short, until = self._known.get(manager, {}).get(task, (False, 0.0))
        if time.monotonic() < until:
            return is_short
        usual = manager.usual_duration(task)
        if usual is None:
            return False
        self._remember(task, manager, usual <= SHORT)
        return usual <= SHORT

    def _remember(
        self,
        task: str,
        manager: LongCallbackManager,
        is_short: bool,
        seconds: float = _HOLDS,
    ) -> None:
        until = time.monotonic() + seconds
        self._known.setdefault(manager, {})[task] = is_short, until

    def _wait(self, ticket: str, task: str, manager: LongCallbackManager) -> str | None:
        waits = self._waits.setdefault(manager, {}).setdefault(
            task, deque(maxlen=_WAITS)
        )
        began = time.monotonic()
        # Other starts add their waits meanwhile.
        time.sleep(max(FIRST_LOOK, _EARLY * min(waits.copy(), default=0.0)))
        while not (snapshot := manager.read(ticket, 0)).status.is_terminal:
            waited = time.monotonic() - began
            pause = max(NEXT_LOOK, _STEP * waited)
            if waited + pause > PATIENCE:
                return None
            time.sleep(pause)
        waits.append(time.monotonic() - began)
        if snapshot.libraries:
            return None  # Dash refuses a callback that imports one
        snapshot = self._complete(snapshot.with_result())
        if len(snapshot.result or b"") > LARGE:
            return None
        return b"".join(snapshot.to_pieces()).decode()
