"""The pulse of a server process: its heartbeats, and the watch over its dispatcher."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from ....exceptions import StoreError
from ...identity import Process
from ...processes import kill_alone
from ...store.heartbeats import INTERVAL, MISSED
from ...store.outages import access
from ...store.registry import RegisteredDispatcher
from ...store.store import Store
from ..dispatcher.write_lock import is_stopped_in_write
from .start_watchdog import StartWatchdog

logger = logging.getLogger("dash_long_components")


class Pulse:
    """A thread that writes heartbeats, and replaces a dispatcher that died or hangs.

    Args:
        store: which this process uses.
        code: version of the app's code.
        me: this process.
        ensure: starts a dispatcher if there is none.
        launched: returns the dispatcher that this process has started last, while it
            runs.
        start_timeout: seconds that a dispatcher may take to start.

    Attributes:
        start: the watch over a dispatcher that starts.
        answers_pages: whether this process has answered a page.
    """

    def __init__(
        self,
        store: Store,
        code: str,
        me: Process,
        ensure: Callable[[], None],
        launched: Callable[[], Process | None],
        start_timeout: float,
    ) -> None:
        self.start = StartWatchdog(start_timeout)
        self.answers_pages = False
        self._store = store
        self._launched = launched
        self._code = code
        self._me = me
        self._ensure = ensure
        self._heartbeat: tuple[Process, float] | None = None
        self._missed = 0
        self._has_warned = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._go_on, name="dash-long-jobs-pulse", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the thread. Idempotent."""
        self._stopped.set()
        if self._thread is not threading.current_thread():
            self._thread.join(INTERVAL)

    def _go_on(self) -> None:
        while not self._stopped.wait(INTERVAL):
            try:
                with access(self._store):
                    self.beat()
            except StoreError:
                # A dispatcher can't write heartbeats either.
                self._missed = 0
                with suppress(StoreError), access(self._store):
                    self._end_stopped_write()
        self._store.close()

    def beat(self) -> None:
        """Send a heartbeat, and check that the dispatcher has sent one."""
        self.send_heartbeat()
        self._warn_of_other_host()
        self._look_after_dispatcher()
        if self._store.dispatching.has_work(self._code):
            self._ensure()

    def send_heartbeat(self) -> None:
        """Tell that this process lives, and whether it answers pages."""
        self._store.registry.send_heartbeat(self._me, answers_pages=self.answers_pages)

    def _end_stopped_write(self) -> None:
        """Replace a dispatcher that was stopped while it had the store locked."""
        dispatcher = self._heartbeat[0] if self._heartbeat else None
        # Mostly all can read meanwhile. There may be another dispatcher by now.
        with suppress(StoreError), access(self._store):
            found = self._store.registry.dispatcher(self._code)
            dispatcher = found.process if found else None
        # The last one may not have got as far as to register.
        for each in (dispatcher, self._launched()):
            if each is not None and is_stopped_in_write(each.pid):
                self._replace(each, "was stopped in a write to the job store")
                return

    def _look_after_dispatcher(self) -> None:
        dispatcher = self._store.registry.dispatcher(self._code)
        starting = self._starting(dispatcher)
        reason = self.start.look(starting)
        if starting is not None and reason is not None:
            self._replace(starting, reason)
        if dispatcher is None or dispatcher.tasks is None:
            self._missed = 0
            return
        if not dispatcher.process.is_alive():
            # Ended jobs need one too: their records and requests have to go in time.
            self._ensure()
            return
        heartbeat = (dispatcher.process, dispatcher.heartbeat)
        self._missed = self._missed + 1 if heartbeat == self._heartbeat else 0
        self._heartbeat = heartbeat
        if self._missed >= MISSED:
            self._replace(
                dispatcher.process, f"has not responded for {MISSED * INTERVAL:.0f} s"
            )

    def _starting(self, registered: RegisteredDispatcher | None) -> Process | None:
        """Return the dispatcher that starts now, if one does."""
        if registered is not None and registered.process.is_alive():
            return registered.process if registered.tasks is None else None
        return self._launched()

    def _replace(self, dispatcher: Process, reason: str) -> None:
        """Kill a dispatcher, and start another one."""
        if kill_alone(dispatcher):
            self._missed = 0
            logger.error(
                "The dispatcher of long callbacks (process %d) %s. Another one takes "
                "its place; running jobs go on.",
                dispatcher.pid,
                reason,
            )
            self._ensure()

    def _warn_of_other_host(self) -> None:
        if not self._has_warned and self._store.registry.other_host() is not None:
            self._has_warned = True
            logger.warning(
                "The job store %s is also used from another container, pid namespace "
                "or machine. Each runs jobs of its own, and no job runs twice. Use "
                "CeleryLongCallbackManager for more than one machine.",
                self._store.path,
            )
