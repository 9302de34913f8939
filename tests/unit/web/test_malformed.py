"""Malformed requests get an answer, and change nothing."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dash_long_components.core.quantities import MAX_JS_INTEGER
from tests.unit.fakes import handle_of
from tests.unit.target import CANCEL, POLL, TRIGGER, Target

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
def test_spoilt_token_names_no_job(target: Target, data: st.DataObject) -> None:
    token = data.draw(_spoilt(target.tokens))
    cursor = data.draw(st.integers(0, MAX_JS_INTEGER - 1))
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
    readings = st.lists(reading | _any_json, max_size=4)
    held = st.fixed_dictionaries({"hold": st.integers() | _any_json, "jobs": readings})
    unharmed(target, POLL, data.draw(readings | held))


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


def is_origin(origin: Any) -> bool:
    match origin:
        case {"page": str(), "seq": int(seq)}:
            return 0 <= seq <= MAX_JS_INTEGER and not isinstance(seq, bool)
    return origin is None


@often
@given(
    origin=_any_json
    | st.fixed_dictionaries(
        {
            "page": _any_json | _surrogates | st.just("p" * 10_000),
            "seq": _any_json | st.integers(0, 2**60),
        },
        optional={
            "resumed": _any_json
            | st.lists(
                st.tuples(_surrogates, _surrogates, st.lists(_any_json)) | _any_json
            )
        },
    )
)
def test_trigger_starts_a_job_or_is_refused(target: Target, origin: Any) -> None:
    before = target.jobs()
    answer = target.post(TRIGGER, {**target.trigger(), "longJob": origin})
    if not is_origin(origin):
        assert answer.status_code == 204
        assert target.jobs() == before
        return
    assert answer.status_code == 200, answer.get_data()
    token = handle_of(answer)["token"]
    after = target.jobs()
    assert before.items() <= after.items()
    assert all(len(str(key)) < 200 for key in after)
    assert target.post(CANCEL, [token]).status_code == 204
