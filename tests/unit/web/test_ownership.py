"""Only the user who started a job can read or cancel it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import dash
import pytest
from dash import Input, Output, html

import dash_long_components as dlc
from dash_long_components import init_app
from dash_long_components.core.status import Status
from dash_long_components.web.app_jobs import AppJobs
from dash_long_components.web.tokens import TokenSigner
from tests import backends
from tests.unit.fakes import RecordingManager, Site, handle_of, out, prop

POLL, CANCEL = "/_dash-long-jobs/poll", "/_dash-long-jobs/cancel"


def user_of(app: dash.Dash) -> Any:
    """Do what an app does: the user is known by a cookie."""
    name = backends.cookie(app, "user")
    match name:
        case "anonymous":
            backends.abort(app, 401)
        case "broken":
            raise RuntimeError("The database of users is away.")
        case "object":
            return object()
        case "tenant":
            return {"tenant": 1, "id": 2}
        case "turned":
            return {"id": 2, "tenant": 1}
    return name


def user() -> Any:
    return user_of(dash.get_app())


async def async_user() -> Any:
    await asyncio.sleep(0)
    return user_of(dash.get_app())


@pytest.fixture(params=backends.ALL)
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=[user, async_user])
def site(request: pytest.FixtureRequest, backend: str) -> Site:
    site = Site(backend, long_callback_user=request.param)

    @site.long_callback(Output("text", "children"), Input("i", "value"))
    def run(value: object) -> object:
        return value

    return site


def send(site: Site, path: str, body: Any, cookie: str | None) -> Any:
    headers = {} if cookie is None else {"Cookie": f"user={cookie}"}
    return backends.send(site.app, path, json.dumps(body).encode(), headers)


def trigger(site: Site, cookie: str | None, **more: Any) -> Any:
    body = {
        **more,
        "output": "text.children",
        "outputs": out("text", "children"),
        "inputs": [prop("i", "value", 1)],
        "state": [],
        "changedPropIds": ["i.value"],
    }
    return send(site, "/_dash-update-component", body, cookie)


def start(site: Site, cookie: str | None) -> str:
    token: str = handle_of(trigger(site, cookie))["token"]
    return token


def status(site: Site, token: str, cookie: str | None) -> str:
    answer = send(site, POLL, [[token, 0]], cookie).get_json()
    found: str = answer["jobs"]["0"]["status"]
    return found


def test_only_its_user_reads_a_job(site: Site) -> None:
    token = start(site, "ada")
    assert status(site, token, "ada") == "queued"
    for other in ("bob", None, "tenant"):
        assert status(site, token, other) == "lost"
    # In another tab too, as often as it likes.
    assert status(site, token, "ada") == "queued"


def test_only_its_user_cancels_a_job(site: Site) -> None:
    token = start(site, "ada")
    assert send(site, CANCEL, [token], "bob").status_code == 204
    assert send(site, CANCEL, [token], None).status_code == 204
    (record,) = site.manager.records.values()
    assert record.status is Status.QUEUED
    assert send(site, CANCEL, [token], "ada").status_code == 204
    (record,) = site.manager.records.values()
    assert record.status is Status.CANCELLED


@pytest.mark.parametrize(
    ("endpoint", "body_of"),
    [
        ("poll", lambda token: [[token, 7]]),
        ("poll", lambda token: {"hold": 1000, "jobs": [[token, 7]]}),
        ("cancel", lambda token: [token]),
        ("answer", lambda token: {"token": token, "question": "1.1", "answer": "yes"}),
        ("jobs", lambda token: {"link": token}),
    ],
)
def test_endpoint_can_not_tell_the_job_of_another_user_from_none(
    site: Site,
    endpoint: str,
    body_of: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokens = [start(site, "ada"), start(site, "ada")]
    # The job of the second one is gone, and the third was never signed here.
    site.manager.records.popitem()
    tokens.append(TokenSigner(b"another").sign("job-7.0", "recording", "bob"))

    def refuse(*_: Any) -> Any:
        raise AssertionError("The time of the answer depends on the job.")

    for method in ("read", "read_all", "look_up", "cancel", "answer"):
        monkeypatch.setattr(site.manager, method, refuse)
    answers = [
        send(site, f"/_dash-long-jobs/{endpoint}", body_of(token), "bob")
        for token in tokens
    ]
    seen = {
        (it.status_code, it.get_data(), it.headers.get("Dash-Long-Jobs"))
        for it in answers
    }
    assert len(seen) == 1
    assert answers[0].status_code in (200, 204, 409)


def jobs_of(site: Site, cookie: str | None, link: str | None = None) -> Any:
    body = {} if link is None else {"link": link}
    answer = send(site, "/_dash-long-jobs/jobs", body, cookie)
    assert answer.status_code == 200
    return answer.get_json()["jobs"]


def start_at(site: Site, cookie: str, location: Any) -> dict[str, Any]:
    """Start a job on a page, and return what the list of its user has of it."""
    trigger(site, cookie, longJob={"page": "p", "seq": 1, "location": location})
    job: dict[str, Any] = jobs_of(site, cookie)[0]
    return job


def test_user_gets_the_jobs_of_all_pages_and_no_other_user_gets_one(
    site: Site,
) -> None:
    job = start_at(site, "ada", "/report?year=2024")
    assert job["destination"] == {
        "location": "/report?year=2024",
        "view": None,
        "outputs": [["text", "children"]],
    }
    assert job["snapshot"]["status"] == "queued"
    assert status(site, job["tokens"][0], "ada") == "queued"
    assert jobs_of(site, "bob") == []
    # Nothing tells one visitor without a login from another.
    start(site, None)
    assert jobs_of(site, None) is None


def test_link_of_another_user_leads_to_no_job_like_one_that_is_invented(
    site: Site,
) -> None:
    token = start_at(site, "ada", "/report")["tokens"][0]
    assert jobs_of(site, "ada", token)[0]["tokens"] == [token]
    assert jobs_of(site, "bob", token) == jobs_of(site, "bob", "invented") == []
    del site.manager.records[jobs_of(site, "ada")[0]["id"]]
    assert jobs_of(site, "ada", token) == []


def test_shared_link_reads_a_job_and_can_not_cancel_it(site: Site) -> None:
    job_id = start_at(site, "ada", "/report?a=1")["id"]
    job = site.manager.job(job_id)
    location, _, own = job.link().partition("&long-job=")
    assert location == "/report?a=1"
    assert status(site, own, "bob") == "lost"
    shared = job.link(share=True).partition("&long-job=")[2]
    assert status(site, shared, "bob") == "queued"
    assert jobs_of(site, "bob", shared)[0]["id"] == job_id
    assert send(site, CANCEL, [shared], "ada").status_code == 204
    assert job.status == "queued"
    # The signature covers what the token may do.
    assert status(site, shared.replace("-view", ""), "ada") == "lost"
    assert status(site, own.replace(".", "-view.", 1), "bob") == "lost"


@pytest.mark.parametrize(
    "location", ["//evil.org", "/\\evil.org", "report", "/a b", "/é", "/" * 3000, 7]
)
def test_link_leads_to_no_other_site(site: Site, location: Any) -> None:
    job = start_at(site, "ada", location)
    assert job["destination"] is None
    with pytest.raises(ValueError, match="no page to link to"):
        site.manager.job(job["id"]).link()


def test_page_id_of_another_user_leads_to_another_lane(site: Site) -> None:
    origin = {"page": "the page of ada", "seq": 1}
    for cookie in ("ada", "bob", None, "ada"):
        trigger(site, cookie, longJob=origin)
    lanes = [job.lane for job in site.manager.submitted]
    names = [lane.name for lane in lanes if lane is not None]
    assert len(set(names)) == 3
    assert names[0] == names[3]


def test_everyone_who_is_not_logged_in_is_one_user(site: Site) -> None:
    token = start(site, None)
    assert status(site, token, None) == "queued"
    # A user who logs in while the job runs is another user.
    assert status(site, token, "ada") == "lost"


def test_user_may_be_any_json(site: Site) -> None:
    token = start(site, "tenant")
    assert status(site, token, "turned") == "queued"
    assert status(site, token, "ada") == "lost"


def test_app_may_refuse_everyone_who_is_not_logged_in(site: Site) -> None:
    token = start(site, "ada")
    assert send(site, POLL, [[token, 0]], "anonymous").status_code == 401
    assert send(site, CANCEL, [token], "anonymous").status_code == 401
    assert trigger(site, "anonymous").status_code == 401
    assert len(site.manager.submitted) == 1


@pytest.mark.parametrize("cookie", ["broken", "object"])
def test_request_of_an_unknown_user_gets_nothing(site: Site, cookie: str) -> None:
    token = start(site, "ada")
    for path, body in ((POLL, [[token, 0]]), (CANCEL, [token])):
        answer = send(site, path, body, cookie)
        assert answer.status_code == 500
        assert b"database" not in answer.get_data()
    assert trigger(site, cookie).status_code == 500
    assert len(site.manager.submitted) == 1
    assert status(site, token, "ada") == "queued"


def test_error_names_the_type_and_not_the_user() -> None:
    jobs = AppJobs.of(Site(long_callback_user=object).app)
    assert jobs is not None
    with pytest.raises(TypeError, match="an instance of object, which is not JSON"):
        jobs.owner()


def test_without_users_everyone_with_the_token_may_use_it() -> None:
    site = Site()
    site.long_callback(Output("text", "children"), Input("i", "value"))(lambda v: v)
    token = start(site, "ada")
    assert status(site, token, "bob") == "queued"


@pytest.mark.parametrize("how", ["function", "method"])
def test_plain_dash_may_have_users(how: str) -> None:
    manager = RecordingManager()
    app = dash.Dash(__name__)
    app.layout = html.Div()
    if how == "function":
        init_app(app, manager, user)
    else:
        manager.init_app(app, user=user)
    # Again, as a module that is imported twice would do.
    manager.init_app(app)
    manager.init_app(app, user)
    with pytest.raises(ValueError, match="another function"):
        manager.init_app(app, user=lambda: 1)


def test_user_must_be_a_function() -> None:
    with pytest.raises(ValueError, match=r"user= takes a function .* not 'ada'"):
        dlc.Dash(
            __name__,
            long_callback_manager=RecordingManager(),
            long_callback_user="ada",  # type: ignore[arg-type]
        )
