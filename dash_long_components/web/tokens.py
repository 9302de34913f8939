"""Tokens: signed tickets. A browser can name its jobs, and invent no others."""

from __future__ import annotations

import hashlib
import hmac
import time

from itsdangerous import BadData, BadSignature, TimestampSigner
from itsdangerous.encoding import base64_decode, base64_encode

from ..exceptions import BadTokenError

#: The lifetime of a token, in seconds. It limits the use of a stolen token, and must be
#: longer than any job and its record live.
MAX_AGE = 30 * 24 * 3600

#: The longest token, in characters.
MAX_LENGTH = 512

#: The size of the cache of verified tokens, in bytes.
CACHE_SIZE = 2_000_000

#: Bytes of a cache entry besides its texts: the objects around them.
_OVERHEAD = 400

#: Ends the name of the manager in a token that only reads its job.
_VIEW = "-view"

_SALT = "dash-long-components.token"
_NOT_VALID = "The token is not valid."


class TokenSigner:
    """Signs tickets and verifies tokens with one secret."""

    def __init__(self, secret: bytes | str) -> None:
        self._secret = secret
        self._verified: dict[tuple[str, bytes], tuple[str, float]] = {}
        self._size = 0

    def sign(self, ticket: str, manager: str, owner: str | None = None) -> str:
        """Return the token of a ticket.

        Args:
            ticket: of the job.
            manager: name of the manager that the ticket is for; without a dot.
            owner: the user who may use the token; None for everyone who has it.
        """
        return self._signer(owner).sign(f"{manager}.{ticket}").decode()

    def sign_view(self, ticket: str, manager: str) -> str:
        """Return a token that reads a job and can't cancel it, for everyone who has it.

        Args:
            ticket: of the job.
            manager: name of the manager that the ticket is for.
        """
        return self.sign(ticket, f"{manager}{_VIEW}")

    def verify(self, token: str, owner: str | None = None) -> str:
        """Return the ticket of a token.

        Raises:
            BadTokenError: it is forged, another user's, or too old. The message does
                not say which.
        """
        if is_view(token):
            owner = None
        user = b"" if owner is None else hashlib.sha256(repr(owner).encode()).digest()
        key = (token, user)
        ticket, until = self._verified.get(key, ("", 0.0))
        if time.time() < until:
            return ticket
        if not _is_canonical(token):
            raise BadTokenError(_NOT_VALID)
        try:
            signed, when = self._signer(owner).unsign(token, return_timestamp=True)
        except BadSignature as error:
            raise BadTokenError(_NOT_VALID) from error
        # Not by max_age of unsign(): it refuses tokens from the future, as those of a
        # server with a clock that is ahead, or before a clock was set back.
        until = when.timestamp() + MAX_AGE
        if time.time() > until:
            raise BadTokenError(_NOT_VALID)
        ticket = signed.decode().partition(".")[2]
        self._remember(key, ticket, until)
        return ticket

    def digest(self, text: str) -> str:
        """Return a digest of a text that only holders of the secret can make."""
        key = self._secret if isinstance(self._secret, bytes) else self._secret.encode()
        return hmac.digest(key, f"{_SALT}.text:{text}".encode(), "sha256").hex()[:16]

    def _remember(self, key: tuple[str, bytes], ticket: str, until: float) -> None:
        # A page sends the same tokens until its jobs end.
        size = len(key[0]) + len(ticket) + _OVERHEAD
        if self._size + size > CACHE_SIZE:
            self._verified.clear()
            self._size = 0
        self._size += size
        self._verified[key] = (ticket, until)

    def _signer(self, owner: str | None) -> TimestampSigner:
        # The owner is part of the key, so that a token does not reveal its owner.
        salt = _SALT if owner is None else f"{_SALT}.owner:{owner}"
        return TimestampSigner(self._secret, salt=salt)


def manager_of(token: str) -> str:
    """Return the name of the manager in a token, which nothing has verified yet."""
    return token.partition(".")[0].removesuffix(_VIEW)


def is_view(token: str) -> bool:
    """Return whether a token, which nothing has verified yet, only reads its job."""
    return token.partition(".")[0].endswith(_VIEW)


def _is_canonical(token: str) -> bool:
    """Return whether a token has the only spelling that ``sign`` gives it.

    The signature covers the text before it. The signature itself is Base64, where
    decoders skip foreign characters and ignore the last bits.
    """
    if len(token) > MAX_LENGTH or not token.isascii():
        return False
    signature = token.rpartition(".")[2]
    try:
        return base64_encode(base64_decode(signature)).decode() == signature
    except BadData:
        return False
