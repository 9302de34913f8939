"""Nobody but the server makes a token."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import TimestampSigner

from dash_long_components.core.jobs import new_job_id
from dash_long_components.exceptions import BadTokenError
from dash_long_components.web.tokens import _REMEMBERED, MAX_AGE, TokenSigner

HANDLES = TokenSigner("secret")
TOKEN = HANDLES.sign("job")


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock = Clock()
    with (
        mock.patch("itsdangerous.timed.time", clock),
        mock.patch("dash_long_components.web.tokens.time", clock),
    ):
        yield clock


def test_token_names_its_job() -> None:
    job_id = new_job_id()
    assert HANDLES.verify(HANDLES.sign(job_id)) == job_id


def test_secret_may_be_bytes() -> None:
    assert TokenSigner(b"secret").verify(TOKEN) == "job"


@pytest.mark.parametrize(
    "token",
    [
        *("", ".", "..", "job", "job.", "job..", "\0", "ä", "\ud800", "x" * 100_000),
        # A token holds the second in which it was made: it is no name for a test.
        pytest.param(TokenSigner("another secret").sign("job"), id="another secret"),
        pytest.param(
            TimestampSigner("secret", salt="another salt").sign("job").decode(),
            id="another salt",
        ),
        pytest.param(TimestampSigner("secret").sign("job").decode(), id="no salt"),
        pytest.param(TOKEN.replace("job", "jop"), id="another job"),
        pytest.param(f"x{TOKEN}", id="more before"),
        pytest.param(f"{TOKEN}x", id="more behind"),
        pytest.param(f"{TOKEN}.{TOKEN}", id="twice"),
        pytest.param(TOKEN.upper(), id="capitals"),
    ],
)
def test_token_of_anybody_else_is_refused(token: str) -> None:
    with pytest.raises(BadTokenError):
        HANDLES.verify(token)


@pytest.mark.parametrize("length", range(len(TOKEN)))
def test_cut_token_is_refused(length: int) -> None:
    with pytest.raises(BadTokenError):
        HANDLES.verify(TOKEN[:length])


@given(st.text())
def test_any_other_text_is_refused(token: str) -> None:
    with pytest.raises(BadTokenError):
        HANDLES.verify(token)


def test_token_grows_old(clock: Clock) -> None:
    token = HANDLES.sign("job")
    clock.now += MAX_AGE
    assert HANDLES.verify(token) == "job"
    clock.now += 1
    with pytest.raises(BadTokenError):
        HANDLES.verify(token)


def test_token_of_a_server_whose_clock_is_ahead_is_good(clock: Clock) -> None:
    clock.now += 24 * 3600
    token = HANDLES.sign("job")
    clock.now -= 24 * 3600
    assert HANDLES.verify(token) == "job"


OWNERS = [None, "null", '"ada"', '"bob"', "1", '"1"', "", "ä"]


@pytest.mark.parametrize("owner", OWNERS)
def test_token_is_good_for_its_owner_alone(owner: str | None) -> None:
    signer = TokenSigner("secret")
    token = signer.sign("job", owner)
    for other in OWNERS:
        for _ in range(2):
            if other == owner:
                assert signer.verify(token, other) == "job"
            else:
                with pytest.raises(BadTokenError):
                    signer.verify(token, other)


def test_token_does_not_say_whose_it_is() -> None:
    assert len(HANDLES.sign("job", "ada")) == len(TOKEN)


def test_error_is_the_same_for_forged_and_old(clock: Clock) -> None:
    messages = set()
    old = HANDLES.sign("job")
    clock.now += MAX_AGE + 1
    for token in (old, "forged"):
        with pytest.raises(BadTokenError) as caught:
            HANDLES.verify(token)
        messages.add(str(caught.value))
    assert len(messages) == 1


def test_token_that_was_verified_before_gets_too_old_nevertheless(clock: Clock) -> None:
    signer = TokenSigner("secret")
    token = signer.sign("job")
    assert signer.verify(token) == signer.verify(token) == "job"
    clock.now += MAX_AGE + 2
    with pytest.raises(BadTokenError):
        signer.verify(token)


def test_what_is_remembered_of_tokens_is_bounded() -> None:
    signer = TokenSigner("secret")
    for _ in range(_REMEMBERED + 10):
        signer.verify(signer.sign(new_job_id()))
    assert len(signer._verified) <= _REMEMBERED
