"""Tokens: a ticket, signed, so that a browser can name a job but not invent one."""

from __future__ import annotations

import hmac
import time

from itsdangerous import BadSignature, TimestampSigner

from ..exceptions import BadTokenError

#: Seconds for which a token is good: it bounds how long a stolen one is of use, and is
#: to be longer than any job takes and is kept.
MAX_AGE = 30 * 24 * 3600

#: How many tokens are remembered to be good.
_REMEMBERED = 4096

_SALT = "dash-long-components.handle"
_NOT_VALID = "The handle is not valid."


class TokenSigner:
    """Signs tickets and verifies tokens with one secret."""

    def __init__(self, secret: bytes | str) -> None:
        self._secret = secret
        self._verified: dict[tuple[str, str | None], tuple[str, float]] = {}

    def sign(self, ticket: str, owner: str | None = None) -> str:
        """Return the token that stands for a ticket in the browser.

        Args:
            ticket: which one.
            owner: who may use the token; None for whoever has it.
        """
        return self._signer(owner).sign(ticket).decode()

    def verify(self, token: str, owner: str | None = None) -> str:
        """Return the ticket that a token names.

        Raises:
            BadTokenError: it is not one of ours, or somebody else's, or too old; which
                of these is nobody's business.
        """
        job_id, until = self._verified.get((token, owner), ("", 0.0))
        if time.time() < until:
            return job_id
        try:
            signed, when = self._signer(owner).unsign(token, return_timestamp=True)
            job_id = signed.decode()
        except (BadSignature, UnicodeError) as error:
            raise BadTokenError(_NOT_VALID) from error
        # Not by max_age of unsign(): a token of a server whose clock is ahead of this
        # one's, or was set back since, would not be good yet.
        until = when.timestamp() + MAX_AGE
        if time.time() > until:
            raise BadTokenError(_NOT_VALID)
        # A page sends the same tokens for as long as its jobs run.
        if len(self._verified) >= _REMEMBERED:
            self._verified.clear()
        self._verified[token, owner] = (job_id, until)
        return job_id

    def digest(self, text: str) -> str:
        """Return what tells a text from others, to whoever has the secret."""
        key = self._secret if isinstance(self._secret, bytes) else self._secret.encode()
        return hmac.digest(key, f"{_SALT}.text:{text}".encode(), "sha256").hex()[:16]

    def _signer(self, owner: str | None) -> TimestampSigner:
        # The salt goes into the key, so that nobody learns from a token whose it is.
        salt = _SALT if owner is None else f"{_SALT}.owner:{owner}"
        return TimestampSigner(self._secret, salt=salt)
