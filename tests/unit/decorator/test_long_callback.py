"""The decorator checks its options, and its callback sends handles to the page."""

from __future__ import annotations

import functools
import json
import re
from typing import Any
from unittest import mock

import dash
import diskcache
import pytest
from dash import ALL, ALLSMALLER, MATCH, Input, Output, Patch, State, html

import dash_long_components as dlc
from dash_long_components import LongCallbackError, long_callback
from dash_long_components.core import texts
from dash_long_components.core.jobs import Call, Limits, Retrigger
from dash_long_components.core.queueing import Scheduling
from dash_long_components.core.retries import Retries
from dash_long_components.exceptions import MissingManagerError
from tests.unit.fakes import RecordingManager, Site, handle_of, out, prop, values_of

OUTPUT, INPUT = Output("text", "children"), Input("button", "n_clicks")


@pytest.fixture
def site() -> Site:
    return Site()


def click(site: Site, **options: Any) -> Any:
    return site.trigger(
        out("text", "children"),
        [prop("button", "n_clicks", 1)],
        changed=["button.n_clicks"],
        **options,
    )


def decorate(site: Site, **options: Any) -> Any:
    @site.long_callback(OUTPUT, INPUT, **options)
    def run(*args: Any) -> Any:
        return len(args)

    return run


def handle(site: Site, **options: Any) -> dict[str, Any]:
    """Return the handle that a callback with these options sends."""
    decorate(site, **options)
    return handle_of(click(site))


def test_function_comes_back_unchanged(site: Site) -> None:
    def double(number: int) -> int:
        return 2 * number

    before = dict(vars(double))
    assert site.long_callback(OUTPUT, INPUT)(double) is double
    assert long_callback(Output("other", "children"), INPUT)(double) is double
    assert double(2) == 4
    assert vars(double) == before


@pytest.mark.parametrize(
    "options",
    [
        {"running": [(OUTPUT, 1)]},
        {"running": [("text", 1, 0)]},
        {"running": [OUTPUT]},
        {"running": 5},
        {"running": [5]},
        {"running": "abc"},
        {"cancel": "button"},
        {"cancel": [State("a", "b")]},
        {"cancel": State("a", "b")},
        {"cancel": OUTPUT},
        {"cancel": 5},
        {"cancel": [None]},
        {"progress": Input("a", "b")},
        {"progress": 5},
        {"progress": [OUTPUT, "x"]},
        {"progress": {"a": State("a", "b")}},
        {"progress_default": 0},
        {"progress_default": []},
        {"progress": [OUTPUT], "progress_default": ["a", "b"]},
        {"progress": [OUTPUT], "progress_default": "a"},
        {"progress": [OUTPUT], "progress_default": [Patch()]},
        {"progress": [Output({"row": ALL}, "a")], "progress_default": [[0, Patch()]]},
        {"progress": {"a": OUTPUT}, "progress_default": ["a"]},
        {"interval": -1},
        {"interval": float("inf")},
        {"interval": float("nan")},
        {"interval": "1000"},
        {"interval": None},
        {"background": True},
        {"background": False},
        {"manager": 5},
        {"manager": dlc.DiskcacheLongCallbackManager},
        {"on_retrigger": "restart"},
        {"on_retrigger": None},
        {"title": 5},
        {"steps": ["Read", "Read"]},
        {"steps": ["Read", " \n"]},
        {"steps": ["Read", 2]},
        {"steps": [f"Step {number}" for number in range(41)]},
        {"title": lambda first, second: first},
        {"job": 5},
        {"job": ""},
        {"job": ["job"]},
        {"job": {"type": "job", "index": ALL}},
        {"job": {"type": "job", "index": ALLSMALLER}},
        {"job": {"type": "job", "index": MATCH}},
        {"timeout": 0},
        {"timeout": "10"},
        {"cancel_grace": -1},
        {"cancel_grace": True},
        {"on_leave": "stop"},
        {"on_leave": None},
        {"leave_timeout": 0},
        {"leave_timeout": None},
        {"queue": ""},
        {"queue": None},
        {"queue": " gpu"},
        {"priority": -1},
        {"priority": 10},
        {"priority": 1.5},
        {"priority": True},
        {"priority": None},
        {"concurrency": 0},
        {"concurrency": "1"},
        {"concurrency": True},
        {"max_per_user": -1},
        {"max_per_user": 0.5},
        {"concurrency": 1, "concurrency_group": ""},
        {"concurrency": 1, "concurrency_group": 7},
        {"concurrency_group": "does nothing alone"},
        {"retries": -1},
        {"retries": True},
        {"retries": 1001},
        {"retry_on": ConnectionError},  # without retries
        {"total_timeout": 60},
        {"on_new_code": "restart"},
        {"retries": 1, "on_new_code": "later"},
        {"retries": 1, "retry_on": "died"},
        {"retries": 1, "retry_on": KeyboardInterrupt},
        {"retries": 1, "backoff": 0},
        {"retries": 1, "backoff": (1, 2, 3)},
        {"retries": 1, "total_timeout": 0},
    ],
)
def test_wrong_option_is_refused_by_its_name(
    site: Site, options: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=f"{list(options)[-1]}="):
        decorate(site, **options)


def test_option_of_queues_is_refused_with_its_value(site: Site) -> None:
    for options, message in (
        ({"priority": -1}, "priority= takes .* from 0 to 9.*, not -1"),
        ({"concurrency": "2"}, "concurrency= takes .*, or None, not '2'"),
        ({"concurrency_group": "x"}, "'x' does nothing without concurrency= or"),
    ):
        with pytest.raises(ValueError, match=message):
            decorate(site, **options)
    with pytest.raises(TypeError, match="no queues=: it is an option of the manager"):
        decorate(site, queues={"gpu": 1})


def test_unknown_option_is_refused_with_a_similar_one(
    site: Site,
) -> None:
    with pytest.raises(TypeError, match=r"no cancle=\. Did you mean cancel="):
        decorate(site, cancle=Input("stop", "n_clicks"))
    with pytest.raises(TypeError, match=r"no bogus=\.$"):
        decorate(site, bogus=1)
    with pytest.raises(TypeError, match=r"no api_endpoint=\."):
        decorate(site, api_endpoint="/run")


@pytest.mark.parametrize("name", ["running", "cancel"])
@pytest.mark.parametrize("empty", [(), []])
def test_options_may_be_empty(site: Site, name: str, empty: Any) -> None:
    assert handle(site, **{name: empty})[name] == []


@pytest.mark.parametrize("interval", [0, 0.5, 1000, 10**9])
def test_interval_goes_to_the_page(site: Site, interval: float) -> None:
    assert handle(site, interval=interval)["interval"] == interval


def test_limits_go_to_the_worker_and_the_page(site: Site) -> None:
    limits = {"timeout": 60, "cancel_grace": 5.0, "leave_timeout": 7}
    assert handle(site, **limits, on_leave="cancel")["leave"] == 7.0
    call = Call.from_json(site.manager.submitted[-1].call.to_json())
    assert call.limits == Limits(timeout=60.0, cancel_grace=5.0, leave_timeout=7.0)


def test_scheduling_goes_to_the_manager(site: Site) -> None:
    handle(site, queue="gpu", priority=3, concurrency=2, max_per_user=1)
    call = Call.from_json(site.manager.submitted[-1].call.to_json())
    assert call.scheduling == Scheduling(
        queue="gpu",
        priority=3,
        concurrency=2,
        max_per_user=1,
        group=f"task {call.task}",
    )
    handle(site, concurrency=1, concurrency_group="shared")
    assert site.manager.submitted[-1].call.scheduling.group == "group shared"
    handle(site, priority=1)
    assert site.manager.submitted[-1].call.scheduling.group is None


def test_retries_go_to_the_worker(site: Site) -> None:
    handle(
        site,
        retries=3,
        retry_on=(ConnectionError, "lost"),
        backoff=(2, 9),
        total_timeout=60,
        on_new_code="restart",
    )
    submitted = site.manager.submitted[-1]
    assert submitted.task.retry_on == (ConnectionError,)
    call = Call.from_json(submitted.call.to_json())
    assert call.retries == Retries(
        times=3,
        lost=True,
        backoff=2.0,
        longest=9.0,
        total_timeout=60.0,
        restart_on_new_code=True,
    )
    handle(site, retries=1)
    assert site.manager.submitted[-1].task.retry_on == (Exception,)


def test_leave_timeout_has_a_default(site: Site) -> None:
    assert handle(site, leave_timeout=7)["leave"] is None
    assert site.manager.submitted[-1].call.limits == Limits()


def test_defaults(site: Site) -> None:
    sent = handle(site)
    assert sent.pop("token")
    assert sent.pop("callbackKey")
    assert len(sent.pop("inputDigests")) == 1
    assert sent.pop("name").endswith("decorate.<locals>.run")
    assert sent == {
        "title": None,
        "view": None,
        "seq": 0,
        "page": "",
        "retrigger": "replace",
        "interval": 1000,
        "leave": None,
        "steps": [],
        "outputs": [["text", "children"]],
        "running": [],
        "progress": [],
        "cancel": [],
    }


@pytest.mark.parametrize("job", ["job", {"type": "job", "index": 1}])
def test_id_of_the_view_goes_to_the_page(site: Site, job: Any) -> None:
    assert handle(site, job=job)["view"] == job


def test_job_may_be_a_component(site: Site) -> None:
    assert handle(site, job=dlc.LongJob(id="job"))["view"] == "job"


def test_view_of_an_instance_has_its_match(site: Site) -> None:
    site.long_callback(
        Output({"type": "text", "index": MATCH}, "children"),
        Input({"type": "button", "index": MATCH}, "n_clicks"),
        job={"type": "job", "index": MATCH},
    )(lambda _: None)
    response = site.trigger(
        out({"type": "text", "index": 7}, "children"),
        [prop({"type": "button", "index": 7}, "n_clicks", 1)],
        callback_id='{"index":["MATCH"],"type":"text"}.children',
    )
    assert handle_of(response)["view"] == {"type": "job", "index": 7}


@pytest.mark.parametrize(
    "cancel", [Input("stop", "n_clicks"), [Input("stop", "n_clicks")]]
)
def test_cancel_takes_one_input_or_a_list(site: Site, cancel: Any) -> None:
    assert handle(site, cancel=cancel)["cancel"] == [["stop", "n_clicks"]]


@pytest.mark.parametrize("wrap", [lambda entry: entry, lambda entry: [entry]])
def test_running_takes_one_entry_or_a_list(site: Site, wrap: Any) -> None:
    entry = (Output("button", "disabled"), True, False)
    assert handle(site, running=wrap(entry))["running"] == [
        ["button", "disabled", True, False]
    ]


def test_no_update_in_running_reaches_the_page(site: Site) -> None:
    entry = (Output("button", "disabled"), dash.no_update, False)
    ((*_, on, off),) = handle(site, running=entry)["running"]
    assert (on, off) == ({"_dash_no_update": "_dash_no_update"}, False)


A, B = Output("a", "value"), Output("b", "max")


def test_progress_that_is_an_output_too_keeps_its_value(site: Site) -> None:
    sent = handle(site, progress=[OUTPUT, B])["progress"]
    assert [value for *_, value in sent] == [{"_dash_no_update": mock.ANY}, None]


@pytest.mark.parametrize(
    ("progress", "default", "sent"),
    [
        (A, None, [["a", "value", None]]),
        (A, 0, [["a", "value", 0]]),
        (A, "", [["a", "value", ""]]),
        (A, [], [["a", "value", []]]),
        (A, {}, [["a", "value", {}]]),
        ([A, B], None, [["a", "value", None], ["b", "max", None]]),
        ([A, B], (0, False), [["a", "value", 0], ["b", "max", False]]),
        ((A, B), [1, 2], [["a", "value", 1], ["b", "max", 2]]),
        ({"x": A, "y": B}, {"y": 2, "x": 1}, [["a", "value", 1], ["b", "max", 2]]),
        (
            {"x": [A], "y": B},
            {"x": [[]], "y": {}},
            [["a", "value", []], ["b", "max", {}]],
        ),
    ],
)
def test_progress_default_has_the_shape_of_progress(
    site: Site, progress: Any, default: Any, sent: Any
) -> None:
    options = {} if default is None else {"progress_default": default}
    assert handle(site, progress=progress, **options)["progress"] == sent


def test_lane_has_the_order_of_the_page(site: Site) -> None:
    decorate(site)
    response = click(site, longJob={"page": "page-1", "seq": 7})
    assert handle_of(response)["seq"] == 7
    lane = site.manager.submitted[-1].lane
    assert lane is not None
    assert (lane.seq, lane.retrigger) == (7, Retrigger.REPLACE)
    others = []
    for page in ("page-1", "page-2"):
        click(site, longJob={"page": page, "seq": 8})
        others.append(site.manager.submitted[-1].lane)
    assert [other and other.name == lane.name for other in others] == [True, False]


@pytest.mark.parametrize(
    "origin",
    [
        *(1, "x", [], {}, {"page": 1, "seq": 1}, {"page": "p", "seq": "1"}),
        *({"page": "p", "seq": 10**30}, {"page": "p", "seq": -1}),
        {"page": "p", "seq": True},
    ],
)
def test_trigger_with_an_origin_of_the_wrong_shape_is_refused(
    site: Site, origin: Any
) -> None:
    decorate(site)
    assert click(site, longJob=origin).status_code == 204
    assert site.manager.submitted == []


def test_trigger_that_comes_from_no_page_has_no_lane(site: Site) -> None:
    decorate(site)
    assert handle_of(click(site, longJob=None))["seq"] == 0
    assert site.manager.submitted[-1].lane is None


def test_start_leaves_the_outputs_unchanged(site: Site) -> None:
    decorate(site)
    assert click(site).get_json()["response"] == {}


def test_ignored_trigger_sends_no_handle(site: Site) -> None:
    site.manager.refuses = True
    decorate(site, on_retrigger="ignore")
    response = click(site).get_json()
    assert response["response"] == {}
    assert "sideUpdate" not in response


def test_cancel_wins_over_a_simultaneous_trigger(site: Site) -> None:
    site.long_callback(
        OUTPUT, INPUT, Input("stop", "n_clicks"), cancel=[Input("stop", "n_clicks")]
    )(lambda *_: None)
    inputs = [prop("button", "n_clicks", 1), prop("stop", "n_clicks", 1)]
    response = site.trigger(
        out("text", "children"), inputs, changed=["button.n_clicks", "stop.n_clicks"]
    )
    assert "sideUpdate" not in response.get_json()
    assert site.manager.submitted == []
    site.submit(out("text", "children"), inputs, changed=["button.n_clicks"])


def test_match_is_filled_in_everywhere(site: Site) -> None:
    def part(kind: str) -> dict[str, Any]:
        return {"type": kind, "index": MATCH}

    site.long_callback(
        Output(part("text"), "children"),
        Input(part("go"), "n_clicks"),
        running=[(Output(part("go"), "disabled"), True, False)],
        progress=Output(part("bar"), "value"),
        cancel=Input(part("stop"), "n_clicks"),
    )(lambda *_: None)
    callback_keys = set()
    for index in (1, 2):
        ids = {k: {"type": k, "index": index} for k in ("text", "go", "bar", "stop")}
        response = site.trigger(
            out(ids["text"], "children"),
            [prop(ids["go"], "n_clicks", 1)],
            callback_id='{"index":["MATCH"],"type":"text"}.children',
        )
        sent = handle_of(response)
        assert sent["outputs"] == [[ids["text"], "children"]]
        assert sent["running"] == [[ids["go"], "disabled", True, False]]
        assert sent["progress"] == [[ids["bar"], "value", None]]
        assert sent["cancel"] == [[ids["stop"], "n_clicks"]]
        assert site.manager.submitted[-1].call.progress == [[ids["bar"], "value"]]
        callback_keys.add(sent["callbackKey"])
    assert len(callback_keys) == 2


def test_page_fills_in_all(site: Site) -> None:
    every = {"type": "row", "index": ALL}
    sent = handle(
        site,
        running=[(Output(every, "disabled"), True, False)],
        cancel=Input(every, "n_clicks"),
    )
    pattern = {"type": "row", "index": ["ALL"]}
    assert sent["running"] == [[pattern, "disabled", True, False]]
    assert sent["cancel"] == [[pattern, "n_clicks"]]


def test_handle_reveals_nothing_of_the_server_but_the_name(site: Site) -> None:
    sent = handle(site)
    assert sent.pop("name") == f"{__name__}.decorate.<locals>.run"
    text = str(sent)
    for telling in ("tests.unit", "decorate", __file__, "ada"):
        assert telling not in text


def test_callback_without_outputs_starts_a_job(site: Site) -> None:
    site.long_callback(INPUT)(lambda _clicks: None)
    site.long_callback(INPUT)(lambda _clicks: None)
    client = site.app.server.test_client()
    ids = [
        item["output"]
        for item in client.get("/_dash-dependencies").get_json()
        if item["output"] and not item["clientside_function"]
    ]
    assert len(set(ids)) == 2


def test_app_without_manager_refuses_when_decorating() -> None:
    app = dlc.Dash(__name__)
    with pytest.raises(ValueError, match="long_callback_manager=") as caught:
        app.long_callback(OUTPUT, INPUT)
    assert isinstance(caught.value, LongCallbackError)


def test_module_level_without_manager_refuses_at_the_first_request() -> None:
    app = dash.Dash(__name__)
    app.layout = html.Div()
    app.server.testing = True
    long_callback(OUTPUT, INPUT)(lambda _clicks: None)
    with pytest.raises(MissingManagerError, match=r"manager\.init_app"):
        app.server.test_client().post(
            "/_dash-update-component",
            json={
                "output": "text.children",
                "outputs": out("text", "children"),
                "inputs": [prop("button", "n_clicks", 1)],
                "changedPropIds": ["button.n_clicks"],
            },
        )


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


def test_manager_of_a_callback_needs_an_app_that_is_set_up() -> None:
    app = dash.Dash(__name__)
    long_callback(OUTPUT, INPUT, manager=RecordingManager())(lambda _clicks: None)
    with pytest.raises(MissingManagerError, match="is not set up for long callbacks"):
        trigger(app)


@pytest.mark.parametrize("where", ["app", "callback"])
def test_manager_given_to_dash_itself_names_the_decorator(where: str) -> None:
    manager: Any = RecordingManager()
    app = dash.Dash(
        __name__, background_callback_manager=manager if where == "app" else None
    )
    options = {"manager": manager} if where == "callback" else {}
    app.callback(OUTPUT, INPUT, background=True, **options)(lambda _clicks: None)
    with pytest.raises(AttributeError, match=r"@long_callback\(\)"):
        trigger(app)


def test_other_attributes_are_missing_as_ever() -> None:
    assert not hasattr(RecordingManager(), "build")
    assert getattr(RecordingManager(), "job_running", None) is None


@pytest.mark.parametrize("how", ["arguments", "list", "keywords"])
def test_callback_may_share_all_its_outputs(site: Site, how: str) -> None:
    other = Output("other", "children")
    site.app.callback(OUTPUT, other, INPUT)(lambda _clicks: (1, 2))
    options: dict[str, Any] = {"prevent_initial_call": True, "allow_duplicate": True}
    if how == "arguments":
        decorator = site.long_callback(OUTPUT, other, INPUT, **options)
    elif how == "list":
        decorator = site.long_callback([OUTPUT, other], INPUT, **options)
    else:
        decorator = site.long_callback(
            output={"a": OUTPUT, "b": other}, inputs=[INPUT], **options
        )
    decorator(lambda _clicks: None)
    (long,) = [
        item["output"]
        for item in site.app.server.test_client().get("/_dash-dependencies").get_json()
        if "@" in item["output"]
    ]
    assert long.count("@") == 2
    assert not OUTPUT.allow_duplicate


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


def test_cancel_inputs_are_registered_once_each(site: Site) -> None:
    stop = Input("stop", "n_clicks")
    for name in ("a", "b"):
        site.long_callback(Output(name, "children"), INPUT, cancel=[stop])(lambda _: 0)
    client = site.app.server.test_client()
    for _ in range(2):
        found = [
            item
            for item in client.get("/_dash-dependencies").get_json()
            if item["clientside_function"]
            == {"namespace": "dash_long_components", "function_name": "cancel"}
        ]
        assert len(found) == 1
        assert found[0]["inputs"][0] == {"id": "stop", "property": "n_clicks"}
        assert found[0]["prevent_initial_call"]


@pytest.mark.parametrize(
    "function",
    [
        functools.partial(max, 1),
        type("Callable", (), {"__call__": lambda _self, clicks: clicks})(),
    ],
    ids=["partial", "object"],
)
def test_any_callable_can_be_decorated(site: Site, function: Any) -> None:
    dash.callback(OUTPUT, INPUT, callback_map={}, callback_list=[])(function)
    assert site.long_callback(OUTPUT, INPUT)(function) is function
    click(site)
    assert site.manager.submitted


def test_wrong_cache_of_the_diskcache_manager_is_refused(tmp_path: Any) -> None:
    deque = diskcache.Deque(directory=str(tmp_path))
    wrong: Any
    for wrong in (5, "cache", {}, deque):
        with pytest.raises(ValueError, match=r"^First argument must be a diskcache\."):
            dlc.DiskcacheLongCallbackManager(wrong)
    deque.cache.close()


def test_result_is_encoded_as_by_dash(site: Site) -> None:
    decorate(site)
    click(site)
    result = values_of(site.manager.submitted[-1].run())
    assert result["response"] == {"text": {"children": 1}}


def test_patch_may_be_a_running_value(site: Site) -> None:
    patch = Patch()
    patch["color"] = "red"
    sent = handle(site, running=[(Output("text", "style"), patch, {})])
    assert sent["running"][0][2]["__dash_patch_update"]


def test_other_apps_of_the_process_do_not_interfere(site: Site) -> None:
    decorate(site)
    another = dash.Dash(
        "another", server=site.app.server, url_base_pathname="/another/"
    )
    another.layout = []
    assert handle_of(click(site))["token"]


@pytest.mark.parametrize("wildcard", [MATCH, ALLSMALLER])
@pytest.mark.parametrize("option", ["running", "progress", "cancel"])
def test_wildcard_without_a_value_is_refused(
    site: Site, option: str, wildcard: Any
) -> None:
    component_id = {"type": "row", "index": wildcard}
    values = {
        "running": [(Output(component_id, "disabled"), True, False)],
        "progress": Output(component_id, "children"),
        "cancel": Input(component_id, "n_clicks"),
    }
    with pytest.raises(ValueError, match=f"{option}= has a wildcard for 'index'"):
        decorate(site, **{option: values[option]})


def test_own_result_starts_no_job(site: Site) -> None:
    decorate(site)
    origin = {"page": "page", "seq": 1}
    response = click(site, longJob={**origin, "ownResult": True})
    assert response.status_code in (200, 204)
    assert not site.manager.submitted
    for value in (False, "true", None):
        click(site, longJob={**origin, "ownResult": value})
    assert len(site.manager.submitted) == 3


def ask(site: Site, value: Any, clicks: Any = None, **origin: Any) -> int:
    """Load the page of ``decorate_two`` or click on it; return how many jobs begin."""
    before = len(site.manager.submitted)
    inputs = [prop("choice", "value", value), prop("run", "n_clicks", clicks)]
    changed = ["run.n_clicks"] if clicks else []
    job = {"page": "page", "seq": 1, **origin}
    site.trigger(out("out", "children"), inputs, changed=changed, longJob=job)
    return len(site.manager.submitted) - before


def resumed_after(site: Site, value: Any, clicks: Any) -> list[Any]:
    """Start a job, and return what the page says of it after a reload."""
    inputs = [prop("choice", "value", value), prop("run", "n_clicks", clicks)]
    handle = handle_of(site.trigger(out("out", "children"), inputs))
    return [[handle["callbackKey"], "before", handle["inputDigests"]]]


def decorate_two(site: Site, **options: Any) -> None:
    dependencies = (
        Output("out", "children"),
        Input("choice", "value"),
        Input("run", "n_clicks"),
    )
    site.long_callback(*dependencies, **options)(lambda choice, clicks: choice)


@pytest.mark.parametrize(
    ("value", "begun"), [("a", 0), (None, 0), ("b", 1), ("", 1), (0, 1)]
)
def test_page_load_starts_no_job_beside_an_equal_resumed_one(
    site: Site, value: Any, begun: int
) -> None:
    decorate_two(site)
    resumed = resumed_after(site, "a", 3)
    assert ask(site, value, resumed=resumed) == begun
    assert ask(site, value, clicks=1, resumed=resumed) == 1


@pytest.mark.parametrize(("address", "begun"), [("?id=1", 0), ("?id=2", 1)])
def test_address_at_page_load_starts_no_job(
    site: Site, address: str, begun: int
) -> None:
    site.long_callback(Output("out", "children"), Input("url", "search"))(str)

    def load(address: str, resumed: list[Any]) -> Any:
        return site.trigger(
            out("out", "children"),
            [prop("url", "search", address)],
            changed=["url.search"],
            longJob={"page": "page", "seq": 1, "resumed": resumed},
        )

    handle = handle_of(load("?id=1", []))
    load(address, [[handle["callbackKey"], "before", handle["inputDigests"]]])
    assert len(site.manager.submitted) == 1 + begun


@pytest.mark.parametrize(
    ("name", "untouched", "begun"),
    [
        ("data", True, 0),
        ("data", False, 1),
        ("data", "true", 1),
        ("n_intervals", True, 1),
    ],
)
def test_values_of_an_untouched_page_start_no_job(
    site: Site, name: str, untouched: Any, begun: int
) -> None:
    site.long_callback(Output("out", "children"), Input("from", name))(str)

    def fill(**origin: Any) -> Any:
        return site.trigger(
            out("out", "children"),
            [prop("from", name, 1)],
            changed=[f"from.{name}"],
            longJob={"page": "page", "seq": 1, **origin},
        )

    handle = handle_of(fill())
    resumed = [[handle["callbackKey"], "before", handle["inputDigests"]]]
    fill(resumed=resumed, untouched=untouched)
    assert len(site.manager.submitted) == 1 + begun


@pytest.mark.parametrize(
    ("retrigger", "goes_on"), [("queue", True), ("ignore", True), ("replace", False)]
)
def test_new_job_enters_the_lane_of_a_resumed_one(
    site: Site, retrigger: str, goes_on: bool
) -> None:
    decorate_two(site, on_retrigger=retrigger)

    def lane_after(page: str, resumed: list[Any]) -> Any:
        assert ask(site, "b", clicks=1, page=page, resumed=resumed) == 1
        return site.manager.submitted[-1].lane

    first = lane_after("before", [])
    ((callback_key, page, digests),) = resumed_after(site, "a", 3)
    after = lane_after("now", [[callback_key, page, digests]])
    assert (after.name == first.name) is goes_on
    assert lane_after("now", [["another", page, digests]]).name != first.name


def test_handle_names_the_page_of_its_lane(site: Site) -> None:
    decorate_two(site, on_retrigger="queue")
    inputs = [prop("choice", "value", "a"), prop("run", "n_clicks", 1)]

    def handle_after(**origin: Any) -> Any:
        job = {"page": "now", "seq": 1, **origin}
        trigger = site.trigger(
            out("out", "children"), inputs, changed=["run.n_clicks"], longJob=job
        )
        return handle_of(trigger)

    handle = handle_after()
    assert handle["page"] == "now"
    resumed = [[handle["callbackKey"], "before", handle["inputDigests"]]]
    assert handle_after(resumed=resumed)["page"] == "before"


def test_handle_reveals_only_whether_inputs_are_equal(
    site: Site,
) -> None:
    decorate_two(site)
    (first,), (again,), (other,) = (
        resumed_after(site, value, 1) for value in ("secret", "secret", "b")
    )
    assert first == again != other
    assert "secret" not in json.dumps(first)


def test_set_progress_after_other_parameters_is_refused(site: Site) -> None:
    def run(n_clicks: int, set_progress: Any) -> None:
        """Ask for it in the wrong place."""

    with pytest.raises(ValueError, match=r"run\(\) has set_progress after n_clicks"):
        site.long_callback(OUTPUT, INPUT)(run)


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


@pytest.mark.parametrize(
    ("function", "options", "reason"),
    [
        (lambda: None, {}, "too many positional arguments"),
        (lambda a, b: None, {}, "missing a required argument: 'b'"),
        (lambda a: None, {"progress": Output("p", "value")}, "too many positional"),
        (lambda x: None, {"inputs": {"y": INPUT}}, "'x'"),
    ],
    ids=["none", "two", "progress", "keyword"],
)
def test_function_that_can_not_take_its_arguments_is_refused(
    site: Site, function: Any, options: dict[str, Any], reason: str
) -> None:
    arguments = [OUTPUT] if "inputs" in options else [OUTPUT, INPUT]
    with pytest.raises(ValueError, match=r"can't take its arguments .*one parameter"):
        site.long_callback(*arguments, **options)(function)
    with pytest.raises(ValueError, match=re.escape(reason)):
        site.long_callback(*arguments, **options)(function)


def test_cancel_by_every_input_is_refused(site: Site) -> None:
    with pytest.raises(
        ValueError, match=r"no job would ever start: .*button\.n_clicks"
    ):
        site.long_callback(OUTPUT, INPUT, cancel=INPUT)


def test_option_of_the_manager_is_refused_with_its_place(site: Site) -> None:
    with pytest.raises(TypeError, match=r"an option of the manager, .*cache_by=\.\.\."):
        site.long_callback(OUTPUT, INPUT, cache_by=[])


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


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        (None, None),
        ("", None),
        ("data.csv", "data.csv"),
        (" two\nlines ", "two lines"),
        ("x" * 500, "x" * texts.MAX_TEXT),
        (lambda clicks: f"Run {clicks}", "Run 1"),
        (lambda clicks: clicks, "1"),
        (lambda clicks: None, None),
    ],
)
def test_title_goes_to_the_page_and_the_job(
    site: Site, title: Any, shown: str | None
) -> None:
    assert handle(site, title=title)["title"] == shown
    assert site.manager.submitted[-1].call.title == shown


def test_steps_go_to_the_page_and_the_job(site: Site) -> None:
    assert handle(site, steps=["Read", "Fit\n it"])["steps"] == ["Read", "Fit it"]
    assert site.manager.submitted[-1].call.steps == ["Read", "Fit it"]
    assert handle(site, steps="Read")["steps"] == ["Read"]


def test_title_gets_the_arguments_of_the_function(site: Site) -> None:
    site.long_callback(
        inputs={"clicks": INPUT, "name": State("name", "value")},
        title=lambda clicks, name: f"{name}, {clicks}",
    )(lambda clicks, name: None)
    # Several callbacks without Outputs get their first Input repeated.
    site.long_callback(
        INPUT, State("name", "value"), title=lambda clicks, name: f"{clicks}: {name}"
    )(lambda set_progress, clicks, name: None)
    client = site.app.server.test_client()
    callbacks = client.get("/_dash-dependencies").get_json()
    titles = [
        handle_of(
            site.trigger(
                None,
                [prop("button", "n_clicks", 2) for _ in callback["inputs"]],
                [prop("name", "value", "Ada")],
                callback_id=callback["output"],
            )
        )["title"]
        for callback in callbacks
    ]
    assert titles == ["Ada, 2", "2: Ada"]
    assert len(callbacks[1]["inputs"]) > 1


def test_cancel_needs_no_title(site: Site) -> None:
    site.long_callback(
        OUTPUT,
        INPUT,
        Input("cancel", "n_clicks"),
        cancel=Input("cancel", "n_clicks"),
        title=lambda clicks, cancel: clicks["no such name"],
    )(lambda clicks, cancel: None)
    assert (
        site.trigger(
            out("text", "children"),
            [prop("button", "n_clicks", 1), prop("cancel", "n_clicks", 1)],
            changed=["cancel.n_clicks"],
        ).status_code
        < 300
    )
