"""A page tells the endpoint's own refusal from that of a guard of the app."""

from __future__ import annotations

import flask

from tests.unit.fakes import Site

POLL = "_dash-long-jobs/poll"


def test_refusal_of_the_endpoint_says_that_it_is_its_own() -> None:
    answer = Site().post(POLL, b"no JSON")
    assert answer.status_code == 400
    assert answer.headers["Dash-Long-Jobs"] == "refused"


def test_refusal_of_a_guard_does_not() -> None:
    site = Site()
    site.app.server.before_request(lambda: flask.abort(400))
    answer = site.post(POLL, b"[]")
    assert answer.status_code == 400
    assert "Dash-Long-Jobs" not in answer.headers
