"""Tokens: signed tickets. A browser can name its jobs, and invent no others."""

from __future__ import annotations

import hmac
import time

from itsdangerous import BadSignature, TimestampSigner

from ..exceptions import BadTokenError

#: The lifetime of a token, in seconds. It limits the use of a stolen token, and must be
#: longer than any job and its record live.
MAX_AGE = 30 * 24 * 3600

#: The size of the cache of verified tokens.
_REMEMBERED = 4096

_SALT = "dash-long-components.token"
_NOT_VALID = "The token is not valid."


class TokenSigner:
    """Signs tickets and verifies tokens with one secret."""

    def __init__(self, secret: bytes | str) -> None:
        self._secret = secret
        self._verified: dict[tuple[str, str | None], tuple[str, float]] = {}

    def sign(self, ticket: str, owner: str | None = None) -> str:
        """Return the token of a ticket.

        Args:
            ticket: of the job.
            owner: the user who may use the token; None for everyone who has it.
        """
        return self._signer(owner).sign(ticket).decode()

    def verify(self, token: str, owner: str | None = None) -> str:
        """Return the ticket that a token names.

        Raises:
            BadTokenError: it is forged, another user's, or too old. The message does
                not say which.
        """
        job_id, until = self._verified.get((token, owner), ("", 0.0))
        if time.time() < until:
            return job_id
        try:
            signed, when = self._signer(owner).unsign(token, return_timestamp=True)
            job_id = signed.decode()
        except (BadSignature, UnicodeError) as error:
            raise BadTokenError(_NOT_VALID) from error
        # Not by max_age of unsign(): it refuses tokens from the future, as those of a
        # server with a clock that is ahead, or before a clock was set back.
        until = when.timestamp() + MAX_AGE
        if time.time() > until:
            raise BadTokenError(_NOT_VALID)
        # A page sends the same tokens until its jobs end.
        if len(self._verified) >= _REMEMBERED:
            self._verified.clear()
        self._verified[token, owner] = (job_id, until)
        return job_id

    def digest(self, text: str) -> str:
        """Return a digest of a text that only holders of the secret can make."""
        key = self._secret if isinstance(self._secret, bytes) else self._secret.encode()
        return hmac.digest(key, f"{_SALT}.text:{text}".encode(), "sha256").hex()[:16]

    def _signer(self, owner: str | None) -> TimestampSigner:
        # The owner is part of the key, so that a token does not reveal its owner.
        salt = _SALT if owner is None else f"{_SALT}.owner:{owner}"
        return TimestampSigner(self._secret, salt=salt)
