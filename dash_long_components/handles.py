"""Tokens: a job's id, signed, so that a browser can name a job but not invent one."""

from __future__ import annotations

import time

from itsdangerous import BadSignature, TimestampSigner

from .exceptions import BadHandleError

#: Seconds for which a token is good: it bounds how long a stolen one is of use, and is
#: to be longer than any job takes and is kept.
MAX_AGE = 30 * 24 * 3600

#: How many tokens are remembered to be good.
_REMEMBERED = 4096


class Handles:
    """Signs job ids and verifies tokens with one secret."""

    def __init__(self, secret: bytes | str) -> None:
        self._signer = TimestampSigner(secret, salt="dash-long-components.handle")
        self._verified: dict[str, tuple[str, float]] = {}

    def sign(self, job_id: str) -> str:
        """Return the token that stands for a job in the browser."""
        return self._signer.sign(job_id).decode()

    def verify(self, token: str) -> str:
        """Return the job id that a token names.

        Raises:
            BadHandleError: it is not one of ours, or it is too old; which of the
                two is nobody's business.
        """
        job_id, until = self._verified.get(token, ("", 0.0))
        if time.time() < until:
            return job_id
        try:
            signed, when = self._signer.unsign(
                token, max_age=MAX_AGE, return_timestamp=True
            )
            job_id = signed.decode()
        except (BadSignature, UnicodeError) as error:
            raise BadHandleError("The handle is not valid.") from error
        # A page sends the same tokens for as long as its jobs run.
        if len(self._verified) >= _REMEMBERED:
            self._verified.clear()
        self._verified[token] = (job_id, when.timestamp() + MAX_AGE)
        return job_id
