"""Whoever sends whatever gets an answer, and nothing changes by it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from typing import Any
from unittest import mock

import diskcache
import pytest
from dash import Input, Output, html
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dash_long_components as dlc
from dash_long_components import DiskcacheLongCallbackManager
from dash_long_components.jobs import Status
from dash_long_components.managers.processes import Process
from tests.unit.fakes import handle_of, out, prop

POLL, CANCEL = "/_dash-long-jobs/poll", "/_dash-long-jobs/cancel"
TRIGGER = "/_dash-update-component"


class Target:
    """An app with a job in every status, and nobody who runs them."""

    def __init__(self, folder: str) -> None:
        self.cache = diskcache.Cache(folder)
        self.manager = DiskcacheLongCallbackManager(self.cache, max_queue=10**6)
        self.app = dlc.Dash(__name__, long_callback_manager=self.manager)
        self.app.layout = html.Div()
        self.app.long_callback(Output("text", "children"), Input("i", "value"))(
            lambda value: value
        )
        self.launcher = self.manager._connect()
        self.launcher._launch = mock.Mock()  # type: ignore[method-assign]
        self.store = self.launcher.store
        self.client = self.app.server.test_client(use_cookies=False)
        self.tokens = [self.start() for _ in range(4)]
        me = Process.current()
        jobs = [self.store.take(self.launcher.code, me, 10) for _ in range(4)]
        for job_id, status in zip(
            jobs, [Status.SUCCEEDED, Status.FAILED], strict=False
        ):
            assert job_id is not None
            self.store.end(job_id, status)
        self.tokens.append(self.start())

    def start(self) -> str:
        token: str = handle_of(self.post(TRIGGER, self.trigger()))["token"]
        return token

    def trigger(self) -> dict[str, Any]:
        return {
            "output": "text.children",
            "outputs": out("text", "children"),
            "inputs": [prop("i", "value", 1)],
            "state": [],
            "changedPropIds": ["i.value"],
        }

    def post(self, path: str, body: Any, **options: Any) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        return self.client.post(path, data=data, **{"headers": headers, **options})

    def jobs(self) -> dict[str, bytes]:
        """Return all that is kept of all jobs."""
        return {
            key: self.store._cache[key]
            for key in self.store._cache
            if str(key).startswith(("job:", "call:", "result:", "lane:"))
        }

    def close(self) -> None:
        self.manager.close()
        self.cache.close()


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with tempfile.TemporaryDirectory() as folder:
        # By value: what stands in a test is found by no dispatcher.
        with mock.patch("time.sleep"):
            target = Target(folder)
        yield target
        target.close()


_any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
_surrogates = st.text(st.characters(codec=None, categories=["Cs", "L"]), max_size=4)
often = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@st.composite
def _spoilt(draw: st.DrawFn, tokens: list[str]) -> str:
    """Return a token with something about it that is not as it was."""
    token = draw(st.sampled_from(tokens))
    at = draw(st.integers(0, len(token) - 1))
    other = draw(st.text(max_size=2).filter(lambda text: text != token[at]))
    return draw(
        st.sampled_from(
            [
                token[:at],
                token[at + 1 :],
                f"{token[:at]}{other}{token[at + 1 :]}",
                f"{token}{token[at]}",
                f".{token}",
                token.swapcase(),
                token[::-1],
            ]
        )
    )


def unharmed(target: Target, path: str, body: Any, **options: Any) -> int:
    """Send something that is not in order, and return the status of the answer."""
    before = target.jobs()
    answer = target.post(path, body, **options)
    assert answer.status_code < 500, answer.get_data()
    assert target.jobs() == before
    return int(answer.status_code)


@often
@given(data=st.data())
def test_token_that_is_not_as_it_was_made_names_no_job(
    target: Target, data: st.DataObject
) -> None:
    token = data.draw(_spoilt(target.tokens))
    cursor = data.draw(st.integers(0, 2**53 - 1))
    before = target.jobs()
    answer = target.post(POLL, [[token, cursor]])
    assert answer.get_json()["jobs"]["0"]["error"]["type"] == "UnknownJob"
    assert target.post(CANCEL, [token]).status_code == 204
    assert target.jobs() == before


@often
@given(data=st.data())
def test_poll_of_any_shape_changes_nothing(target: Target, data: st.DataObject) -> None:
    token = st.sampled_from(target.tokens)
    reading = st.lists(token | _any_json | _surrogates, max_size=3)
    unharmed(target, POLL, data.draw(st.lists(reading | _any_json, max_size=4)))


@often
@given(data=st.data())
def test_cancel_of_any_other_shape_changes_nothing(
    target: Target, data: st.DataObject
) -> None:
    token = st.sampled_from(target.tokens)
    wrong = st.lists(token, max_size=2) | st.dictionaries(token, _any_json, max_size=2)
    body = data.draw(wrong.map(lambda part: [part]) | _any_json | _surrogates)
    unharmed(target, CANCEL, body)


@often
@given(
    path=st.sampled_from([POLL, CANCEL]),
    body=st.binary(max_size=50),
    headers=st.dictionaries(
        st.sampled_from(
            [
                "Content-Type",
                "Content-Encoding",
                "Transfer-Encoding",
                "Cookie",
                "Accept",
            ]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
    ),
    query=st.text(max_size=10),
    method=st.sampled_from(
        ["POST", "GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]
    ),
)
def test_request_of_any_kind_changes_nothing(
    target: Target,
    path: str,
    body: bytes,
    headers: dict[str, str],
    query: str,
    method: str,
) -> None:
    unharmed(target, path, body, headers=headers, query_string={"q": query})
    before = target.jobs()
    answer = target.client.open(path, method=method, data=body, headers=headers)
    assert answer.status_code < 500
    assert target.jobs() == before


@often
@given(
    stamp=_any_json
    | st.fixed_dictionaries(
        {
            "page": _any_json | _surrogates | st.just("p" * 10_000),
            "seq": _any_json | st.integers(),
        },
        optional={
            "resumed": _any_json
            | st.lists(
                st.tuples(_surrogates, _surrogates, st.lists(_any_json)) | _any_json
            )
        },
    )
)
def test_trigger_with_any_stamp_starts_a_job_as_one_without(
    target: Target, stamp: Any
) -> None:
    before = target.jobs()
    answer = target.post(TRIGGER, {**target.trigger(), "longJob": stamp})
    assert answer.status_code == 200, answer.get_data()
    token = handle_of(answer)["token"]
    assert {key: target.jobs()[key] for key in before} == before
    assert all(len(str(key)) < 200 for key in target.jobs())
    assert target.post(CANCEL, [token]).status_code == 204
