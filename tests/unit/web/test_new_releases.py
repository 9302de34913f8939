"""Long callbacks have the features of newer releases of Dash."""

from __future__ import annotations

import gzip
import inspect
import json
from typing import Any

import dash
import pytest
from dash import ALL, MATCH, Input, Output

from tests import backends
from tests.unit.fakes import Site, out, prop, values_of

OPTIONS = inspect.signature(dash.callback).parameters

compressed = pytest.mark.skipif(
    "compress_payload" not in OPTIONS, reason="Dash compresses no requests yet"
)
shared = pytest.mark.skipif(
    not hasattr(dash.Dash, "shared_storage"), reason="Dash has no shared storage yet"
)
partial = pytest.mark.skipif(
    "partial_pattern" not in inspect.signature(Input).parameters,
    reason="Dash has no partial patterns yet",
)


@compressed
@pytest.mark.parametrize("backend", backends.ALL)
def test_compressed_request_keeps_the_order_of_triggers(backend: str) -> None:
    site = Site(backend)
    options: dict[str, Any] = {"compress_payload": True}
    site.long_callback(Output("text", "children"), Input("i", "value"), **options)(
        lambda value: value
    )
    body = {
        "output": "text.children",
        "outputs": out("text", "children"),
        "inputs": [prop("i", "value", 1)],
        "state": [],
        "changedPropIds": ["i.value"],
        "longJob": {"page": "a page", "seq": 7},
    }
    answer = backends.send(
        site.app,
        "/_dash-update-component",
        gzip.compress(json.dumps(body).encode()),
        {"Content-Encoding": "gzip"},
    )
    assert answer.status_code == 200
    lane = site.manager.submitted[-1].lane
    assert lane is not None
    assert lane.seq == 7


class Storage:
    """Counts how often the app starts it."""

    started = 0

    def start(self) -> None:
        type(self).started += 1


class BrokenStorage(Storage):
    def start(self) -> None:
        raise ConnectionError("It is away.")


@shared
@pytest.mark.parametrize("storage", [Storage, BrokenStorage, None])
def test_server_owns_the_shared_storage_before_a_job_does(
    storage: type[Storage] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Storage, "started", 0)
    options: dict[str, Any] = {"shared_storage": storage}
    site = Site(**options)
    site.long_callback(Output("text", "children"), Input("i", "value"))(lambda v: v)
    assert Storage.started == 0
    for _ in range(2):
        site.submit(out("text", "children"), [prop("i", "value", 1)])
    assert Storage.started == (storage is Storage)


@partial
@pytest.mark.parametrize("allow_duplicate", [False, True])
def test_partial_patterns_are_matched(allow_duplicate: bool) -> None:
    site = Site()
    options: dict[str, Any] = {"partial_pattern": True}
    site.long_callback(
        Output({"type": MATCH}, "children", **options),
        Input({"type": MATCH}, "value", **options),
        allow_duplicate=allow_duplicate,
        prevent_initial_call=True,
    )(lambda value: value)
    (callback_id,) = (name for name in site.app.callback_map if "MATCH" in name)
    component = {"type": "row", "index": 1}
    job = site.submit(
        out(component, callback_id.rpartition(".")[2]),
        [prop(component, "value", 5)],
        callback_id=callback_id,
    )
    assert values_of(job.run())["response"] == {
        '{"index":1,"type":"row"}': {"children": 5}
    }


@partial
@pytest.mark.parametrize("option", ["running", "cancel", "progress"])
def test_other_options_take_no_partial_patterns(option: str) -> None:
    kind = Input if option == "cancel" else Output
    options: dict[str, Any] = {"partial_pattern": True}
    found: Any = kind({"type": ALL}, "value", **options)
    values = {"running": [(found, 1, 0)], "cancel": [found], "progress": [found]}
    arguments: dict[str, Any] = {option: values[option]}
    with pytest.raises(ValueError, match=f"{option}= takes no partial_pattern"):
        Site().long_callback(
            Output("text", "children"), Input("i", "value"), **arguments
        )
