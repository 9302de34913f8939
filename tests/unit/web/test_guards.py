"""A page tells the endpoint's own refusal from that of a guard of the app."""

from __future__ import annotations

import pytest

from tests import backends
from tests.unit.fakes import Site

POLL = "_dash-long-jobs/poll"


@pytest.fixture(params=backends.ALL)
def site(request: pytest.FixtureRequest) -> Site:
    return Site(request.param)


def test_refusal_of_the_endpoint_says_that_it_is_its_own(site: Site) -> None:
    answer = site.post(POLL, b"no JSON")
    assert answer.status_code == 400
    assert answer.headers["Dash-Long-Jobs"] == "refused"


def test_refusal_of_a_guard_does_not(site: Site) -> None:
    backends.refuse_all(site.app, 400)
    answer = site.post(POLL, b"[]")
    assert answer.status_code == 400
    assert "Dash-Long-Jobs" not in answer.headers
