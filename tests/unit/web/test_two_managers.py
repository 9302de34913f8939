"""A manager that does not respond does no harm to the jobs of another."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from dash import Input, Output
from dash.development.base_component import ComponentRegistry

from dash_long_components import init_app, long_callback
from dash_long_components.core.requesters import Requester
from dash_long_components.core.status import Status
from dash_long_components.exceptions import StoreUnavailableError
from dash_long_components.web import managers, routes, user_jobs
from dash_long_components.web.app_jobs import AppJobs
from dash_long_components.web.managers import Managers
from tests import backends
from tests.unit.fakes import RecordingManager, Site, handle_of, out, prop
from tests.unit.web.made import CANCEL, NAME, POLL, poll

pytestmark = pytest.mark.usefixtures("no_warnings")


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
    # Two managers may have one job store.
    two.second.add(id="c", created=3.0, requesters=(Requester(id="0", owner="ada"),))
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
