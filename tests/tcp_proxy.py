"""A TCP proxy whose connections can be cut, stalled or refused."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

from tests.ports import free_port

_CHUNK = 64 * 1024


class Proxy:
    """Forwards connections to a port of this machine, in a thread of its own.

    Args:
        name: who connects to what, for the ledger.
        target: the port that it forwards to.
    """

    def __init__(self, name: str, target: int) -> None:
        self.name = name
        self.port = free_port()
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._is_refusing = False
        self._flows = asyncio.Event()
        self._flows.set()
        started = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(started,), name=f"proxy {name}", daemon=True
        )
        self._thread.start()
        started.wait()

    def cut(self) -> None:
        """Drop all connections; new ones are welcome."""
        self._call(self._drop_all)

    def refuse(self, is_refusing: bool) -> None:
        """Drop all connections, and each new one at once; or let them in again."""

        def refuse() -> None:
            self._is_refusing = is_refusing
            if is_refusing:
                self._drop_all()

        self._call(refuse)

    def stall(self, is_stalling: bool) -> None:
        """Keep all bytes back on their way, or let them go on."""
        self._call(self._flows.clear if is_stalling else self._flows.set)

    def close(self) -> None:
        self._call(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, action: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(action)

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", self.port)
        )
        started.set()
        self._loop.run_forever()
        server.close()
        self._drop_all()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))

    def _drop_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._is_refusing:
            writer.transport.abort()
            return
        try:
            there, away = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, away}
        self._writers |= pair
        try:
            # The loop would tell of what is cancelled, when the proxy is closed.
            with suppress(asyncio.CancelledError):
                await asyncio.gather(
                    self._pump(reader, away), self._pump(there, writer)
                )
        finally:
            self._writers -= pair
            for end in pair:
                end.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Forward one direction until its end."""
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        # The other direction ends too: no protocol here goes on with one alone.
        writer.transport.abort()
