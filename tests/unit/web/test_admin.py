"""Operators see and change the jobs of all users, and no one else does."""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import json
import os
import time
from typing import Any
from unittest import mock

import dash
import pytest
from dash import Input, Output, html

import dash_long_components as dlc
from dash_long_components.core.calls import Call
from dash_long_components.core.records import Record
from dash_long_components.core.status import Status
from dash_long_components.exceptions import StoreFullError
from dash_long_components.managers.store.clock import Instant
from dash_long_components.testing import MemoryLongCallbackManager
from tests import backends

PATH = "/app/_dash-long-jobs/admin"
LOOK = {"look": {"start": 0, "count": 100}}
CALL = Call(task="module.task", fingerprint="", context={})

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("dash_ag_grid") is None and not os.environ.get("CI"),
    reason="dash-ag-grid is not installed",
)


def is_admin() -> bool:
    """Do what an app does: the role is known by a cookie."""
    role = backends.cookie(dash.get_app(), "role")
    if role == "stranger":
        backends.abort(dash.get_app(), 401)
    return role == "admin"


async def is_admin_soon() -> bool:
    await asyncio.sleep(0)
    return is_admin()


class AdminSite:
    """An app with operators, and jobs that no worker takes."""

    def __init__(
        self,
        backend: str = "flask",
        admin: Any = is_admin,
        keep_calls: bool = False,
        user: Any = None,
    ) -> None:
        self.manager = MemoryLongCallbackManager(keep_calls=keep_calls)
        self.app = dlc.Dash(
            __name__,
            long_callback_manager=self.manager,
            long_callback_admin=admin,
            long_callback_user=user,
            url_base_pathname="/app/",
            **backends.options(backend),
        )
        self.app.layout = html.Div()

    def add(self, job_id: str, task: str = "module.task", user: Any = "ada") -> None:
        now = time.time()
        self.manager._store.submit(
            Record(id=job_id, task=task, code="other", created=now, changed=now),
            CALL,
            max_concurrency=1,
            max_queue=99,
            owner=json.dumps(user),
        )

    def send(self, body: Any, role: str | None = "admin", **headers: str) -> Any:
        if role is not None:
            headers["Cookie"] = f"role={role}"
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return backends.send(self.app, PATH, data, headers)

    def look(self, **asked: Any) -> dict[str, Any]:
        answer = self.send({"look": {"start": 0, "count": 100, **asked}})
        assert answer.status_code == 200, answer.get_data()
        found: dict[str, Any] = answer.get_json()
        return found

    def ids(self, **asked: Any) -> list[str]:
        return [row["id"] for row in self.look(**asked)["rows"]]

    def change(self, **change: Any) -> Any:
        """Return how many were changed, of those that the change names."""
        answer = self.send({"key": self.look()["key"], **change})
        assert answer.status_code == 200, answer.get_data()
        found = answer.get_json()
        return found["changed"], found["asked"]


@pytest.mark.parametrize("backend", backends.ALL)
@pytest.mark.parametrize("admin", [is_admin, is_admin_soon])
def test_no_one_but_operators_learns_or_changes_anything(
    backend: str, admin: Any
) -> None:
    site = AdminSite(backend, admin)
    none = AdminSite(backend, None)
    site.add("a")
    key = site.look()["key"]
    requests: list[Any] = [
        *(LOOK, {**LOOK, "manager": "invented"}, {}, [], b"nothing", b"x" * 100_000),
        *({"key": key, "cancel": ["a"]}, {"key": key, "pause": ["module.task"]}),
        *({"key": key, "resume": ["module.task"]}, {"key": key, "drain": 300}),
    ]
    for body in requests:
        # The answer is the same as that of an app without operators.
        expected = none.send(body)
        for role in (None, "user"):
            answer = site.send(body, role)
            assert answer.status_code == expected.status_code == 404
            assert answer.get_data() == expected.get_data()
            assert {*answer.headers.keys()} == {*expected.headers.keys()}
    text = {"Content-Type": "text/plain"}
    for each in (site, none):
        assert each.send(LOOK, **text).get_data() == expected.get_data()
    assert site.send(b"x" * 300_000).status_code == 404
    assert site.send(b"x" * 70_000).status_code == 413
    assert site.send(LOOK, "stranger").status_code == 401
    look = site.look()
    assert [row["status"] for row in look["rows"]] == ["queued"]
    assert look["drained"] == 0
    assert not site.manager.halts().paused


@pytest.mark.parametrize("backend", backends.ALL)
def test_visitor_without_a_role_is_no_operator(
    backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    def is_admin() -> bool:
        return object().is_admin  # type: ignore[attr-defined, no-any-return]

    answer = AdminSite(backend, is_admin).send(LOOK)
    expected = AdminSite(backend, None).send(LOOK)
    assert answer.status_code == expected.status_code == 404
    assert answer.get_data() == expected.get_data()
    assert "The function of admin= failed" in caplog.text


@pytest.fixture
def site() -> AdminSite:
    return AdminSite()


def test_operator_sees_the_jobs_of_all_users_and_how_they_are(site: AdminSite) -> None:
    site.add("a", user={"tenant": 1})
    site.add("b", "module.other", user="bob")
    site.manager._store.end("a", Status.FAILED)
    look = site.look()
    assert [(row["id"], row["status"], row["user"]) for row in look["rows"]] == [
        ("b", "queued", "bob"),
        ("a", "failed", {"tenant": 1}),
    ]
    assert look["count"] == 2
    assert (look["manager"], look["managers"]) == ("memory", ["memory"])
    assert look["statuses"]["failed"] == look["statuses"]["queued"] == 1
    assert look["queues"] == {"default": 1}
    assert look["health"]["queued"] == 1
    assert [(it["task"], it["failed"], it["queued"]) for it in look["tasks"]] == [
        ("module.other", 0, 1),
        ("module.task", 1, 0),
    ]


def test_operator_filters_sorts_and_turns_pages(site: AdminSite) -> None:
    for number in range(6):
        site.add(str(number), f"module.t{number % 2}", user=number % 3)
    site.manager._store.end("4", Status.FAILED)
    site.manager._store.end("5", Status.LOST)
    assert site.ids(start=1, count=2) == ["4", "3"]
    assert site.ids(order=["created", False], count=2) == ["0", "1"]
    assert site.ids(order=["task", True]) == [*"531420"]
    assert site.ids(order=["status", False], start=1, count=3) == ["5", "3", "2"]
    assert site.ids(status=["failed", "lost"]) == ["5", "4"]
    assert site.ids(task="module.t1", order=["status", True]) == ["3", "1", "5"]
    assert site.ids(user="2") == ["5", "2"]
    assert site.ids(user="2", status=["queued"], order=["task", False]) == ["2"]
    assert site.look(user="2", count=1)["count"] == 2
    assert site.look(task="module.t0", status=["queued"], count=1)["count"] == 2
    site.add("text", user="2")
    assert site.ids(user="2") == ["text"]
    assert site.ids(user="no one") == site.ids(user="[" * 20_000) == []


def test_operator_cancels_pauses_and_drains(site: AdminSite) -> None:
    site.add("a")
    site.add("b", user="bob")
    assert site.change(cancel=["a", "invented", "a"]) == (1, 2)
    assert site.change(cancel=["a"]) == (0, 1)
    assert [row["status"] for row in site.look()["rows"]] == ["queued", "cancelled"]
    site.add("c", task="module.other")
    assert site.change(pause=["module.task", "module.other"]) == (2, 2)
    assert [(it["task"], it["is_paused"]) for it in site.look()["tasks"]] == [
        ("module.other", True),
        ("module.task", True),
    ]
    site.change(resume=["module.other"])
    assert site.manager.halts().paused == {"module.task"}
    assert site.change(drain=300) == (1, 1)
    assert 290 < site.look()["drained"] <= 300
    # Until the end of a longer drain, whatever is asked for meanwhile.
    site.manager.drain(600)
    site.change(drain=300)
    assert 590 < site.look()["drained"] <= 600
    site.change(drain=0)
    assert site.look()["drained"] == 0
    assert site.manager.halts().paused == {"module.task"}


@pytest.mark.parametrize("key", [None, "forged"])
def test_change_needs_the_key_that_pages_of_other_sites_can_not_read(
    site: AdminSite, key: str | None
) -> None:
    site.add("a")
    assert site.send({"key": key, "cancel": ["a"]}).status_code == 400
    assert site.ids(status=["queued"]) == ["a"]


def test_key_is_that_of_one_user_and_of_two_days(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user, now = "ada", time.time()
    site = AdminSite(user=lambda: user)
    site.add("a")
    monkeypatch.setattr(time, "time", lambda: now)

    def is_taken(key: str) -> bool:
        status: int = site.send({"key": key, "cancel": ["a"]}).status_code
        return status == 200

    key = site.look()["key"]
    user = "eve"
    assert not is_taken(key)
    user = "ada"
    assert is_taken(key)
    now += 86_400
    assert is_taken(key)
    assert site.look()["key"] != key
    now += 86_400
    assert not is_taken(key)


WRONG: list[dict[str, Any]] = [
    *({"start": -1}, {"count": 0}, {"count": 1001}, {"order": ["ran", True]}),
    *({"order": "task"}, {"status": ["odd"]}, {"status": 7}, {"task": 7}),
    *({"user": {"a": 1}}, {"status": [[]]}, {"task": "\ud800"}, {"user": "\ud800"}),
]


@pytest.mark.parametrize(
    "body",
    [
        *([], {}, "look", {"look": 1}, {"look": {}}, {"look": {"start": 0}}),
        *({"look": {"start": 0, "count": 1, **wrong}} for wrong in WRONG),
        {**LOOK, "manager": "invented"},
        {**LOOK, "manager": ["memory"]},
    ],
)
def test_request_of_the_wrong_shape_is_refused(site: AdminSite, body: Any) -> None:
    answer = site.send(body)
    assert answer.status_code == 400
    assert answer.headers["Dash-Long-Jobs"] == "refused"


@pytest.mark.parametrize(
    "change",
    [
        *({"cancel": [1]}, {"pause": [None]}, {"drain": -1}, {"cancel": ["a"] * 1001}),
        *({"cancel": ["\ud800"]}, {"pause": ["\ud800"]}),
        *({"pause": ["module.none"]}, {"resume": ["module.none"]}),
    ],
)
def test_change_of_the_wrong_shape_is_refused(
    site: AdminSite, change: dict[str, Any]
) -> None:
    body = {"key": site.look()["key"], **change}
    assert site.send(body).status_code == 400


def test_outage_of_the_store_is_told(
    site: AdminSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_full() -> Any:
        raise StoreFullError("The disk of /srv/secret is full.")

    monkeypatch.setattr(site.manager, "halts", is_full)
    answer = site.send(LOOK)
    assert answer.status_code == 503
    assert answer.get_data() == b"Try again: the disk of the job store is full.\n"


def test_admin_is_one_function() -> None:
    with pytest.raises(ValueError, match=r"admin= takes a function .* not True"):
        AdminSite(admin=True)
    site = AdminSite()
    dlc.init_app(site.app, site.manager, admin=is_admin)
    with pytest.raises(ValueError, match="Pass admin= once"):
        site.manager.init_app(site.app, admin=is_admin_soon)


def test_operator_retries_what_has_not_succeeded() -> None:
    site = AdminSite(keep_calls=True)
    values: list[int] = []

    @site.app.long_callback(Output("out", "children"), Input("in", "value"))
    def run(value: int) -> int:
        values.append(value)
        if len(values) == 1:
            raise ValueError("once")
        return value

    first = site.manager.start(run, 5, user="ada")
    assert first.wait(10) is Status.FAILED
    # An operator who asks twice, or after another one, starts no second job.
    assert site.change(retry=[first.id, "invented", first.id]) == (1, 2)
    assert site.change(retry=[first.id]) == (0, 1)
    (second,) = site.manager.jobs(status=["queued", "running", "succeeded"])
    assert second.wait(10) is Status.SUCCEEDED
    assert (values, second.user, second.result()) == ([5, 5], "ada", 5)
    # A job that has succeeded is done, and keeps nothing.
    assert site.change(retry=[second.id]) == (0, 1)
    with pytest.raises(ValueError, match="is succeeded"):
        second.retry()
    assert site.manager.kept_call(second.id) is None
    assert site.look()["keeps_calls"]


def test_retry_that_starts_no_job_can_be_repeated() -> None:
    site = AdminSite(keep_calls=True)
    site.manager._store.submit(
        Record(id="a", task="module.task", code="", created=1.0, changed=1.0),
        CALL,
        max_concurrency=1,
        max_queue=99,
        keep_call=True,
    )
    site.manager._store.end("a", Status.LOST)
    for _ in range(2):
        answer = site.send({"key": site.look()["key"], "retry": ["a"]})
        assert answer.status_code == 400
        assert b"no app of this process has it" in answer.get_data()
    assert site.manager.kept_call("a") == CALL


def test_change_that_a_manager_does_not_know_is_refused(
    site: AdminSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        site.manager, "change_halts", mock.Mock(side_effect=NotImplementedError)
    )
    site.add("a")
    answer = site.send({"key": site.look()["key"], "pause": ["module.task"]})
    assert answer.status_code == 400
    assert b"can't do that" in answer.get_data()


def test_retry_needs_a_kept_call(site: AdminSite) -> None:
    site.add("a")
    site.manager._store.end("a", Status.LOST)
    assert site.change(retry=["a"]) == (0, 1)
    with pytest.raises(ValueError, match="keep_calls=True"):
        site.manager.job("a").retry()
    assert not site.look()["keeps_calls"]


def test_look_costs_the_store_the_same_among_10000_jobs(site: AdminSite) -> None:
    store = site.manager._store

    def fill(first: int, last: int) -> None:
        now = time.time()
        with store._database.transaction():
            for number in range(first, last):
                record = Record(
                    id=f"job-{number}",
                    task=f"module.task_{number % 10}",
                    code="",
                    status=list(Status)[number % len(Status)],
                    created=now,
                    changed=now,
                )
                store._jobs.add(record, Instant.now())

    def steps() -> int:
        """Return how many hundred steps a look takes SQLite."""
        count = itertools.count()
        connection = store._database._connection()
        connection.set_progress_handler(lambda: next(count) * 0, 100)
        look = site.look(count=10)
        connection.set_progress_handler(None, 0)
        assert len(look["rows"]) == 10
        return next(count)

    fill(0, 100)
    few = steps()
    fill(100, 10_000)
    assert steps() <= few + 2
    assert site.look(count=10)["count"] == 10_000
