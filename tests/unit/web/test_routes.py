"""The endpoints answer every request, and log no crash."""

from __future__ import annotations

import json
import time
from typing import Any
from unittest import mock

import pytest
from dash import Input, Output
from hypothesis import given, settings
from hypothesis import strategies as st

from dash_long_components.core.status import Status
from dash_long_components.exceptions import BrokerUnavailableError
from dash_long_components.web import routes
from dash_long_components.web.tokens import MAX_AGE, TokenSigner
from tests import backends
from tests.unit.fakes import Site
from tests.unit.web.made import CANCEL, NAME, POLL, poll, token

pytestmark = pytest.mark.usefixtures("no_warnings")

both = pytest.mark.parametrize("path", [POLL, CANCEL])


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


@pytest.mark.parametrize("backend", backends.ALL)
def test_endpoints_are_under_the_apps_prefix(backend: str) -> None:
    site = Site(backend, url_base_pathname="/sales/")
    assert site.prefix == "/sales/"
    assert poll(site) == {"next": routes.MAX_WAIT}
    assert backends.send(site.app, f"/{POLL}", b"[]").status_code != 200


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
