"""Only the server makes tokens, and each has one spelling."""

from __future__ import annotations

import string
import tracemalloc
from collections.abc import Iterator
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import TimestampSigner

from dash_long_components.core.ids import new_job_id
from dash_long_components.exceptions import BadTokenError
from dash_long_components.web.tokens import (
    CACHE_SIZE,
    MAX_AGE,
    MAX_LENGTH,
    TokenSigner,
    manager_of,
)

SIGNER = TokenSigner("secret")
TOKEN = SIGNER.sign("job", "memory")


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
    assert SIGNER.verify(SIGNER.sign(job_id, "memory")) == job_id


def test_secret_may_be_bytes() -> None:
    assert TokenSigner(b"secret").verify(TOKEN) == "job"


@pytest.mark.parametrize(
    "token",
    [
        *("", ".", "..", "job", "job.", "job..", "\0", "ä", "\ud800", "x" * 100_000),
        # A token holds the second in which it was made: it is no name for a test.
        pytest.param(
            TokenSigner("another secret").sign("job", "memory"), id="another secret"
        ),
        pytest.param(
            TimestampSigner("secret", salt="another salt").sign("memory.job").decode(),
            id="another salt",
        ),
        pytest.param(
            TimestampSigner("secret").sign("memory.job").decode(), id="no salt"
        ),
        pytest.param(TOKEN.replace("job", "jop"), id="another job"),
        pytest.param(f"x{TOKEN}", id="more before"),
        pytest.param(f"{TOKEN}x", id="more behind"),
        pytest.param(f"{TOKEN}.{TOKEN}", id="twice"),
        pytest.param(TOKEN.upper(), id="capitals"),
    ],
)
def test_forged_token_is_refused(token: str) -> None:
    with pytest.raises(BadTokenError):
        SIGNER.verify(token)


@pytest.mark.parametrize("length", range(len(TOKEN)))
def test_cut_token_is_refused(length: int) -> None:
    with pytest.raises(BadTokenError):
        SIGNER.verify(TOKEN[:length])


@given(st.text())
def test_any_other_text_is_refused(token: str) -> None:
    with pytest.raises(BadTokenError):
        SIGNER.verify(token)


def test_token_expires(clock: Clock) -> None:
    token = SIGNER.sign("job", "memory")
    clock.now += MAX_AGE
    assert SIGNER.verify(token) == "job"
    clock.now += 1
    with pytest.raises(BadTokenError):
        SIGNER.verify(token)


def test_token_of_a_server_with_a_clock_ahead_is_valid(clock: Clock) -> None:
    clock.now += 24 * 3600
    token = SIGNER.sign("job", "memory")
    clock.now -= 24 * 3600
    assert SIGNER.verify(token) == "job"


OWNERS = [None, "null", '"ada"', '"bob"', "1", '"1"', "", "ä"]


@pytest.mark.parametrize("owner", OWNERS)
def test_only_its_owner_can_use_a_token(owner: str | None) -> None:
    signer = TokenSigner("secret")
    token = signer.sign("job", "memory", owner)
    for other in OWNERS:
        for _ in range(2):
            if other == owner:
                assert signer.verify(token, other) == "job"
            else:
                with pytest.raises(BadTokenError):
                    signer.verify(token, other)


def test_token_does_not_reveal_its_owner() -> None:
    assert len(SIGNER.sign("job", "memory", "ada")) == len(TOKEN)


def test_forged_and_expired_tokens_have_the_same_error(clock: Clock) -> None:
    messages = set()
    old = SIGNER.sign("job", "memory")
    clock.now += MAX_AGE + 1
    for token in (old, "forged"):
        with pytest.raises(BadTokenError) as caught:
            SIGNER.verify(token)
        messages.add(str(caught.value))
    assert len(messages) == 1


def test_verified_token_expires_too(clock: Clock) -> None:
    signer = TokenSigner("secret")
    token = signer.sign("job", "memory")
    assert signer.verify(token) == signer.verify(token) == "job"
    clock.now += MAX_AGE + 2
    with pytest.raises(BadTokenError):
        signer.verify(token)


def test_token_names_its_manager() -> None:
    assert manager_of(TOKEN) == "memory"
    with pytest.raises(BadTokenError):
        SIGNER.verify(TOKEN.replace("memory", "celery"))


def spellings(token: str) -> Iterator[str]:
    """Return other texts that Base64 decoders take for the same signature."""
    signed, _, signature = token.rpartition(".")
    for junk in ("=", "==", " ", "\n", "!", "ä"):
        yield f"{token}{junk}"
        yield f"{signed}.{junk}{signature}"
        yield f"{signed}.{signature[:5]}{junk}{signature[5:]}"
    alphabet = string.ascii_letters + string.digits + "-_"
    yield from (f"{token[:-1]}{last}" for last in alphabet if last != token[-1])


def test_token_has_one_spelling() -> None:
    signer = TokenSigner("secret")
    assert signer.verify(TOKEN) == "job"
    for other in spellings(TOKEN):
        with pytest.raises(BadTokenError):
            signer.verify(other)


def test_long_text_is_refused_before_it_is_hashed() -> None:
    long = SIGNER.sign("x" * MAX_LENGTH, "memory")
    with pytest.raises(BadTokenError):
        SIGNER.verify(long)


def test_cache_of_tokens_is_bounded_by_its_bytes() -> None:
    signer = TokenSigner("secret")
    owner = "x" * 10_000
    tokens = [signer.sign("x" * 300 + str(i), "memory", owner) for i in range(10_000)]
    tracemalloc.start()
    for token in tokens:
        signer.verify(f"{token}", owner)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 2 * CACHE_SIZE


def test_digest_depends_on_the_text_and_on_the_secret() -> None:
    digests = {
        TokenSigner(secret).digest(text)
        for secret in ("secret", "another")
        for text in ("text", "other text")
    }
    assert len(digests) == 4
    assert TokenSigner("secret").digest("text") == TokenSigner(b"secret").digest("text")
