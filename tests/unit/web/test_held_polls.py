"""An asynchronous server holds a poll until there is news of its jobs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import replace
from typing import Any

import dash
import pytest
from dash import html

import dash_long_components as dlc
from dash_long_components.core.records import Record
from dash_long_components.core.snapshots import Place, Snapshot
from dash_long_components.core.status import Status
from dash_long_components.exceptions import StoreUnavailableError
from dash_long_components.managers.base import Watch
from dash_long_components.testing import asgi
from dash_long_components.web import held_polls
from dash_long_components.web.app_jobs import AppJobs
from tests import backends
from tests.unit.fakes import NOW, RecordingManager, Site

HOLD = 25_000
#: Less than the time after which the server answers anyway.
TIMEOUT = 20.0
POLL = "/_dash-long-jobs/poll"


class RecordingWatch(Watch):
    pause = 0.001

    def __init__(self, manager: WatchedManager) -> None:
        self._manager = manager

    def changed(self, cursors: Mapping[str, int], new: Collection[str]) -> list[str]:
        if self._manager.is_blind:
            return []
        self._manager.looks.append((dict(cursors), set(new)))
        if self._manager.is_away:
            raise StoreUnavailableError("The store is away.")
        records = self._manager.records
        return [job for job, cursor in cursors.items() if records[job].cursor > cursor]


class WatchedManager(RecordingManager):
    """Notes down what is watched, and has places for queued jobs."""

    def __init__(self) -> None:
        super().__init__()
        self.looks: list[tuple[dict[str, int], set[str]]] = []
        self.reads = 0
        self.is_away = False
        self.is_blind = False
        self.places: dict[str, Place] = {}

    def watch(self) -> Watch:
        return RecordingWatch(self)

    def read(self, job_id: str, cursor: int) -> Snapshot:
        if self.is_away:
            raise StoreUnavailableError("The store is away.")
        self.reads += 1
        snapshot = super().read(job_id, cursor)
        return replace(snapshot, place=self.places.get(job_id))


class Page:
    """A page of an app whose manager is watched."""

    def __init__(self, app: dash.Dash, manager: WatchedManager) -> None:
        self.app = app
        self.manager = manager
        jobs = AppJobs.of(app)
        assert jobs is not None
        self.jobs = jobs

    def start(self, **fields: Any) -> tuple[Record, str]:
        """Return a running job that the page has seen, and its token."""
        record = self.manager.add(status=Status.RUNNING, **fields)
        return record, self.jobs.sign(record.id, self.manager, self.jobs.owner())

    def end(self, record: Record) -> None:
        self.manager.records[record.id] = record.end(Status.SUCCEEDED, NOW)

    def poll(
        self,
        *tokens: str,
        hold: int = HOLD,
        receive: asgi.Receive | None = None,
    ) -> asyncio.Task[asgi.AsgiResponse]:
        """Poll for jobs that the page has seen."""
        readings = [[token, 1] for token in tokens]
        body = json.dumps({"hold": hold, "jobs": readings}).encode()
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
        }
        scope = asgi.scope_of("POST", POLL, headers)

        async def call() -> asgi.AsgiResponse:
            response = asgi.AsgiResponse()
            await self.app.server(
                scope, receive or asgi.receiving(body, response), response.send
            )
            return response

        return asyncio.create_task(call())

    async def until_held(self, count: int = 1) -> None:
        looks = len(self.manager.looks)
        await until(lambda: self.jobs.held_polls.count == count)
        await until(lambda: count == 0 or len(self.manager.looks) > looks + 1)


async def until(look: Callable[[], object]) -> None:
    while not look():
        await asyncio.sleep(0.001)


def answer_of(response: asgi.AsgiResponse) -> Any:
    assert response.status_code == 200, response.text
    return json.loads(response.data)


@pytest.fixture(params=backends.ASGI)
def page(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Page:
    # No test waits for a thread to end, nor for what only a look at all shows.
    monkeypatch.setattr(held_polls, "LINGER", 0.0)
    monkeypatch.setattr(held_polls, "LOOK", 0.0)
    monkeypatch.setattr(held_polls, "LOOK_SHARE", 1.0)
    monkeypatch.setattr(held_polls, "WATCH_SHARE", 1.0)
    monkeypatch.setattr(held_polls, "REST", 0.01)
    manager = WatchedManager()
    app = dlc.Dash(__name__, backend=request.param, long_callback_manager=manager)
    app.layout = html.Div()
    return Page(app, manager)


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asgi.run(asyncio.wait_for(story(), TIMEOUT))


def test_poll_is_held_until_one_of_its_jobs_has_news(page: Page) -> None:
    async def story() -> None:
        (record, token), (_, other) = page.start(), page.start()
        poll = page.poll(other, token)
        await page.until_held()
        assert not poll.done()
        page.end(record)
        answer = answer_of(await poll)
        assert answer["jobs"]["1"]["status"] == "succeeded"
        assert list(answer["jobs"]) == ["1"]
        assert page.jobs.held_polls.count == 0

    run(story)
    # All jobs of all polls are watched at once, and each is new once.
    assert [new for _, new in page.manager.looks if new] == [{"job-0", "job-1"}]


def test_news_that_came_before_it_was_held_are_answered(page: Page) -> None:
    async def story() -> None:
        record, token = page.start()
        page.end(record)
        answer = answer_of(await page.poll(token))
        assert answer["jobs"]["0"]["status"] == "succeeded"

    run(story)
    assert page.manager.looks == []


def test_poll_without_news_is_answered_when_its_time_is_over(page: Page) -> None:
    async def story() -> None:
        _, token = page.start()
        poll = page.poll(token, hold=50)
        assert answer_of(await poll) == {"next": 60000, "hold": 20}
        assert page.jobs.held_polls.count == 0

    run(story)


def test_poll_of_a_client_that_has_gone_is_forgotten(page: Page) -> None:
    has_gone = asyncio.Event()

    async def story() -> None:
        _, token = page.start()
        body = json.dumps({"hold": HOLD, "jobs": [[token, 1]]}).encode()
        send = asgi.receiving(body, asgi.AsgiResponse())
        calls = 0

        async def receive() -> asgi.Message:
            nonlocal calls
            calls += 1
            if calls == 1:
                return await send()
            await has_gone.wait()
            return {"type": "http.disconnect"}

        poll = page.poll(token, receive=receive)
        await page.until_held()
        has_gone.set()
        await page.until_held(0)
        await asyncio.wait([poll])

    run(story)


def test_second_poll_for_the_same_job_gets_its_own_answer(page: Page) -> None:
    async def story() -> None:
        record, token = page.start()
        polls = [page.poll(token), page.poll(token)]
        await page.until_held(2)
        page.end(record)
        for answer in map(answer_of, await asyncio.gather(*polls)):
            assert answer["jobs"]["0"]["status"] == "succeeded"

    run(story)


def test_no_more_polls_are_held_than_there_is_room_for(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_polls, "MAX_HELD", 1)

    async def story() -> None:
        record, token = page.start()
        held = page.poll(token)
        await page.until_held()
        answer = answer_of(await page.poll(token))
        assert "hold" not in answer
        page.end(record)
        assert answer_of(await held)["hold"] == 20

    run(story)


def test_unknown_job_is_not_held(page: Page) -> None:
    async def story() -> None:
        _, token = page.start()
        answer = answer_of(await page.poll(token, f"{token}x"))
        assert answer["jobs"]["1"]["error"]["type"] == "UnknownJob"

    run(story)


def test_user_is_asked_for_again_before_the_answer(page: Page) -> None:
    users = ["ada"]
    page.jobs.users.set(lambda: users[-1])

    async def story() -> None:
        record, token = page.start()
        poll = page.poll(token)
        await page.until_held()
        users.append("someone else")
        page.end(record)
        answer = answer_of(await poll)
        assert answer["jobs"]["0"]["error"]["type"] == "UnknownJob"

    run(story)


def test_outage_is_told_at_once(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        _, token = page.start()
        poll = page.poll(token)
        await page.until_held()
        page.manager.is_away = True
        assert (await poll).status_code == 503

    run(story)
    assert "The store is away." in caplog.text


def test_news_that_the_watch_misses_are_found(
    page: Page, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        (record, token), (other, other_token) = page.start(), page.start()
        poll = page.poll(token, other_token)
        await page.until_held()
        page.manager.is_blind = True
        page.end(record)
        page.end(other)
        assert "jobs" in answer_of(await poll)

    run(story)
    assert not caplog.records


def test_place_in_the_queue_is_news(page: Page) -> None:
    async def story() -> None:
        record, token = page.start()
        page.manager.records[record.id] = replace(record, status=Status.QUEUED)
        page.manager.places[record.id] = Place(position=3, wait=5.0)
        poll = page.poll(token)
        await page.until_held()
        page.manager.places[record.id] = Place(position=2, wait=4.0)
        assert answer_of(await poll)["jobs"]["0"]["queue"]["position"] == 2

    run(story)


@pytest.mark.parametrize(
    ("before", "after", "is_news"),
    [(2, 1, True), (10, 9, True), (100, 95, False), (100, 90, True), (5, 5, False)],
)
def test_page_far_behind_in_the_queue_learns_of_every_tenth_step(
    before: int, after: int, is_news: bool
) -> None:
    assert at(after).outdates(at(before)) is is_news


@pytest.mark.parametrize(
    ("before", "after", "is_news"),
    [(5.0, 4.0, False), (5.0, 3.0, True), (100.0, 95.0, False), (None, 5.0, True)],
)
def test_page_learns_of_a_wait_that_is_a_tenth_shorter(
    before: float | None, after: float, is_news: bool
) -> None:
    assert at(1, after).outdates(at(1, before)) is is_news


def at(position: int, wait: float | None = None) -> Snapshot:
    place = Place(position=position, wait=wait)
    return Snapshot(cursor=1, status=Status.QUEUED, created=0, changed=0, place=place)


def test_thread_ends_with_the_last_poll(page: Page) -> None:
    import threading

    async def story() -> None:
        _, token = page.start()
        await page.poll(token, hold=20)
        name = "dash-long-jobs-watcher"
        await until(lambda: name not in {each.name for each in threading.enumerate()})

    run(story)


def test_flask_answers_at_once() -> None:
    site = Site("flask")
    record = site.manager.add(status=Status.RUNNING)
    jobs = AppJobs.of(site.app)
    assert jobs is not None
    token = jobs.sign(record.id, site.manager, None)
    answer = site.post(POLL[1:], {"hold": HOLD, "jobs": [[token, 1]]}).get_json()
    assert list(answer) == ["next"]


@pytest.mark.parametrize("hold", [-1, 25_001, True, 1.5, "1", None])
def test_hold_is_a_number_of_milliseconds(hold: object) -> None:
    response = Site("flask").post(POLL[1:], {"hold": hold, "jobs": []})
    assert response.status_code == 400
