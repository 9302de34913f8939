"""Only a page that waits for a job answers its question."""

from __future__ import annotations

from typing import Any

import pytest

from dash_long_components.core.answers import question_of
from dash_long_components.core.questions import Asked, Question
from dash_long_components.core.requesters import Requester
from dash_long_components.core.status import Status
from dash_long_components.exceptions import StoreUnavailableError
from dash_long_components.web.app_jobs import AppJobs
from tests import backends
from tests.unit.fakes import NOW, Site

ANSWER = "_dash-long-jobs/answer"
ASKED = Question.make("1.1", "Overwrite?", ["yes", "no"], None, None)


@pytest.fixture(params=backends.ALL)
def site(request: pytest.FixtureRequest) -> Site:
    name = request.param
    site = Site(name)
    jobs = AppJobs.of(site.app)
    assert jobs is not None
    jobs.users.set(lambda: backends.cookie(site.app, "user"))
    site.manager.add(
        requesters=(Requester(id="0", owner='"ada"'),),
        status=Status.RUNNING,
        started=NOW,
        asked=Asked(question=ASKED),
    )
    return site


def token(site: Site, *, share: bool = False) -> str:
    jobs = AppJobs.of(site.app)
    assert jobs is not None
    return jobs.link(site.manager, "job-0.0", '"ada"', share)


def send(site: Site, *, user: str = "ada", **changed: Any) -> int:
    body = {"token": token(site), "question": "1.1", "answer": "yes", **changed}
    answer = site.post(ANSWER, body, headers={"Cookie": f"user={user}"})
    if answer.status_code >= 400:
        assert answer.headers["Dash-Long-Jobs"] == "refused" or (
            answer.status_code == 503
        )
    status: int = answer.status_code
    return status


def test_owner_answers_once(site: Site) -> None:
    assert send(site) == 204
    assert send(site) == 204  # the browser repeats a request whose response was lost
    assert send(site, answer="no") == 409
    assert site.manager.records["job-0"].asked == Asked(answer=("1.1", "yes"))


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"user": "bob"}, 409),
        ({"token": "recordingmanager.job-0.0.x.y"}, 409),
        ({"question": "1.0"}, 409),
        ({"answer": "maybe"}, 400),
        ({"answer": ["yes"]}, 400),
        ({"more": 1}, 400),
    ],
)
def test_no_other_answer_counts(
    site: Site, changed: dict[str, Any], status: int
) -> None:
    assert send(site, **changed) == status
    assert question_of(site.manager.records["job-0"]) == ASKED


def test_shared_link_only_reads(site: Site) -> None:
    assert send(site, token=token(site, share=True)) == 409
    assert question_of(site.manager.records["job-0"]) == ASKED


def test_outage_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StoreUnavailableError("gone")

    monkeypatch.setattr(site.manager, "answer", fail)
    assert send(site) == 503
