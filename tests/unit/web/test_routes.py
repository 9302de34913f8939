"""The endpoints answer every request, and log no crash."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from dash import Input, Output
from dash.development.base_component import ComponentRegistry
from hypothesis import given, settings
from hypothesis import strategies as st

from dash_long_components import init_app, long_callback
from dash_long_components.core import reading
from dash_long_components.core.jobs import JobError, Status
from dash_long_components.core.requesters import Requester
from dash_long_components.core.snapshots import Place
from dash_long_components.exceptions import (
    BrokerUnavailableError,
    StoreError,
    StoreUnavailableError,
)
from dash_long_components.web import managers, routes, user_jobs
from dash_long_components.web.app_jobs import AppJobs
from dash_long_components.web.managers import Managers
from dash_long_components.web.tokens import MAX_AGE, TokenSigner
from tests import backends
from tests.unit.fakes import NOW, RecordingManager, Site, handle_of, out, prop

POLL, CANCEL = "_dash-long-jobs/poll", "_dash-long-jobs/cancel"
#: Of the manager, in tokens.
NAME = "recordingmanager"

both = pytest.mark.parametrize("path", [POLL, CANCEL])


@pytest.fixture(params=backends.ALL)
def site(request: pytest.FixtureRequest) -> Site:
    return Site(request.param)


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
    answer = response.get_json()
    # Asynchronous servers offer to hold the next poll: see test_held_polls.py.
    answer.pop("hold", None)
    return answer


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
def test_body_that_is_not_json_is_refused(site: Site, path: str, body: bytes) -> None:
    refused(site.post(path, body), 400)


@pytest.mark.parametrize(
    "body",
    [
        *(None, True, 1, "x", {}, {"0": ["x", 0]}, ["x"], [["x"]], [[]], [["x", 0, 0]]),
        *([[0, "x"]], [["x", "0"]], [["x", 1.0]], [["x", None]], [["x", True]]),
        *([["x", -1]], [[None, 0]], [[["x"], 0]], [["x", 0], 1], [["x", float("nan")]]),
    ],
)
def test_poll_of_the_wrong_shape_is_refused(site: Site, body: Any) -> None:
    refused(site.post(POLL, body), 400)


@pytest.mark.parametrize(
    "body", [None, 1, "x", {}, {"0": "x"}, [1], [None], [["x"]], ["x", 1], [True]]
)
def test_cancel_of_the_wrong_shape_is_refused(site: Site, body: Any) -> None:
    refused(site.post(CANCEL, body), 400)


@both
def test_large_body_is_refused(site: Site, path: str) -> None:
    refused(site.post(path, b" " * (routes.MAX_BODY + 1)), 413)
    assert site.post(path, b"[]".ljust(routes.MAX_BODY)).status_code in (200, 204)


@both
@pytest.mark.parametrize("headers", [{}, {"Transfer-Encoding": "chunked"}])
def test_body_without_a_length_is_refused(
    site: Site, path: str, headers: dict[str, str]
) -> None:
    refused(backends.send(site.app, f"/{path}", headers=headers), 411)


@both
def test_body_shorter_than_its_length_is_refused(site: Site, path: str) -> None:
    response = backends.send(site.app, f"/{path}", b"[", {"Content-Length": "10"})
    refused(response, 400)


@both
def test_other_methods_are_not_allowed(site: Site, path: str) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        response = backends.send(site.app, f"/{path}", method=method)
        assert response.status_code == 405


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
        expired = old.sign("job-0", NAME)
    return {
        "forged": "job-0.abc.def",
        "empty": "",
        "cut": good[:-3],
        "foreign": TokenSigner("of another server").sign("job-0", NAME),
        "expired": expired,
        "of an unknown job": token(site, "job-99"),
        "with a surrogate": "\ud800",
        "with a null": "\0",
    }


def test_every_bad_token_gets_the_same_final_answer(site: Site) -> None:
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


def test_cancel_that_the_broker_refuses_is_logged_by_its_manager(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    job = site.manager.add()
    refuse = mock.Mock(side_effect=BrokerUnavailableError("It is away."))
    monkeypatch.setattr(site.manager, "cancel", refuse)
    for _ in range(2):
        assert site.post(CANCEL, [token(site, job.id)]).status_code == 503
        assert site.post(POLL, [[token(site, job.id), 0]]).status_code == 200
    assert caplog.messages == []


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


def test_job_that_a_request_names_often_is_cancelled_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled: list[str] = []
    monkeypatch.setattr(site.manager, "cancel", cancelled.append)
    # Each handle has a token of its own: it says when it was signed.
    tokens = set()
    for second in range(3):
        with mock.patch.object(time, "time", return_value=time.time() + second):
            tokens.add(token(site, "job-0"))
    assert len(tokens) == 3
    assert site.post(CANCEL, [*tokens] * 100).status_code == 204
    assert cancelled == ["job-0"]


class TwoManagers:
    """An app with two managers, each with a job."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.first, self.second = site.manager, RecordingManager()
        init_app(site.app, self.second)
        jobs = AppJobs.of(site.app)
        assert jobs is not None
        self.tokens = [
            jobs.sign(manager.add(id=name).id, manager, None)
            for manager, name in ((self.first, "a"), (self.second, "b"))
        ]

    def post(self, path: str, body: Any, away: list[RecordingManager]) -> Any:
        """Send a request while some of the managers are not responding."""
        with contextlib.ExitStack() as stack:
            for manager in away:
                for name in ("read", "cancel", "secret", "libraries"):
                    error = StoreUnavailableError("It is away, at redis://a:secret@b.")
                    stack.enter_context(
                        mock.patch.object(manager, name, side_effect=error)
                    )
            return self.site.post(path, body)


@pytest.fixture
def two(site: Site) -> TwoManagers:
    return TwoManagers(site)


def test_poll_reads_the_jobs_of_managers_that_respond(
    two: TwoManagers, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An outage that takes no time to notice gives the manager no rest.
    clock = mock.Mock(monotonic=lambda: 1000.0)
    monkeypatch.setattr("dash_long_components.web.managers.time", clock)
    readings = [[token, 0] for token in two.tokens]
    for away, at in ((two.first, 0), (two.second, 1)):
        answer = two.post(POLL, readings, [away]).get_json()
        assert answer["unreachable"] == [at]
        assert answer["jobs"].keys() == {str(1 - at)}
        assert answer["next"] <= routes.UNREACHABLE_WAIT
        again = f"The job store of {NAME}{at + 1 if at else ''} can be used again."
        two.post(POLL, readings, [])
        assert caplog.messages == ["It is away, at redis://a:secret@b.", again]
        caplog.clear()
    assert two.post(POLL, readings, [two.first, two.second]).status_code == 503
    assert two.post(POLL, readings[:1], [two.first]).status_code == 503
    assert two.post(POLL, readings[:1], [two.second]).get_json()["jobs"]
    assert "unreachable" not in two.post(POLL, readings, []).get_json()
    caplog.clear()


def test_manager_that_is_slow_to_fail_rests_between_polls(
    two: TwoManagers,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = 1000.0
    reads = 0
    read = two.first.read

    def fail(*_: object) -> None:
        nonlocal now, reads
        reads += 1
        now += 2
        raise StoreUnavailableError("It is away.")

    clock = mock.Mock(monotonic=lambda: now)
    monkeypatch.setattr("dash_long_components.web.managers.time", clock)
    monkeypatch.setattr(two.first, "read", fail)
    readings = [[token, 0] for token in two.tokens]
    for _ in range(10):
        assert two.post(POLL, readings, []).get_json()["unreachable"] == [0]
    assert reads == 1
    now += 2 * managers.REST_FACTOR
    assert two.post(POLL, readings, []).get_json()["unreachable"] == [0]
    assert reads == 2
    # No other job waits for it: ask it all the same.
    assert two.post(POLL, readings[:1], []).status_code == 503
    assert reads == 3
    # While both are away, the page gets a 503.
    assert two.post(POLL, readings, [two.second]).status_code == 503
    now += managers.LONGEST_REST
    monkeypatch.setattr(two.first, "read", read)
    assert "unreachable" not in two.post(POLL, readings, []).get_json()
    caplog.clear()


def test_jobs_of_a_user_are_those_of_the_managers_that_respond(
    two: TwoManagers, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = Managers()
    for manager, name, created in ((two.first, "c", 3.0), (two.second, "d", 4.0)):
        jobs.add(manager)
        requester = Requester(id="0", owner="ada")
        manager.add(id=name, created=created, requesters=(requester,))
    assert [job["id"] for job in user_jobs.of_user(jobs, "ada")] == ["d", "c"]
    monkeypatch.setattr(user_jobs, "MAX_LISTED", 1)
    assert [job["id"] for job in user_jobs.of_user(jobs, "ada")] == ["d"]

    clock = mock.Mock(monotonic=lambda: 1000.0)
    monkeypatch.setattr("dash_long_components.web.managers.time", clock)
    away = mock.Mock(side_effect=StoreUnavailableError("It is away."))
    monkeypatch.setattr(two.second, "look_for", away)
    for _ in range(3):
        assert [job["id"] for job in user_jobs.of_user(jobs, "ada")] == ["c"]
    assert caplog.messages == ["It is away."]
    monkeypatch.setattr(two.first, "look_for", away)
    with pytest.raises(StoreUnavailableError):
        user_jobs.of_user(jobs, "ada")
    caplog.clear()


def test_cancel_reaches_the_managers_that_respond(
    two: TwoManagers, caplog: pytest.LogCaptureFixture
) -> None:
    # The page sends all of them again after a 503.
    assert two.post(CANCEL, two.tokens, [two.first]).status_code == 503
    statuses = [
        each.records[key].status for each, key in ((two.first, "a"), (two.second, "b"))
    ]
    assert statuses == [Status.QUEUED, Status.CANCELLED]
    assert two.post(CANCEL, two.tokens, []).status_code == 204
    assert two.first.records["a"].status is Status.CANCELLED
    caplog.clear()


def test_files_of_libraries_do_not_need_every_manager(
    two: TwoManagers, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = "late_library"
    path = f"/_dash-component-suites/{package}/late.js"
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "browser" / "apps")
    monkeypatch.setattr(ComponentRegistry, "registry", {*ComponentRegistry.registry})
    monkeypatch.delitem(sys.modules, package, raising=False)
    error = StoreUnavailableError("It is away.")
    with (
        mock.patch.object(two.first, "libraries", side_effect=error),
        mock.patch.object(two.second, "libraries", return_value={package}),
    ):
        answer = backends.send(two.site.app, path, method="GET")
        assert answer.status_code == 200
    assert caplog.messages == ["It is away."]
    caplog.clear()
    monkeypatch.delitem(sys.modules, package)


def test_every_process_knows_the_managers_of_all_callbacks() -> None:
    other = RecordingManager()

    def process() -> Site:
        site = Site()
        decorator = long_callback(
            Output("o", "children"), Input("i", "n"), manager=other
        )
        replace(decorator, register=site.app.callback)(lambda _n: None)
        return site

    first, second = process(), process()
    started = first.trigger(out("o", "children"), [prop("i", "n", 1)])
    found = poll(second, (handle_of(started)["token"], 0))["jobs"]["0"]
    assert found["status"] == "queued"


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


def test_callback_that_comes_after_the_first_request_can_be_cancelled(
    site: Site,
) -> None:
    # On a server with threads, a request may come while Dash still sets up the app.
    assert poll(site) == {"next": routes.MAX_WAIT}
    cancel = [Input("stop", "n_clicks")]
    for name in ("a", "b"):
        site.long_callback(Output(name, "n"), Input(name, "n"), cancel=cancel)(print)
        poll(site)
    answer = backends.send(site.app, "/_dash-dependencies", method="GET")
    functions = [each["clientside_function"] for each in answer.get_json()]
    assert len([each for each in functions if each]) == 1


def test_ended_job_needs_no_further_poll(site: Site) -> None:
    job = site.manager.add(status=Status.CANCELLED)
    assert poll(site, (token(site, job.id), 0))["next"] == routes.MAX_WAIT


@pytest.mark.parametrize("backend", backends.ALL)
def test_endpoints_are_under_the_apps_prefix(backend: str) -> None:
    site = Site(backend, url_base_pathname="/sales/")
    assert site.prefix == "/sales/"
    assert poll(site) == {"next": routes.MAX_WAIT}
    assert backends.send(site.app, f"/{POLL}", b"[]").status_code != 200


def test_second_manager_gets_its_polls(site: Site) -> None:
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


def test_secret_of_the_store_signs_whatever_key_a_process_has(site: Site) -> None:
    job = site.manager.add()
    site.app.server.secret_key = "of one process alone"
    own = TokenSigner(site.manager.secret()).sign(job.id, NAME)
    assert "jobs" not in poll(site, (own, job.cursor))
    foreign = TokenSigner("of one process alone").sign(job.id, NAME)
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
