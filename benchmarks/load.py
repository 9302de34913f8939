"""Many requests at once, from one process that does as little as it can.

It makes the bytes of a request before it measures, and hardly reads the answers. On
plain asyncio streams one core sends some thousand requests a second. On a machine with
two cores the machine saturates before the server does, for every contender alike.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

from .pages import HOLD_MS, INTERVAL_MS, Job, NativePage, OurPage, Page


@dataclass
class Tally:
    """The outcome of many requests."""

    latencies: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds


class Connection:
    """One connection that is kept alive."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname, parts.port)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: bytes) -> bytes:
        """Send a request and return the body of the answer.

        Raises:
            RuntimeError: its status is another one than 200.
            OSError: the connection failed.
        """
        if self._streams is None:
            host, port = self._address
            self._streams = await asyncio.open_connection(host, port)
        reader, writer = self._streams
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split()[0])
            body = await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError, IndexError) as error:
            self.close()
            raise OSError(f"{type(error).__name__}: {error}") from error
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{head[:60]!r} {body[:100]!r}")
        if b"connection: close" in head.lower():
            self.close()
        return body

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def request(path: str, body: bytes) -> bytes:
    """Return the bytes of a POST of JSON."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def poll_request(page: Page, job: Job) -> bytes:
    """Return the bytes of a page's poll for a job."""
    if isinstance(page, OurPage):
        readings = [[job.handle["token"], job.cursor]]
        asked = {"hold": HOLD_MS, "jobs": readings} if page.is_held else readings
        body = json.dumps(asked, separators=(",", ":"))
        return request("/_dash-long-jobs/poll", body.encode())
    return request(*cast(NativePage, page).poll_of(job))


def wait_seconds(page: Page, answer: bytes) -> float:
    """Return after how long a page polls again."""
    if isinstance(page, OurPage):
        news = json.loads(answer)
        wait = news.get("hold", news["next"]) if page.is_held else news["next"]
        return float(min(wait, INTERVAL_MS)) / 1000
    return INTERVAL_MS / 1000


async def _until(
    end: float, url: str, tally: Tally, step: Callable[[Connection], Awaitable[None]]
) -> None:
    connection = Connection(url)
    while time.perf_counter() < end:
        start = time.perf_counter()
        try:
            await step(connection)
        except (OSError, RuntimeError) as error:
            tally.errors.append(str(error))
            await asyncio.sleep(0.5)
        else:
            tally.latencies.append(time.perf_counter() - start)
    connection.close()


def wait_in_pages(page: Page, jobs: list[Job], pages: int, seconds: float) -> Tally:
    """Have many pages poll, each for one of the jobs, on a browser's schedule."""
    tally = Tally()

    async def one(number: int, end: float) -> None:
        job = jobs[number % len(jobs)]
        connection = Connection(page.url)
        # They were not opened at the same moment.
        await asyncio.sleep(number / pages * INTERVAL_MS / 1000)
        while time.perf_counter() < end:
            start = time.perf_counter()
            wait = 0.5
            try:
                answer = await connection.send(poll_request(page, job))
            except (OSError, RuntimeError) as error:
                tally.errors.append(str(error))
            else:
                tally.latencies.append(time.perf_counter() - start)
                wait = wait_seconds(page, answer)
            await asyncio.sleep(wait)
        connection.close()

    async def all_of_them() -> None:
        start = time.perf_counter()
        await asyncio.gather(*(one(number, start + seconds) for number in range(pages)))
        tally.seconds = time.perf_counter() - start

    asyncio.run(all_of_them())
    return tally


def saturate(page: Page, jobs: list[Job], connections: int, seconds: float) -> Tally:
    """Poll as fast as answers come, on some connections."""
    tally = Tally()

    async def all_of_them() -> None:
        start = time.perf_counter()

        def step_for(job: Job) -> Callable[[Connection], Awaitable[None]]:
            data = poll_request(page, job)

            async def step(connection: Connection) -> None:
                await connection.send(data)

            return step

        await asyncio.gather(
            *(
                _until(start + seconds, page.url, tally, step_for(jobs[n % len(jobs)]))
                for n in range(connections)
            )
        )
        tally.seconds = time.perf_counter() - start

    asyncio.run(all_of_them())
    return tally


def submit(page: Page, count: int, **what: object) -> list[str]:
    """Click on as many pages at once; return the errors that came back."""
    path = "/_dash-update-component"
    if isinstance(page, NativePage):
        path += f"?{page.query}"

    async def one(number: int) -> None:
        connection = Connection(page.url)
        body = page.body(number, {**what, "name": str(number)}, "")
        await connection.send(request(path, body))
        connection.close()

    async def all_of_them() -> list[str]:
        answers = await asyncio.gather(
            *(one(number) for number in range(count)), return_exceptions=True
        )
        return [str(answer) for answer in answers if answer is not None]

    return asyncio.run(all_of_them())
