"""A poll gets the news of its jobs, and the time until the next one."""

from __future__ import annotations

from dataclasses import replace
from unittest import mock

import pytest

from dash_long_components.core import reading
from dash_long_components.core.job_errors import JobError
from dash_long_components.core.snapshots import Place
from dash_long_components.core.status import Status
from dash_long_components.exceptions import StoreError, StoreUnavailableError
from dash_long_components.web import routes
from tests.unit.fakes import NOW, Site
from tests.unit.web.made import CANCEL, NAME, POLL, poll, token

pytestmark = pytest.mark.usefixtures("no_warnings")


def test_library_that_the_server_lacks_fails_the_job_that_needs_it(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    record = site.manager.add(status=Status.RUNNING)
    site.manager.records[record.id] = record.end(
        Status.SUCCEEDED, NOW, libraries=["no_such_library"]
    )
    site.manager.results[record.id] = b'{"response":{}}'
    other = site.manager.add()
    answer = poll(site, (token(site, record.id), 0), (token(site, other.id), 0))
    assert answer["jobs"]["0"]["status"] == "failed"
    assert "no_such_library" in answer["jobs"]["0"]["error"]["message"]
    assert "result" not in answer["jobs"]["0"]
    assert answer["jobs"]["1"]["status"] == "queued"
    assert "no_such_library" in caplog.text
    caplog.clear()


def test_poll_answers_news_by_position(site: Site) -> None:
    first, second = site.manager.add(), site.manager.add()
    tokens = [token(site, first.id), token(site, second.id)]
    answer = poll(site, (tokens[0], 1), (tokens[1], 0))
    assert answer["jobs"].keys() == {"1"}
    snapshot = answer["jobs"]["1"]
    assert snapshot.pop("waiting") > 0
    assert snapshot == {"cursor": 1, "status": "queued"}


def test_every_poll_has_the_place_in_the_queue(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = site.manager.add()
    place = Place(position=2, wait=3.0)
    snapshot = replace(reading.since(job, 0), place=place)
    monkeypatch.setattr(site.manager, "read", lambda *_: snapshot)
    for _ in range(2):
        answer = poll(site, (token(site, job.id), job.cursor))["jobs"]["0"]
        assert answer["queue"] == {"position": 2, "wait": 3.0}
        assert answer["cursor"] == job.cursor


@pytest.mark.parametrize("kind", [StoreUnavailableError, StoreError])
def test_store_that_can_not_be_used_is_a_503(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    kind: type[StoreError],
) -> None:
    def fail(*_: object) -> None:
        raise kind("It is away, at redis://a:secret@b.")

    job = site.manager.add()
    for name, path, body in (
        ("read", POLL, [[token(site, job.id), 0]]),
        ("cancel", CANCEL, [token(site, job.id)]),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(site.manager, name, fail)
            for _ in range(3):
                response = site.post(path, body)
                assert response.status_code == 503
                assert response.text == f"Try again: {kind.summary}.\n"
        site.post(POLL, [["of no job", 0]])
        assert caplog.messages == ["It is away, at redis://a:secret@b."]
        for _ in range(3):
            assert site.post(POLL, [[token(site, job.id), 0]]).status_code == 200
        assert caplog.messages[1:] == [f"The job store of {NAME} can be used again."]
        caplog.clear()


def test_result_that_can_not_be_loaded_is_a_503(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    job = site.manager.add(status=Status.SUCCEEDED)
    site.manager.results[job.id] = b"1"
    away = mock.Mock(side_effect=StoreUnavailableError("It is away."))
    monkeypatch.setattr(site.manager, "load_result", away)
    assert site.post(POLL, [[token(site, job.id), 0]]).status_code == 503
    monkeypatch.setattr(site.manager, "load_result", mock.Mock(side_effect=KeyError))
    answer = poll(site, (token(site, job.id), 0))["jobs"]["0"]
    assert answer["error"]["type"] == "UnknownJob"
    caplog.clear()


def test_poll_without_news_has_only_the_next_wait(site: Site) -> None:
    job = site.manager.add()
    assert set(poll(site, (token(site, job.id), job.cursor))) == {"next"}


def test_poll_of_no_jobs_has_the_longest_wait(site: Site) -> None:
    assert poll(site) == {"next": routes.MAX_WAIT}


@pytest.mark.parametrize("size", [1, routes.LARGE])
def test_result_is_sent_as_it_is(site: Site, size: int) -> None:
    job, other = site.manager.add(status=Status.SUCCEEDED), site.manager.add()
    result = b'{"response":  {"a":{"b":1.00000000000000000001,"c":"%b"}}}' % (
        b"x" * size
    )
    site.manager.results[job.id] = result
    response = site.post(POLL, [[token(site, job.id), 0], [token(site, other.id), 0]])
    assert b'"result":' + result in response.get_data()
    assert set(response.get_json()["jobs"]) == {"0", "1"}
    assert response.content_length == len(response.get_data())


def test_token_that_is_repeated_gets_no_large_answer(site: Site) -> None:
    job = site.manager.add(status=Status.SUCCEEDED)
    site.manager.results[job.id] = b'"%b"' % (b"x" * 100_000)
    response = site.post(POLL, [[token(site, job.id), 0]] * 100)
    assert len(response.get_data()) < 1_000_000


def test_large_results_come_with_several_polls(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "MAX_ANSWER", 1000)
    jobs = [site.manager.add(status=Status.SUCCEEDED) for _ in range(5)]
    for job in jobs:
        site.manager.results[job.id] = b'"%b"' % (b"x" * 600)
    cursors = {token(site, job.id): 0 for job in jobs}
    sizes, waits = [], []
    load = mock.Mock(side_effect=site.manager.load_result)
    monkeypatch.setattr(site.manager, "load_result", load)
    while 0 in cursors.values():
        response = site.post(POLL, list(cursors.items()))
        answer = response.get_json()
        assert answer["jobs"]
        for at, snapshot in answer["jobs"].items():
            cursors[list(cursors)[int(at)]] = snapshot["cursor"]
        sizes.append(len(response.get_data()))
        waits.append(answer["next"])
    assert load.call_count == 5
    assert max(sizes) < 1000 + 1000
    assert waits == [routes.MIN_WAIT, routes.MIN_WAIT, routes.MAX_WAIT]


def test_page_gets_the_error(site: Site) -> None:
    error = JobError(type="KeyError", message="'x'", task="module.task")
    job = site.manager.add(status=Status.FAILED, error=error)
    found = poll(site, (token(site, job.id), 0))["jobs"]["0"]["error"]
    assert found == {
        "type": "KeyError",
        "message": "'x'",
        "task": "module.task",
    }


@pytest.mark.parametrize(
    ("age", "quiet", "wait"),
    [
        (0, 0, 20),
        (0.5, 0.5, 125),
        (0.5, 0.25, 62),
        (10, 0, 250),
        (10, 2, 1000),
        (1000, 1000, 60_000),
        # A clock that was set back.
        (-100, -100, 20),
    ],
)
def test_wait_follows_the_time_since_the_last_change(
    site: Site, age: float, quiet: float, wait: int
) -> None:
    job = site.manager.add(created=NOW - age, changed=NOW - quiet)
    with mock.patch("time.time", return_value=NOW):
        # Signed by the same clock: a token of the future is none.
        answer = poll(site, (token(site, job.id), 0))
    assert answer["next"] == wait


def test_wait_is_that_of_the_liveliest_job(site: Site) -> None:
    jobs = [
        site.manager.add(created=NOW - 1000, changed=NOW - quiet)
        for quiet in (900, 4, 60)
    ]
    with mock.patch("time.time", return_value=NOW):
        answer = poll(site, *((token(site, job.id), 0) for job in jobs))
    assert answer["next"] == 2000


def test_ended_job_needs_no_further_poll(site: Site) -> None:
    job = site.manager.add(status=Status.CANCELLED)
    assert poll(site, (token(site, job.id), 0))["next"] == routes.MAX_WAIT
