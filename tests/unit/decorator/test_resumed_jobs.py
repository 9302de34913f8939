"""A trigger after a reload starts no job beside an equal resumed one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from dash import Input, Output

from tests.unit.decorator.made import click, decorate
from tests.unit.fakes import Site, handle_of, out, prop


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


@pytest.mark.parametrize(
    ("value", "begun"), [("a", 1), (None, 0), ("b", 1), ("", 1), (0, 1)]
)
def test_page_load_asks_for_the_old_result_that_a_resumed_job_refreshes(
    site: Site, value: Any, begun: int
) -> None:
    """An equal trigger joins the job. One with unset inputs would replace it."""
    decorate_two(site)
    ((*resumed,),) = resumed_after(site, "a", 3)
    assert ask(site, value, resumed=[[*resumed, True]]) == begun


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
