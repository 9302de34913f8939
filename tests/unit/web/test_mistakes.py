"""Messages of common mistakes name the value and the way out."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import celery
import dash
import flask
import pytest
from dash import ALL, MATCH, Input, Output, Patch, html

import dash_long_components as dlc
from dash_long_components import current_job, testing
from dash_long_components.core.job_errors import JobError
from dash_long_components.core.reports import Report
from dash_long_components.web import labels
from tests.unit.fakes import NOW, RecordingManager, Site, handle_of, out, prop

OUTPUT, INPUT = Output("text", "children"), Input("button", "n_clicks")
MATCHED = {"type": "job", "index": MATCH}

#: Without their types, as users who make mistakes see them.
untyped: Any = dlc
PAGES: Any = dash.page_container
memory_manager: Any = testing.MemoryLongCallbackManager


def decorated(**options: Any) -> Callable[[Site], Any]:
    """Decorate a function with these options."""
    return lambda site: site.long_callback(OUTPUT, INPUT, **options)(lambda clicks: 1)


def function(function: Any, **options: Any) -> Callable[[Site], Any]:
    """Decorate this function."""
    return lambda site: site.long_callback(OUTPUT, INPUT, **options)(function)


def clicked(*layout: Any, **options: Any) -> Callable[[Site], Any]:
    """Show a layout, and click on the button of a callback with these options."""

    def click(site: Site) -> None:
        site.app.layout = [html.Button(id="button"), html.P(id="text"), *layout]
        site.long_callback(OUTPUT, INPUT, **options)(lambda *_: 1)
        trigger(site)

    return click


def shown(*layout: Any, **options: Any) -> Callable[[Site], Any]:
    """Show a layout with these components."""

    def show(site: Site) -> None:
        site.app.layout = html.Div(layout)
        site.long_callback(OUTPUT, INPUT, **options)(lambda clicks: 1)
        site.app.server.test_client().get("/_dash-layout")

    return show


def ran(function: Any, **options: Any) -> Callable[[Site], JobError | None]:
    """Run a function as a job."""

    def run(site: Site) -> JobError | None:
        site.long_callback(OUTPUT, INPUT, **options)(function)
        trigger(site)
        return site.manager.submitted[-1].run().error

    return run


def reported(value: Any, **options: Any) -> Callable[[Site], JobError | None]:
    """Run a function that calls ``set_progress`` with this value."""
    return ran(lambda set_progress, clicks: set_progress(value), **options)


def paged(*page: Any, **options: Any) -> Callable[[Any], Any]:
    """Show an app with a page of these components."""

    def show(_site: Site) -> None:
        app: Any = with_page(*page)
        app.long_callback(OUTPUT, INPUT, job="job", **options)(lambda clicks: 1)
        app.server.test_client().get("/_dash-layout")

    return show


def with_page(*page: Any) -> Any:
    site = Site(use_pages=True, pages_folder="")
    site.app.enable_dev_tools(debug=True, dev_tools_hot_reload=False)
    site.app.server.testing = True
    # A list, as in most apps.
    dash.register_page("page", path="/", layout=list(page))
    site.app.layout = html.Div([html.P(id="text"), dlc.LongJobTray(id="tray"), PAGES])
    return site.app


def called_by_a_new_page(site: Site) -> None:
    decorated(prevent_initial_call=True)(site)
    site.app.layout = [html.P(id="text"), html.Button(id="button")]
    site.trigger(
        out("text", "children"),
        [prop("button", "n_clicks")],
        changed=["button.n_clicks"],
    )


def trigger(site: Site) -> Any:
    return site.trigger(
        out("text", "children"),
        [prop("button", "n_clicks", 1)],
        changed=["button.n_clicks"],
    )


def decorated_without_a_manager(_site: Site) -> None:
    untyped.Dash(__name__).long_callback(OUTPUT, INPUT)


def set_up_with_a_class(_site: Site) -> None:
    untyped.init_app(dash.Dash(__name__), dlc.LongCallbackManager)


def set_an_unknown_id(site: Site) -> None:
    decorated()(site)
    site.app.layout = html.P(id="text")
    token = handle_of(trigger(site))["token"]
    site.manager.records["job-0"] = (
        site.manager.records["job-0"]
        .start(NOW)
        .report(NOW, Report(props=[["gone", "children", 1]]))
    )
    site.post("_dash-long-jobs/poll", [[token, 0]])


def named_two_users(site: Site) -> None:
    for _ in range(2):
        site.manager.init_app(site.app, user=lambda: "ada")


def named_an_object_as_user(site: Site) -> None:
    site.manager.init_app(site.app, user=object)
    decorated()(site)
    raise RuntimeError(trigger(site).get_data(as_text=True))


def yielded_a_patch_twice(_clicks: int) -> Iterator[Any]:
    patch = Patch()
    yield patch
    yield patch


def used_in_dash(where: str) -> Callable[[Site], Any]:
    """Give our manager to Dash itself."""

    def use(site: Site) -> None:
        manager: Any = site.manager
        if where == "app":
            dash.Dash(__name__, background_callback_manager=manager)
            app = dash.Dash(__name__, background_callback_manager=manager)
            app.callback(OUTPUT, INPUT, background=True)(lambda clicks: 1)
        else:
            dash.Dash(__name__).callback(
                OUTPUT, INPUT, background=True, manager=manager
            )(lambda clicks: 1)
        manager.build_cache_key()

    return use


def named_an_unknown_queue(site: Site) -> None:
    with closing(memory_manager()) as manager:
        decorated(queue="gpu", manager=manager)(site)


def requested_with_an_unknown_queue(_site: Site) -> None:
    """Name the queue in a callback that names no manager."""
    with closing(memory_manager()) as manager:
        app = dlc.Dash(__name__, long_callback_manager=manager)
        app.layout = html.P(id="text")
        dlc.long_callback(OUTPUT, INPUT, queue="gpu")(lambda clicks: 1)
        app.server.test_client().get("/_dash-layout")


MISTAKES: dict[str, tuple[Callable[[Any], Any], tuple[str, str]]] = {
    "background": (decorated(background=True), ("no background=", "Leave it out")),
    "misspelt option": (decorated(timout=5), ("timout=", "Did you mean timeout=?")),
    "cache_by of the decorator": (
        decorated(cache_by=[]),
        ("cache_by=", "option of the manager"),
    ),
    "max_concurrency of the decorator": (
        decorated(max_concurrency=2),
        ("max_concurrency=", "option of the manager"),
    ),
    "manager that is none": (
        decorated(manager="redis://"),
        ("'redis://'", "takes a manager of dash_long_components"),
    ),
    "class of a manager": (
        decorated(manager=RecordingManager),
        ("fakes.RecordingManager'>", "like DiskcacheLongCallbackManager(cache)"),
    ),
    "running without tuples": (
        decorated(running="button"),
        ("not 'button'", "(Output, value while running, value when done)"),
    ),
    "running with two values": (
        decorated(running=[(OUTPUT, True)]),
        ("text.children`>, True)", "(Output, value while running, value when done)"),
    ),
    "running of an Input": (
        decorated(running=[(INPUT, True, False)]),
        ("<Input `button.n_clicks`>", "(Output, value while running, value when done)"),
    ),
    "cancel by an id": (
        decorated(cancel="stop"),
        ("'stop'", "takes an Input or a list"),
    ),
    "cancel by the trigger": (
        decorated(cancel=INPUT),
        ("button.n_clicks", "Use another Input to cancel"),
    ),
    "progress by an id": (
        decorated(progress="bar"),
        ("'bar'", "takes an Output or a grouping"),
    ),
    "progress_default alone": (
        decorated(progress_default="0"),
        ("progress_default='0'", "Add progress="),
    ),
    "progress_default of another shape": (
        function(
            lambda p, c: 1, progress=[Output("a", "value")], progress_default=[1, 2]
        ),
        ("not [1, 2]", "one value for each Output of progress="),
    ),
    "interval below zero": (
        decorated(interval=-1),
        ("not -1", "milliseconds, zero or more"),
    ),
    "interval as text": (
        decorated(interval="1 s"),
        ("not '1 s'", "milliseconds, zero or more"),
    ),
    "unknown on_retrigger": (
        decorated(on_retrigger="restart"),
        ("not 'restart'", "'replace', 'queue', 'parallel', 'ignore'"),
    ),
    "job as a list": (
        decorated(job=["job"]),
        ("not ['job']", "takes the id of a LongJob"),
    ),
    "job with ALL": (
        decorated(job={"type": "job", "index": ALL}),
        ("<ALL>", "a dict id with MATCH"),
    ),
    "job with MATCH alone": (
        decorated(job=MATCHED),
        ("'index'", "no Output, Input or State has MATCH"),
    ),
    "title that is none": (
        decorated(title=5),
        ("not 5", "text, or a function of the callback's arguments"),
    ),
    "title with other parameters": (
        decorated(title=lambda: "x"),
        ("title=: <lambda>()", "one parameter for each Input and State"),
    ),
    "timeout of zero": (
        decorated(timeout=0),
        ("not 0", "timeout= takes seconds, above zero"),
    ),
    "timeout as text": (
        decorated(timeout="10"),
        ("not '10'", "timeout= takes seconds, above zero"),
    ),
    "cancel_grace below zero": (
        decorated(cancel_grace=-1),
        ("not -1", "cancel_grace= takes seconds, above zero"),
    ),
    "unknown queue": (
        named_an_unknown_queue,
        ("queue='gpu'", "Add queues={'gpu': 1} to the manager"),
    ),
    "unknown queue without a manager": (
        requested_with_an_unknown_queue,
        ("queue='gpu'", "Add queues={'gpu': 1} to the manager"),
    ),
    "unknown on_leave": (
        decorated(on_leave="stop"),
        ("not 'stop'", "'keep' or 'cancel'"),
    ),
    "leave_timeout of None": (
        decorated(leave_timeout=None),
        ("not None", "leave_timeout= takes seconds, above zero"),
    ),
    "ignored argument that is none": (
        decorated(cache_args_to_ignore="file"),
        ("not 'file'", "arguments of the function (0)"),
    ),
    "cache_ignore_triggered as text": (
        decorated(cache_ignore_triggered="yes"),
        ("not 'yes'", "takes True or False"),
    ),
    "function without parameters": (
        function(lambda: 1),
        ("<lambda>()", "one parameter for each Input and State"),
    ),
    "function with more parameters": (
        function(lambda clicks, name: 1),
        ("<lambda>(clicks, name)", "one parameter for each Input and State"),
    ),
    "function without set_progress": (
        function(lambda clicks: 1, progress=Output("bar", "value")),
        ("<lambda>(clicks)", "Give it set_progress, then one parameter"),
    ),
    "set_progress as the second": (
        function(lambda clicks, set_progress: 1),
        ("set_progress after clicks", "Make it the first parameter"),
    ),
    "app without a manager": (
        decorated_without_a_manager,
        ("app.long_callback() has no manager", "Pass long_callback_manager= to Dash()"),
    ),
    "init_app with a class": (
        set_up_with_a_class,
        ("LongCallbackManager'>", "like DiskcacheLongCallbackManager(cache)"),
    ),
    "app with a URL as its manager": (
        lambda _: untyped.Dash(__name__, long_callback_manager="redis://"),
        ("'redis://'", "long_callback_manager= takes a manager"),
    ),
    "app with a manager of Dash": (
        lambda _: untyped.Dash(
            __name__,
            long_callback_manager=dash.DiskcacheManager(),
        ),
        ("DiskcacheManager object", "like DiskcacheLongCallbackManager(cache)"),
    ),
    "manager for Dash's callback": (
        used_in_dash("callback"),
        (
            "not of dash.callback(background=True)",
            "Replace dash.callback by dash_long_components.long_callback",
        ),
    ),
    "manager for Dash's app": (
        used_in_dash("app"),
        (
            "not of dash.callback(background=True)",
            "pass the manager as long_callback_manager=",
        ),
    ),
    "diskcache by its path": (
        lambda _: untyped.DiskcacheLongCallbackManager("./cache"),
        ("not './cache'", 'like diskcache.Cache("./cache")'),
    ),
    "celery by its URL": (
        lambda _: untyped.CeleryLongCallbackManager("redis://"),
        ("not 'redis://'", "like celery.Celery(__name__, broker=..., backend=...)"),
    ),
    "celery without a backend": (
        lambda _: untyped.CeleryLongCallbackManager(celery.Celery()),
        ("not None", 'backend="redis://localhost"'),
    ),
    "cache_by as text": (
        lambda _: memory_manager(cache_by="user"),
        ("not 'user'", "a function without arguments"),
    ),
    "cache_by with a parameter": (
        lambda _: memory_manager(cache_by=lambda user: user),
        ("<lambda>", "a function without arguments"),
    ),
    "expire of zero": (
        lambda _: memory_manager(expire=0),
        ("not 0", "expire takes seconds, above zero"),
    ),
    "user that is no function": (
        lambda s: s.manager.init_app(s.app, user="ada"),
        ("not 'ada'", "user= takes a function without arguments"),
    ),
    "two functions for the user": (
        named_two_users,
        ("already has another function", "Pass user= once"),
    ),
    "object as the user": (
        named_an_object_as_user,
        ("an instance of object", "Return the user's id"),
    ),
    "error_message as a number": (
        lambda s: s.manager.init_app(s.app, error_message=5),
        ("not 5", "a function of the exception, or 'hide'"),
    ),
    "entry without a module": (
        lambda s: s.manager.init_app(dash.Dash(__name__), entry="./app.py"),
        ("not './app.py'", '"module:create_app()"'),
    ),
    "unknown id in job": (
        clicked(job="job"),
        ("job='job'", "Add LongJob(id='job') to the layout"),
    ),
    "id of another component in job": (
        clicked(html.P(id="job"), job="job"),
        ("the id of a P", "Add LongJob(id='job') to the layout"),
    ),
    "unknown id in progress": (
        clicked(progress=Output("bar", "value")),
        ("progress='bar'", "Add a component(id='bar') to the layout"),
    ),
    "unknown id in running": (
        clicked(running=(Output("b", "disabled"), 1, 0)),
        ("running='b'", "Add a component(id='b') to the layout"),
    ),
    "unknown id in cancel": (
        clicked(cancel=Input("stop", "n_clicks")),
        ("cancel='stop'", "Add a component(id='stop') to the layout"),
    ),
    "unknown id in set_props": (
        set_an_unknown_id,
        ("set_props('gone')", "Add a component(id='gone') to the layout"),
    ),
    "LongJob without an id": (
        shown(dlc.LongJob()),
        ("has no id", 'like LongJob(id="job")'),
    ),
    "LongJob that no callback names": (
        shown(dlc.LongJob(id="job")),
        ("LongJob(id='job')", "Add job='job' to the long callback"),
    ),
    "misspelt job of a LongJobButton": (
        shown(dlc.LongJobButton(id="run", job="jop"), dlc.LongJob(id="job"), job="job"),
        ("LongJobButton(id='run') has job='jop'", "Did you mean 'job'?"),
    ),
    "LongJobButton with a job that no callback names": (
        paged(dlc.LongJobButton(id="run", job="other")),
        ("LongJobButton(id='run') has job='other'", "Add job='other' to the long"),
    ),
    "misspelt label of a LongJobButton": (
        shown(dlc.LongJobButton(id="run", labels={"cancle": "Stop"})),
        ("labels= of LongJobButton(id='run')", "Did you mean 'cancel'?"),
    ),
    "LongJob of a page without an id": (
        paged(dlc.LongJob()),
        ("has no id", 'like LongJob(id="job")'),
    ),
    "two views of a page with one id": (
        paged(dlc.LongJob(id="job"), [dlc.LongJob(id="job")]),
        ("2 views with the id 'job'", "Give each an id of its own"),
    ),
    "view of a page with the id of one around it": (
        paged(dlc.LongJob(id="tray")),
        ("2 views with the id 'tray'", "Give each an id of its own"),
    ),
    "Output that is there before its Input": (
        called_by_a_new_page,
        ("button.n_clicks", "Put all Outputs on the page of the Inputs"),
    ),
    "misspelt label": (
        shown(dlc.LongJobTray(labels={"runing": "Works"})),
        ("'runing'", "Did you mean 'running'?"),
    ),
    "unknown placeholder": (
        shown(dlc.LongJobTray(labels={"eta": "{s} left"})),
        ("{s}", "It may have {time}"),
    ),
    "malformed locale": (
        shown(dlc.LongJobTray(labels={"locale": "de_DE.UTF-8"})),
        ("'de_DE.UTF-8'", 'like "de"'),
    ),
    "label without a text": (
        shown(dlc.LongJobTray(labels={"eta": None})),
        ("'eta' is None", "Pass a str"),
    ),
    "unknown language": (
        shown(dlc.LongJobTray(labels="german")),
        ("'german'", "Pass one of 'en', 'de'"),
    ),
    "progress of another shape": (
        reported((1, 2, 3), progress=[Output("bar", "value"), Output("bar", "max")]),
        ("not (1, 2, 3)", "one value for each Output of progress="),
    ),
    "progress without a key": (
        reported({"a": 1}, progress={"b": Output("bar", "value")}),
        ("not {'a': 1}", "in the same grouping, which is {'b':"),
    ),
    "progress in percent": (reported(50), ("not 50", "a number from 0 to 1")),
    "progress as text": (reported("50%"), ("not '50%'", "a number from 0 to 1")),
    "progress as a dict": (
        reported({"value": 1}),
        ("not {'value': 1}", "name the Outputs that take them in progress="),
    ),
    "progress with a total of text": (
        reported((1, "10")),
        ("not (1, '10')", "(value, total)"),
    ),
    "object for an Output of progress": (
        reported(object(), progress=Output("bar", "value")),
        ("<object object", "Pass components, text, numbers"),
    ),
    "track with a total of text": (
        ran(lambda clicks: list(untyped.current_job().track([], total="3"))),
        ("total='3'", "a number of items"),
    ),
    "job outside of a job": (
        lambda _: current_job(),
        ("outside of a job", "Call it in the function of a long callback"),
    ),
    "flask.request in a job": (
        ran(lambda clicks: flask.request.path),
        ("The request", "Use dash.ctx.cookies"),
    ),
    "object as the result": (
        ran(lambda clicks: object()),
        ("an object of type object", "Return components, figures, numbers"),
    ),
    "Patch that is yielded twice": (
        ran(yielded_a_patch_twice),
        ("same Patch twice", "Make a new Patch for every yield"),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_told_with_its_value_and_the_way_out(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site()
    site.app.server.testing = True  # errors of requests come out
    site.app.enable_dev_tools(debug=True, dev_tools_hot_reload=False)
    make, (value, way_out) = MISTAKES[name]
    said = []
    try:
        error = make(site)
        said += [error.message] if isinstance(error, JobError) else []
    except Exception as error:
        said += [str(error)]
    said += [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING
    ]
    assert any(value in text and way_out in text for text in said), said


def test_list_is_long() -> None:
    assert len(MISTAKES) >= 60


def test_labels_are_those_of_the_page() -> None:
    views = Path(__file__).parents[3] / "src" / "views" / "texts"
    source = (views / "labels.ts").read_text()
    blocks = re.findall(r"LABELS = \{(.+?)\};", source, flags=re.DOTALL)
    found = dict(re.findall(r"(\w+): '(.+)',", "".join(blocks)))
    del found["locale"]
    assert found.keys() == labels.PLACEHOLDERS.keys()
    for name, text in found.items():
        assert {*re.findall(r"\{(\w+)\}", text)} <= {*labels.PLACEHOLDERS[name]}
    translations = (views / "translations.ts").read_text()
    languages = re.findall(r"^    (\w+): \{$", translations, flags=re.MULTILINE)
    assert {"en", *languages} == {*labels.LANGUAGES}


def test_app_without_mistakes_gets_no_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = Site()
    site.app.enable_dev_tools(debug=True, dev_tools_hot_reload=False)
    site.app.layout = html.Div(
        [
            html.Button(id="button"),
            html.P(id="text"),
            dlc.LongJob(id="job", labels={"eta": "{time}", "app.run": "Run"}),
            dlc.LongJobButton("Run", id="run", job="job", labels="de"),
            dlc.LongJobButton("Run", id="other"),
            dlc.LongJobTray(labels="de_AT"),
        ]
    )
    site.long_callback(OUTPUT, INPUT, job="job")(lambda clicks: 1)
    site.app.server.test_client().get("/_dash-layout")
    trigger(site)
    assert not caplog.records


def test_plain_dash_has_long_callback_once_it_is_set_up() -> None:
    manager, app = RecordingManager(), dash.Dash(__name__)
    with pytest.raises(Exception, match="has been  removed"):
        app.long_callback  # noqa: B018
    manager.init_app(app)
    app.long_callback(OUTPUT, INPUT)(lambda clicks: 1)
    client = app.server.test_client()
    app.layout = html.Div()
    body = {
        "output": "text.children",
        "outputs": out("text", "children"),
        "inputs": [prop("button", "n_clicks", 1)],
        "changedPropIds": ["button.n_clicks"],
    }
    assert client.post("/_dash-update-component", json=body).status_code == 200
    assert len(manager.submitted) == 1


def test_components_of_pages_are_known(caplog: pytest.LogCaptureFixture) -> None:
    nested: Any = [[html.Button(id="button")], dlc.LongJob(id="job")]
    app = with_page(html.Div(nested))
    app.long_callback(
        OUTPUT,
        INPUT,
        job="job",
        running=(Output("button", "disabled"), True, False),
        prevent_initial_call=True,
    )(lambda clicks: 1)
    app.server.test_client().get("/_dash-layout")
    body = {
        "output": "text.children",
        "outputs": out("text", "children"),
        "inputs": [prop("button", "n_clicks", 1)],
        "changedPropIds": ["button.n_clicks"],
    }
    client = app.server.test_client()
    assert client.post("/_dash-update-component", json=body).status_code == 200
    assert not caplog.records
