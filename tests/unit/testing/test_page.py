"""A page without a browser, for users' tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import dash
import flask
import pytest
from dash import ALL, Input, Output, Patch, State, html, set_props

import dash_long_components as dlc
from dash_long_components import LongCallbackError
from dash_long_components.core import app_origin
from dash_long_components.exceptions import ImportedScriptError
from dash_long_components.testing import (
    AsgiClient,
    MemoryLongCallbackManager,
    Page,
    wait_for_job,
)
from tests import backends


@pytest.fixture
def manager() -> Iterator[MemoryLongCallbackManager]:
    manager = MemoryLongCallbackManager()
    yield manager
    manager.close()


@pytest.fixture(params=backends.ALL)
def app(request: pytest.FixtureRequest, manager: MemoryLongCallbackManager) -> dlc.Dash:
    app = dlc.Dash(
        __name__,
        long_callback_manager=manager,
        requests_pathname_prefix="/app/",
        **backends.options(request.param),
    )
    app.layout = html.Div()
    return app


@pytest.fixture
def page(app: dlc.Dash) -> Page:
    return Page(app)


def test_outputs_progress_and_props_of_a_job(app: dlc.Dash, page: Page) -> None:
    @app.long_callback(
        [Output("a", "children"), Output({"type": "b", "i": 1}, "title")],
        Input("in", "value"),
        State({"i": 2, "type": "state"}, "value"),
        progress=[Output("bar", "value"), Output("bar", "max")],
        prevent_initial_call=True,
    )
    def work(
        set_progress: Callable[[Any], None], value: int, state: int
    ) -> tuple[Any, Any]:
        set_progress((1, 2))
        set_props("c", {"hidden": True})
        return value, [state, dash.ctx.triggered_id]

    job = page.run(
        "a.children", {"in.value": 1, '{"i":2,"type":"state"}.value': 2}, timeout=10
    )
    assert job.status == "succeeded"
    assert job.outputs == {
        "a.children": 1,
        '{"i":1,"type":"b"}.title': [2, "in"],
    }
    assert job.progress == [{"bar.value": 1, "bar.max": 2}]
    assert job.props == {"c.hidden": True}
    assert job.error is None
    again = page.run('{"i":1,"type":"b"}.title', {})
    assert again.outputs["a.children"] is None


def test_inputs_among_the_values_have_changed_by_default(
    app: dlc.Dash, page: Page
) -> None:
    inputs = [Input(name, "v") for name in "xyz"]

    @app.long_callback(Output("a", "children"), *inputs, State("s", "v"))
    def triggered(*_values: Any) -> list[str]:
        return sorted(dash.ctx.triggered_prop_ids)

    values = {"x.v": 1, "y.v": 2, "s.v": 3}
    assert page.run("a.children", values).outputs["a.children"] == ["x.v", "y.v"]
    for names in (["y.v"], []):
        job = page.start("a.children", values, triggered=names)
        wait_for_job(job)
        assert job.outputs["a.children"] == names


def test_bars_log_and_yielded_values_of_a_job(app: dlc.Dash, page: Page) -> None:
    @app.long_callback(Output("a", "children"), Input("in", "value"))
    def work(_value: Any) -> Iterator[str]:
        for step in dlc.current_job().track(range(2), text="steps"):
            dlc.current_job().log(f"step {step}")
            yield f"part {step}"

    job = page.run("a.children")
    assert job.bars == [[2, 2, "steps"]]
    assert job.log == ["step 0", "step 1"]
    assert job.outputs == {"a.children": "part 1"}
    assert job.props == {}


def test_result_from_the_cache() -> None:
    manager = MemoryLongCallbackManager(cache_by=[])
    app = dlc.Dash(__name__, long_callback_manager=manager)
    app.layout = html.Div()
    page, runs = Page(app), []

    @app.long_callback(Output("a", "children"), Input("in", "value"))
    def work(value: str) -> str:
        runs.append(value)
        return value

    first, again = (page.run("a.children", {"in.value": "x"}) for _ in range(2))
    assert runs == ["x"]
    assert [first.is_cached, again.is_cached] == [False, True]
    assert again.status == "succeeded"
    assert again.outputs == {"a.children": "x"}
    manager.close()


def test_job_has_its_error(app: dlc.Dash, page: Page) -> None:
    @app.long_callback(Output("a", "children"), Input("in", "value"))
    def fail(value: int) -> float:
        return 1 / value

    job = page.run("a.children", {"in.value": 0})
    assert job.status == "failed"
    assert job.error is not None
    assert job.error["type"] == "ZeroDivisionError"
    assert job.outputs == {}


def test_job_that_does_not_end_in_time_raises(app: dlc.Dash, page: Page) -> None:
    @app.long_callback(
        Output("a", "children"), Input("in", "value"), progress=Output("b", "title")
    )
    def endless(set_progress: Callable[[int], None], _value: Any) -> None:
        while True:
            set_progress(0)

    job = page.start("a.children")
    with pytest.raises(TimeoutError, match="the job is running"):
        wait_for_job(job, timeout=0.1)
    page.cancel(job)
    wait_for_job(job)
    assert job.status == "cancelled"


def test_later_trigger_of_a_page_replaces_the_job(app: dlc.Dash, page: Page) -> None:
    @app.long_callback(
        Output("a", "children"), Input("in", "value"), progress=Output("b", "title")
    )
    def work(set_progress: Callable[[int], None], value: int) -> int:
        while value == 1:
            set_progress(0)
        return value

    first = page.start("a.children", {"in.value": 1})
    second = page.run("a.children", {"in.value": 2})
    wait_for_job(first)
    assert [first.status, second.status] == ["cancelled", "succeeded"]


def test_callback_of_a_duplicate_output_is_found(app: dlc.Dash, page: Page) -> None:
    @app.callback(Output("a", "children", allow_duplicate=True), Input("x", "v"), True)
    def other(_value: Any) -> Any:
        return dash.no_update

    @app.long_callback(
        Output("b", "children", allow_duplicate=True),
        Input("in", "value"),
        prevent_initial_call=True,
    )
    def work(value: str) -> Patch:
        patch = Patch()
        patch.append(value)
        return patch

    job = page.run("b.children", {"in.value": "x"})
    assert job.outputs["b.children"]["operations"][0]["params"] == {"value": "x"}
    with pytest.raises(LongCallbackError, match=r"a\.children has started no job"):
        page.run("a.children", {"x.v": 1})


def test_inputs_tell_which_callback_of_an_output_is_meant(
    app: dlc.Dash, page: Page
) -> None:
    def add(name: str) -> None:
        @app.long_callback(
            Output("a", "children", allow_duplicate=True),
            Input(name, "value"),
            prevent_initial_call=True,
        )
        def work(value: Any) -> Any:
            return [name, value]

    add("x")
    add("y")
    for name in ("x", "y"):
        job = page.run("a.children", {f"{name}.value": 1})
        assert job.outputs == {"a.children": [name, 1]}
    with pytest.raises(ValueError, match=r"2 callbacks .*: 'x\.value'; 'y\.value'\."):
        page.run("a.children")


def test_unknown_names_are_refused_with_the_known_ones(
    app: dlc.Dash, page: Page
) -> None:
    @app.long_callback(Output("a", "children"), Input("in", "value"), State("s", "v"))
    def work(value: Any, _state: Any) -> Any:
        return value

    with pytest.raises(ValueError, match=r"No callback has .*'b\.x'.*'a\.children"):
        page.run("b.x")
    with pytest.raises(ValueError, match=r"no .*'in\.valeu'\. .*'in\.value', 's\.v'"):
        page.run("a.children", {"in.valeu": 1})


def test_script_starts_no_job_while_the_dispatcher_imports_it(
    app: dlc.Dash, page: Page, manager: MemoryLongCallbackManager
) -> None:
    """The job would need a dispatcher, which would import the script, and so on."""

    @app.long_callback(Output("a", "children"), Input("in", "value"))
    def work(value: int) -> int:
        return value

    with (
        app_origin.making_again(),
        pytest.raises(ImportedScriptError, match="if __name__ =="),
    ):
        page.run("a.children", {"in.value": 1})
    assert manager.jobs() == []


def test_patterns_need_a_browser(app: dlc.Dash, page: Page) -> None:
    @app.long_callback(Output("a", "children"), Input({"i": ALL}, "value"))
    def work(value: Any) -> Any:
        return value

    with pytest.raises(ValueError, match="is a pattern"):
        page.run("a.children")


def test_client_may_be_logged_in(app: dlc.Dash, manager: Any) -> None:
    def user() -> str:
        name = backends.cookie(app, "user")
        if name is None:
            backends.abort(app, 401)
        return name

    manager.init_app(app, user=user)

    @app.long_callback(Output("a", "children"), Input("in", "value"))
    def work(_value: Any) -> str:
        return str(dash.ctx.cookies["user"])

    with pytest.raises(LongCallbackError, match="401"):
        Page(app).run("a.children")
    if isinstance(app.server, flask.Flask):
        client: Any = app.server.test_client()
        client.set_cookie("user", "ada")
    else:
        client = AsgiClient(app.server, {"Cookie": "user=ada"})
    assert Page(app, client).run("a.children").outputs["a.children"] == "ada"


@pytest.mark.parametrize("backend", backends.ASGI)
def test_client_may_be_starlettes(
    backend: str, manager: MemoryLongCallbackManager
) -> None:
    starlette = pytest.importorskip("starlette.testclient")
    app = dlc.Dash(__name__, backend=backend, long_callback_manager=manager)
    app.layout = html.Div()

    @app.long_callback(Output("a", "children"), Input("in", "value"))
    def work(_value: Any) -> str:
        return str(dash.ctx.cookies["user"])

    client = starlette.TestClient(app.server, cookies={"user": "ada"})
    assert Page(app, client).run("a.children").outputs["a.children"] == "ada"
