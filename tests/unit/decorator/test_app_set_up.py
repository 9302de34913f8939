"""Callbacks get the manager of their app, and a mistake in the set-up is named."""

from __future__ import annotations

from typing import Any

import dash
import diskcache
import pytest
from dash import Output, html

import dash_long_components as dlc
from dash_long_components import LongCallbackError, long_callback
from dash_long_components.exceptions import MissingManagerError
from tests.unit.decorator.made import INPUT, OUTPUT, click, decorate
from tests.unit.fakes import RecordingManager, Site, handle_of, out, prop


def trigger(app: dash.Dash) -> None:
    app.layout = html.Div()
    app.server.testing = True
    app.server.test_client().post(
        "/_dash-update-component",
        json={
            "output": "text.children",
            "outputs": out("text", "children"),
            "inputs": [prop("button", "n_clicks", 1)],
            "changedPropIds": ["button.n_clicks"],
        },
    )


def test_app_without_manager_refuses_when_decorating() -> None:
    app = dlc.Dash(__name__)
    with pytest.raises(ValueError, match="long_callback_manager=") as caught:
        app.long_callback(OUTPUT, INPUT)
    assert isinstance(caught.value, LongCallbackError)


def test_module_level_without_manager_refuses_at_the_first_request() -> None:
    app = dash.Dash(__name__)
    long_callback(OUTPUT, INPUT)(lambda _clicks: None)
    with pytest.raises(MissingManagerError, match=r"manager\.init_app"):
        trigger(app)


def test_manager_of_a_callback_needs_an_app_that_is_set_up() -> None:
    app = dash.Dash(__name__)
    long_callback(OUTPUT, INPUT, manager=RecordingManager())(lambda _clicks: None)
    with pytest.raises(MissingManagerError, match="is not set up for long callbacks"):
        trigger(app)


@pytest.mark.parametrize("where", ["app", "callback"])
def test_manager_given_to_dash_itself_names_the_decorator(
    where: str, caplog: pytest.LogCaptureFixture
) -> None:
    manager: Any = RecordingManager()
    app = dash.Dash(
        __name__, background_callback_manager=manager if where == "app" else None
    )
    options = {"manager": manager} if where == "callback" else {}
    app.callback(OUTPUT, INPUT, background=True, **options)(lambda _clicks: None)
    # Dash logs it since 4.5; before, the request fails with it.
    try:
        trigger(app)
    except AttributeError as error:
        text = str(error)
    else:
        text = caplog.text
    assert "runs the jobs of @long_callback()" in text


def test_other_attributes_are_missing_as_ever() -> None:
    assert not hasattr(RecordingManager(), "build")
    assert getattr(RecordingManager(), "job_running", None) is None


def test_manager_of_the_callback_comes_before_that_of_the_app(site: Site) -> None:
    other = RecordingManager()
    decorate(site, manager=other)
    click(site)
    assert len(other.submitted) == 1
    assert site.manager.submitted == []


def test_plain_dash_app_is_set_up_by_the_manager() -> None:
    site, app = Site(), dash.Dash(__name__)
    site.manager.init_app(app)
    site.manager.init_app(app)
    app.layout = html.Div()
    client = app.server.test_client()
    assert client.post("/_dash-long-jobs/poll", data=b"[]").status_code == 200
    layout = client.get("/_dash-layout").get_data(as_text=True)
    assert layout.count('"_dash-long-jobs"') == 1


@pytest.mark.parametrize("layout", [html.Div(), [html.Div()], lambda: html.Div()])
def test_engine_host_is_in_every_layout_once(site: Site, layout: Any) -> None:
    site.app.layout = layout
    client = site.app.server.test_client()
    for _ in range(2):
        text = client.get("/_dash-layout").get_data(as_text=True)
        assert text.count('"_dash-long-jobs"') == 1


def test_app_that_is_not_set_up_stays_unchanged() -> None:
    app = dash.Dash(__name__)
    app.layout = html.Div()
    assert "_dash-long-jobs" not in app.server.test_client().get(
        "/_dash-layout"
    ).get_data(as_text=True)


def test_wrong_cache_of_the_diskcache_manager_is_refused(tmp_path: Any) -> None:
    deque = diskcache.Deque(directory=str(tmp_path))
    wrong: Any
    for wrong in (5, "cache", {}, deque):
        with pytest.raises(ValueError, match=r"^First argument must be a diskcache\."):
            dlc.DiskcacheLongCallbackManager(wrong)
    deque.cache.close()


def test_other_apps_of_the_process_do_not_interfere(site: Site) -> None:
    decorate(site)
    another = dash.Dash(
        "another", server=site.app.server, url_base_pathname="/another/"
    )
    another.layout = []
    assert handle_of(click(site))["token"]


@pytest.mark.parametrize("value", [RecordingManager, "redis://", dash.DiskcacheManager])
def test_app_refuses_other_objects_as_its_manager(value: Any) -> None:
    with pytest.raises(ValueError, match=r"long_callback_manager= takes a manager"):
        dlc.Dash(__name__, long_callback_manager=value)


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ([html.Div(id="other")], "no component of the layout has this id"),
        ([html.Main(html.Div(id="job"))], "it is the id of a Div"),
        ([html.Main([html.P(), dlc.LongJob(id="job")])], None),
        (lambda: html.Div(id="other"), "no component of the layout has this id"),
    ],
)
def test_missing_view_is_logged_once_in_debug_mode(
    site: Site, caplog: pytest.LogCaptureFixture, layout: Any, said: str | None
) -> None:
    site.app.layout = layout
    site.app.enable_dev_tools(debug=True, dev_tools_hot_reload=False)
    decorate(site, job="job")
    click(site)
    click(site)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == (0 if said is None else 1)
    assert all(said in message for message in messages if said)


def test_missing_view_is_not_logged_in_production(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    decorate(site, job="job")
    click(site)
    assert not caplog.records


def test_view_that_a_callback_may_add_is_not_missing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = Site(suppress_callback_exceptions=True)
    site.app.enable_dev_tools(debug=True, dev_tools_hot_reload=False)
    decorate(site, job="job")
    click(site)
    assert not caplog.records


def test_missing_ids_are_logged_once_in_debug_mode(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.app.layout = html.Div(id="there")
    site.app.enable_dev_tools(debug=True, dev_tools_hot_reload=False)
    decorate(
        site,
        running=(Output("away", "disabled"), True, False),
        progress=[Output("there", "title"), Output("gone", "title")],
    )
    for _ in range(2):
        click(site)
    assert [record.getMessage().partition(" of ")[0] for record in caplog.records] == [
        "progress='gone'",
        "running='away'",
    ]
    assert "no component of the layout has this id" in caplog.text
