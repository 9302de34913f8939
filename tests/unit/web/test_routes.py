"""The endpoints answer whoever asks whatever, and log no crash."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import replace
from typing import Any
from unittest import mock

import flask
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dash_long_components import init_app
from dash_long_components.core.jobs import JobError, Status
from dash_long_components.core.snapshots import Place
from dash_long_components.exceptions import StoreUnavailableError
from dash_long_components.web import routes
from dash_long_components.web.app_jobs import AppJobs
from dash_long_components.web.tokens import MAX_AGE, TokenSigner
from tests.unit.fakes import NOW, RecordingManager, Site

POLL, CANCEL = "_dash-long-jobs/poll", "_dash-long-jobs/cancel"
both = pytest.mark.parametrize("path", [POLL, CANCEL])


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture(autouse=True)
def _no_crash_is_logged(caplog: pytest.LogCaptureFixture) -> Any:
    yield
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


def token(site: Site, job_id: str) -> str:
    jobs = AppJobs.of(site.app)
    assert jobs is not None
    return jobs.sign(job_id, site.manager, None)


def poll(site: Site, *readings: tuple[str, int]) -> Any:
    response = site.post(POLL, readings)
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    return response.get_json()


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


@both
@pytest.mark.parametrize(
    "body",
    [
        *(b" ", b"{", b"[", b"[1,]", b"\xff\xfe", b"\x80", b"nul", b"'a'", b"[NaN"),
        b"[" * 100_000,
        b'{"a":' * 40_000,
        b"[" + b"1" * 5000 + b"]",
    ],
)
def test_body_that_is_no_json(site: Site, path: str, body: bytes) -> None:
    refused(site.post(path, body), 400)


@pytest.mark.parametrize(
    "body",
    [
        *(None, True, 1, "x", {}, {"0": ["x", 0]}, ["x"], [["x"]], [[]], [["x", 0, 0]]),
        *([[0, "x"]], [["x", "0"]], [["x", 1.0]], [["x", None]], [["x", True]]),
        *([["x", -1]], [[None, 0]], [[["x"], 0]], [["x", 0], 1], [["x", float("nan")]]),
    ],
)
def test_poll_of_the_wrong_shape(site: Site, body: Any) -> None:
    refused(site.post(POLL, body), 400)


@pytest.mark.parametrize(
    "body", [None, 1, "x", {}, {"0": "x"}, [1], [None], [["x"]], ["x", 1], [True]]
)
def test_cancel_of_the_wrong_shape(site: Site, body: Any) -> None:
    refused(site.post(CANCEL, body), 400)


@both
def test_body_that_is_too_large(site: Site, path: str) -> None:
    refused(site.post(path, b" " * (routes.MAX_BODY + 1)), 413)
    assert site.post(path, b"[]".ljust(routes.MAX_BODY)).status_code in (200, 204)


@both
@pytest.mark.parametrize("headers", [{}, {"Transfer-Encoding": "chunked"}])
def test_body_without_a_length(site: Site, path: str, headers: dict[str, str]) -> None:
    client = site.app.server.test_client()
    refused(client.post(f"/{path}", headers=headers), 411)


@both
def test_body_shorter_than_it_says(site: Site, path: str) -> None:
    response = site.app.server.test_client().post(
        f"/{path}", data=b"[", headers={"Content-Length": "10"}
    )
    refused(response, 400)


@both
def test_other_methods_are_not_allowed(site: Site, path: str) -> None:
    client = site.app.server.test_client()
    for method in (client.put, client.delete, client.patch):
        assert method(f"/{path}").status_code == 405


def refused(response: Any, status: int) -> None:
    """See that a request got a plain answer of one line."""
    assert response.status_code == status
    assert response.mimetype == "text/plain"
    text = response.get_data(as_text=True)
    assert text.count("\n") == 1
    assert text.endswith(".\n")


def bad_tokens(site: Site) -> dict[str, str]:
    good = token(site, "job-0")
    old = TokenSigner(site.manager.secret())
    with mock.patch("itsdangerous.timed.time") as clock:
        clock.time.return_value = time.time() - MAX_AGE - 10
        expired = old.sign("job-0")
    return {
        "forged": "job-0.abc.def",
        "empty": "",
        "cut": good[:-3],
        "foreign": TokenSigner("of another server").sign("job-0"),
        "expired": expired,
        "of an unknown job": token(site, "job-99"),
        "with a surrogate": "\ud800",
        "with a null": "\0",
    }


def test_every_token_that_is_no_good_gets_the_same_final_answer(site: Site) -> None:
    site.manager.add()
    answers = [poll(site, (bad, 3))["jobs"]["0"] for bad in bad_tokens(site).values()]
    assert answers[0]["status"] == "lost"
    assert answers[0]["cursor"] > 3
    assert answers[0]["error"]["type"] == "UnknownJob"
    assert all(answer == answers[0] for answer in answers)


def test_no_bad_token_changes_anything(site: Site) -> None:
    site.manager.add()
    before = dict(site.manager.records)
    for bad in bad_tokens(site).values():
        poll(site, (bad, 0))
        response = site.post(CANCEL, [bad])
        assert response.status_code == 204
        assert response.get_data() == b""
    assert site.manager.records == before


def test_cursor_may_be_any_number(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    response = site.post(POLL, b'[["x",%b]]' % (b"9" * 4300))
    caplog.clear()
    assert response.status_code in (200, 400)


def test_cancel_reaches_every_job_named(site: Site) -> None:
    jobs = [site.manager.add() for _ in range(3)]
    tokens = [token(site, job.id) for job in jobs[:2]]
    for _ in range(2):
        assert site.post(CANCEL, [*tokens, "bad"]).status_code == 204
    statuses = [site.manager.records[job.id].status for job in jobs]
    assert statuses == [Status.CANCELLED, Status.CANCELLED, Status.QUEUED]


def test_poll_tells_what_changed_by_position(site: Site) -> None:
    first, second = site.manager.add(), site.manager.add()
    tokens = [token(site, first.id), token(site, second.id)]
    answer = poll(site, (tokens[0], 1), (tokens[1], 0))
    assert answer["jobs"].keys() == {"1"}
    snapshot = answer["jobs"]["1"]
    assert snapshot.pop("waiting") > 0
    assert snapshot == {"cursor": 1, "status": "queued"}


def test_place_in_the_queue_is_told_at_every_poll(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = site.manager.add()
    place = Place(position=2, wait=3.0)
    snapshot = replace(job.since(0), place=place)
    monkeypatch.setattr(site.manager, "read", lambda *_: snapshot)
    for _ in range(2):
        answer = poll(site, (token(site, job.id), job.cursor))["jobs"]["0"]
        assert answer["queue"] == {"position": 2, "wait": 3.0}
        assert answer["cursor"] == job.cursor


def test_store_that_does_not_answer_is_asked_again(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise StoreUnavailableError("It is away, at redis://a:secret@b.")

    job = site.manager.add()
    for name, path, body in (
        ("read", POLL, [[token(site, job.id), 0]]),
        ("cancel", CANCEL, [token(site, job.id)]),
    ):
        monkeypatch.setattr(site.manager, name, fail)
        response = site.post(path, body)
        assert response.status_code == 503
        assert response.text == "Try again: the job store is not responding.\n"
        assert caplog.messages == ["It is away, at redis://a:secret@b."]
        caplog.clear()


def test_poll_of_what_is_known_says_only_when_to_ask_again(site: Site) -> None:
    job = site.manager.add()
    assert set(poll(site, (token(site, job.id), job.cursor))) == {"next"}


def test_poll_of_nothing(site: Site) -> None:
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


def test_small_request_gets_no_huge_answer(site: Site) -> None:
    job = site.manager.add(status=Status.SUCCEEDED)
    site.manager.results[job.id] = b'"%b"' % (b"x" * 100_000)
    response = site.post(POLL, [[token(site, job.id), 0]] * 100)
    assert len(response.get_data()) < 1_000_000


def test_error_is_told(site: Site) -> None:
    error = JobError(type="KeyError", message="'x'", task="module.task")
    job = site.manager.add(status=Status.FAILED, error=error)
    told = poll(site, (token(site, job.id), 0))["jobs"]["0"]["error"]
    assert told == {"type": "KeyError", "message": "'x'", "task": "module.task"}


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
def test_hint_follows_how_long_nothing_has_changed(
    site: Site, age: float, quiet: float, wait: int
) -> None:
    job = site.manager.add(created=NOW - age, changed=NOW - quiet)
    with mock.patch("time.time", return_value=NOW):
        # Signed by the same clock: a token of the future is none.
        answer = poll(site, (token(site, job.id), 0))
    assert answer["next"] == wait


def test_hint_is_that_of_the_liveliest_job(site: Site) -> None:
    jobs = [
        site.manager.add(created=NOW - 1000, changed=NOW - quiet)
        for quiet in (900, 4, 60)
    ]
    with mock.patch("time.time", return_value=NOW):
        answer = poll(site, *((token(site, job.id), 0) for job in jobs))
    assert answer["next"] == 2000


def test_ended_job_asks_for_no_further_poll(site: Site) -> None:
    job = site.manager.add(status=Status.CANCELLED)
    assert poll(site, (token(site, job.id), 0))["next"] == routes.MAX_WAIT


def test_endpoints_are_under_the_apps_prefix() -> None:
    site = Site(url_base_pathname="/sales/")
    assert site.prefix == "/sales/"
    assert poll(site) == {"next": routes.MAX_WAIT}
    client = site.app.server.test_client()
    assert client.post(f"/{POLL}", data=b"[]").status_code != 200


@both
def test_apps_own_guard_stands_before_the_endpoints(site: Site, path: str) -> None:
    site.app.server.before_request(lambda: flask.abort(401))
    assert site.post(path, []).status_code == 401


def test_second_manager_is_served_too(site: Site) -> None:
    other = RecordingManager()
    init_app(site.app, other)
    init_app(site.app, other)
    site.manager.add(), site.manager.add()
    job = other.add(id="other", status=Status.CANCELLED)
    jobs = AppJobs.of(site.app)
    assert jobs is not None
    assert jobs.manager is site.manager
    answer = poll(site, (jobs.sign(job.id, other, None), 0))
    assert answer["jobs"]["0"]["status"] == "cancelled"


def test_secret_key_of_the_server_signs_where_there_is_one(site: Site) -> None:
    job = site.manager.add()
    assert (
        poll(site, (TokenSigner(b"the secret of this manager").sign(job.id), 1)) != {}
    )
    site.app.server.secret_key = "of the server"
    signed = TokenSigner("of the server").sign(job.id)
    assert "jobs" not in poll(site, (signed, job.cursor))
    foreign = TokenSigner(site.manager.secret()).sign(job.id)
    assert poll(site, (foreign, 0))["jobs"]["0"]["status"] == "lost"


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
_site = Site()


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([POLL, CANCEL]), _json)
def test_any_json_gets_an_answer(path: str, body: Any) -> None:
    response = _site.post(path, json.dumps(body).encode())
    assert response.status_code in (200, 204, 400)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([POLL, CANCEL]), st.binary(min_size=1))
def test_any_bytes_get_an_answer(path: str, body: bytes) -> None:
    assert _site.post(path, body).status_code in (200, 204, 400)
