"""Each option is checked where the app is made, and reaches the page or the worker."""

from __future__ import annotations

import re
from typing import Any
from unittest import mock

import dash
import pytest
from dash import ALL, ALLSMALLER, MATCH, Input, Output, Patch, State

import dash_long_components as dlc
from dash_long_components.core import texts
from dash_long_components.core.calls import Call, Limits
from dash_long_components.core.queueing import Scheduling
from dash_long_components.core.retries import Retries
from tests.unit.decorator.made import INPUT, OUTPUT, decorate, handle
from tests.unit.fakes import Site, handle_of, out, prop


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


def test_patch_may_be_a_running_value(site: Site) -> None:
    patch = Patch()
    patch["color"] = "red"
    sent = handle(site, running=[(Output("text", "style"), patch, {})])
    assert sent["running"][0][2]["__dash_patch_update"]


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


def test_set_progress_after_other_parameters_is_refused(site: Site) -> None:
    def run(n_clicks: int, set_progress: Any) -> None:
        """Ask for it in the wrong place."""

    with pytest.raises(ValueError, match=r"run\(\) has set_progress after n_clicks"):
        site.long_callback(OUTPUT, INPUT)(run)


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
