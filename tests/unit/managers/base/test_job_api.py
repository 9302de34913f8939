"""Jobs from code: started, found, followed and cancelled without a page."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
from dash import ALL, Input, Output, State, no_update

import dash_long_components as dlc
from dash_long_components import Job, UnsuccessfulJobError, current_job, set_props
from dash_long_components.bridge import internals
from dash_long_components.exceptions import (
    JobNotFoundError,
    MissingManagerError,
    StoreFullError,
    StoreUnavailableError,
)
from dash_long_components.running import tasks
from dash_long_components.testing import MemoryLongCallbackManager, Page
from tests.unit.fakes import RecordingManager
from tests.waiting import until

BOUND = 10  # seconds, for what hangs


class Site:
    """An app whose jobs run in threads, and one of its pages."""

    def __init__(self, **options: Any) -> None:
        self.manager = MemoryLongCallbackManager(**options)
        self.user: str | None = None
        self.app = dlc.Dash(
            __name__,
            long_callback_manager=self.manager,
            long_callback_user=lambda: self.user,
        )
        self.app.layout = dlc.html.Div()
        self.go_on = threading.Event()
        self.page = Page(self.app)

    def hold(self) -> Callable[..., Any]:
        @self.app.long_callback(
            Output("held", "children"), Input("in", "value"), title="Held"
        )
        def hold(set_progress: Callable[[Any], None], value: Any) -> Any:
            set_progress((1, 4))
            current_job().log(f"value {value}")
            self.go_on.wait(BOUND)
            return value

        return hold


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.go_on.set()
    site.manager.close()


@pytest.fixture
def caching() -> Iterator[Site]:
    site = Site(cache_by=[])
    yield site
    site.go_on.set()
    site.manager.close()


def wait_for(job: Job, status: str) -> None:
    until(lambda: job.status == status, BOUND, poll=0.01)


def test_job_tells_how_it_goes_and_what_it_returned(site: Site) -> None:
    job = site.manager.start(site.hold(), 5.0)
    wait_for(job, "running")
    until(lambda: job.log, BOUND, poll=0.01)
    found = site.manager.job(job.id)
    assert (found.progress, found.log, found.title) == (0.25, ["value 5"], "Held")
    assert found.task.endswith("hold")
    assert not found.has_ended
    assert found.ended is None
    with pytest.raises(TimeoutError, match=r"is running after 0\.05 s"):
        found.wait(0.05)
    site.go_on.set()
    assert found.result(BOUND) == 5
    assert found.to_dict() == {
        **{"id": job.id, "task": job.task, "title": "Held", "status": "succeeded"},
        **{"user": None, "progress": 0.25, "question": None, "error": None},
        **{"created": job.created, "started": found.started, "ended": found.ended},
    }


def test_result_has_the_grouping_of_the_outputs(site: Site) -> None:
    @site.app.long_callback(
        output={"one": Output("a", "children"), "two": Output("b", "children")},
        inputs={"pair": (Input("c", "value"), Input("d", "value"))},
        state={"factor": State("e", "value")},
    )
    def scale(pair: tuple[int, int], factor: int = 3) -> dict[str, Any]:
        set_props("f", {"title": "set"})
        return {"one": pair[0] * factor, "two": no_update}

    result = site.manager.start(scale, pair=(2, 4)).result(BOUND)
    assert result == {"one": 6, "two": no_update}


def test_job_without_outputs_has_no_result(site: Site) -> None:
    ran = []

    @site.app.long_callback(Input("c", "value"))
    def send(value: Any) -> None:
        ran.append(value)

    assert site.manager.start(send, [1]).result(BOUND) is None
    assert ran == [[1]]


@pytest.mark.parametrize("value", [None, 1.0, "a", {"b": [1.5, None]}])
def test_page_gets_the_result_of_an_equal_job_from_the_cache(
    caching: Site, value: Any
) -> None:
    runs = []

    @caching.app.long_callback(
        [Output("out", "children", allow_duplicate=True), Output("more", "children")],
        Input("in", "value"),
        State({"type": "state", "index": 1}, "value"),
        progress=Output("bar", "value"),
        prevent_initial_call=True,
    )
    def compute(set_progress: Callable[[Any], None], value: Any, state: Any) -> Any:
        runs.append(value)
        set_progress(1)
        return [len(runs), state]

    first = caching.manager.start(compute, value, 2)
    assert first.result(BOUND) == [1, 2]
    # A page leaves a value out that is not set.
    values = {} if value is None else {"in.value": 1 if value == 1.0 else value}
    page_job = caching.page.start(
        "out.children",
        {**values, '{"index":1,"type":"state"}.value': 2},
    )
    assert page_job.outputs["more.children"] == 2
    again = caching.manager.start(compute, value, 2, user="ada")
    assert (again.status, again.result(), again.user) == ("succeeded", [1, 2], "ada")
    assert len(runs) == 1
    assert len(caching.manager.jobs()) == 1


def test_jobs_are_found_by_status_task_and_user(site: Site) -> None:
    hold = site.hold()

    @site.app.long_callback(Output("x", "children"), Input("in", "value"))
    def fail(value: Any) -> Any:
        raise LookupError(value)

    manager = site.manager
    held = [manager.start(hold, number, user="ada") for number in range(2)]
    failed = manager.start(fail, 7, user=None)
    assert failed.wait(BOUND) == "failed"
    assert failed.error == "LookupError: 7"
    with pytest.raises(UnsuccessfulJobError, match=r"is failed\. LookupError: 7") as e:
        failed.result()
    assert (e.value.status, e.value.type) == ("failed", "LookupError")
    for job in held:
        wait_for(job, "running")

    def ids(**conditions: Any) -> list[str]:
        return [job.id for job in manager.jobs(**conditions)]

    both = [held[1].id, held[0].id]
    assert ids() == [failed.id, *both]
    assert ids(limit=2) == [failed.id, held[1].id]
    assert ids(user="ada") == ids(task=hold) == ids(status="running") == both
    assert ids(user="ada", task=hold, status=["running", "queued"], limit=1) == both[:1]
    assert (
        ids(user=None) == ids(task=failed.task) == ids(status="failed") == [failed.id]
    )
    assert ids(user="eve") == ids(task="other") == ids(status="lost") == []


def test_other_user_can_not_tell_whether_a_job_exists(site: Site) -> None:
    job = site.manager.start(site.hold(), 1, user="ada")
    assert site.manager.job(job.id, user="ada").user == "ada"
    errors = []
    for user in ("eve", None):
        for job_id in (job.id, "missing"):
            with pytest.raises(JobNotFoundError) as caught:
                site.manager.job(job_id, user=user)
            errors.append(str(caught.value).replace(job_id, "ID"))
    assert len(set(errors)) == 1


def test_job_of_a_page_belongs_to_its_user(site: Site) -> None:
    site.hold()
    site.user = "ada"
    site.page.start("held.children", {"in.value": 1})
    (job,) = site.manager.jobs(user="ada")
    assert site.manager.jobs(user=None) == []
    assert job.user == "ada"


def test_cancel_is_for_those_who_cancel(caching: Site) -> None:
    hold = caching.hold()
    first, second, third = (
        caching.manager.start(hold, 1, user=user) for user in ("ada", "bob", "bob")
    )
    assert first.id == second.id == third.id
    second.cancel()
    assert (second.status, third.status, first.status) == (
        *("cancelled", "running"),
        "running",
    )
    caching.manager.job(first.id, user="bob").cancel()
    assert third.wait(BOUND) == "cancelled"
    assert caching.manager.job(first.id).status == "running"
    caching.manager.job(first.id).cancel()
    assert first.wait(BOUND) == "cancelled"
    first.cancel()


def test_status_that_does_not_exist_is_refused(site: Site) -> None:
    with pytest.raises(ValueError, match=r"status= takes one of queued, .* 'done'"):
        site.manager.jobs(status="done")
    with pytest.raises(ValueError, match="limit takes a whole number above zero"):
        site.manager.jobs(limit=0)


def test_function_that_can_not_start_is_refused(site: Site) -> None:
    start: Callable[..., Job] = site.manager.start
    with pytest.raises(ValueError, match=r"Decorate it with @long_callback\(\)"):
        start(len, [])
    hold = site.hold()
    with pytest.raises(TypeError, match=r"hold: missing a required argument: 'value'"):
        start(hold)
    with pytest.raises(TypeError, match=r"hold: .* not JSON serializable"):
        start(hold, object())
    with pytest.raises(TypeError, match=r"EVERYONE|A user is JSON data"):
        start(hold, 1, user=object())

    @site.app.long_callback(
        Output("all", "children"), Input({"type": "many", "index": ALL}, "value")
    )
    def many(values: Any) -> Any:
        return values

    with pytest.raises(ValueError, match=r"many: .* has a wildcard"):
        start(many, [1])
    site.app.long_callback(Output("2", "children"), Input("in", "value"))(hold)
    with pytest.raises(ValueError, match="2 of them have the function"):
        start(hold, 1)

    with pytest.raises(ValueError, match=r"Another manager runs .*many"):
        RecordingManager().start(many, [1])


def test_manager_without_an_app_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # Dash remembers the app that was made last.
    monkeypatch.setattr(internals, "current_app", lambda: None)

    @dlc.long_callback(
        Output("lone", "children"),
        Input("in", "value"),
        manager=(manager := RecordingManager()),
    )
    def lone(value: Any) -> Any:
        return value

    with pytest.raises(MissingManagerError, match=r"lone: no app .* has the manager"):
        manager.start(lone, 1)


def test_job_of_code_does_not_end_for_want_of_a_page() -> None:
    site = Site(keep_calls=True)

    @site.app.long_callback(
        Output("out", "children"), Input("in", "value"), on_leave="cancel"
    )
    def fail(value: Any) -> Any:
        raise ValueError("no")

    def leave_timeout(job: Job) -> float | None:
        return site.manager.look_up(job.id).limits.leave_timeout

    site.page.start("out.children", {"in.value": 1})
    (first,) = site.manager.jobs()
    first.wait(BOUND)
    assert leave_timeout(first) == 30
    assert leave_timeout(first.retry()) is None
    assert leave_timeout(site.manager.start(fail, 2)) is None
    site.manager.close()


def test_job_that_has_started_is_returned_though_the_store_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An error would say that no job has started."""
    site = Site(keep_calls=True)

    @site.app.long_callback(Output("out", "children"), Input("in", "value"))
    def fail(value: int) -> int:
        raise ValueError("always")

    first = site.manager.start(fail, 1, user="ada")
    assert first.wait(BOUND) == "failed"
    look_up = site.manager.look_up
    away = mock.Mock(side_effect=StoreUnavailableError())
    monkeypatch.setattr(type(first), "_record", lambda job, *_: job._last)
    monkeypatch.setattr(site.manager, "look_up", away)
    started = [site.manager.start(fail, 2, user="ada"), first.retry()]
    monkeypatch.undo()
    assert len({look_up(job.id).id for job in started}) == 2
    assert [job.wait(BOUND) for job in started] == ["failed"] * 2
    assert [job.user for job in started] == ["ada"] * 2
    site.manager.close()


def test_retry_tells_the_error_of_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(keep_calls=True)

    @site.app.long_callback(Output("out", "children"), Input("in", "value"))
    def fail(value: int) -> int:
        raise ValueError("always")

    first = site.manager.start(fail, 1)
    first.wait(BOUND)
    full = mock.Mock(side_effect=StoreFullError("the disk is full"))
    # Late in the transaction that takes the call.
    with monkeypatch.context() as patch:
        patch.setattr(site.manager._store._jobs, "add", full)
        with pytest.raises(StoreFullError, match="the disk is full"):
            first.retry()
    full.assert_called_once()
    second = first.retry()
    assert (second.wait(BOUND), second.id == first.id) == ("failed", False)
    with pytest.raises(ValueError, match="a retry has taken them"):
        first.retry()
    site.manager.close()


def test_retry_is_for_the_user_who_asks() -> None:
    site = Site(keep_calls=True, cache_by=[lambda: "all share it"])
    go_on = threading.Event()

    @site.app.long_callback(Output("out", "children"), Input("in", "value"))
    def fail(value: int) -> int:
        assert go_on.wait(BOUND)
        raise ValueError("always")

    first, joined = (site.manager.start(fail, 1, user=user) for user in ("ada", "ben"))
    assert first.id == joined.id
    go_on.set()
    first.wait(BOUND)
    again = site.manager.job(first.id, user="ben").retry()
    assert again.user == "ben"
    with pytest.raises(JobNotFoundError):
        site.manager.job(again.id, user="ada")
    site.manager.close()


def test_retry_shows_no_cached_result_of_other_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = Site(keep_calls=True, cache_by=[lambda: "all share it"])
    code = ""

    @site.app.long_callback(Output("out", "children"), Input("in", "value"))
    def work(value: int) -> str:
        if not code:
            raise ValueError("It is not ready.")
        return f"{value}, by {code}"

    first, second = (site.manager.start(work, value) for value in (1, 2))
    assert {job.wait(BOUND) for job in (first, second)} == {"failed"}
    code = "the old code"
    for value in (1, 2):
        assert site.manager.start(work, value).result(BOUND) == f"{value}, by {code}"
    code = "the new code"
    assert first.retry().result(BOUND) == "1, by the old code"
    find: Any = tasks.find
    monkeypatch.setattr(
        tasks, "find", lambda key: replace(find(key), fingerprint="new")
    )
    assert second.retry().result(BOUND) == "2, by the new code"
    site.manager.close()
