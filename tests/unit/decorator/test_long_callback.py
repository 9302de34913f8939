"""The decorator registers a callback that starts jobs and sends handles to the page."""

from __future__ import annotations

import functools
from typing import Any

import dash
import pytest
from dash import ALL, MATCH, Input, Output

import dash_long_components as dlc
from dash_long_components import long_callback
from dash_long_components.core.lanes import Retrigger
from tests.unit.decorator.made import INPUT, OUTPUT, click, decorate, handle
from tests.unit.fakes import Site, handle_of, out, prop, values_of


def test_function_comes_back_unchanged(site: Site) -> None:
    def double(number: int) -> int:
        return 2 * number

    before = dict(vars(double))
    assert site.long_callback(OUTPUT, INPUT)(double) is double
    assert long_callback(Output("other", "children"), INPUT)(double) is double
    assert double(2) == 4
    assert vars(double) == before


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
    assert sent.pop("name") == f"{decorate.__module__}.decorate.<locals>.run"
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


def test_result_is_encoded_as_by_dash(site: Site) -> None:
    decorate(site)
    click(site)
    result = values_of(site.manager.submitted[-1].run())
    assert result["response"] == {"text": {"children": 1}}
