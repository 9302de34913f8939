"""What ``dash-long-jobs doctor`` has found, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from ..exceptions import (
    BrokerUnavailableError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnavailableError,
)

#: Seconds after which a queue is not moving, or a worker or dispatcher is silent.
LONG = 60.0


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a check has found.

    Attributes:
        level: ``ok``, ``warning`` or ``error``.
        text: what was found.
        advice: what to do about it; "" if there is nothing to do.
    """

    level: str
    text: str
    advice: str = ""

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


Findings = Iterator[Finding]

_START = "Start it, and check its URL, port and password"

#: What to do about errors whose messages do not say it.
_ADVICE: dict[type[StoreError], str] = {
    BrokerUnavailableError: f"{_START}.",
    StoreUnavailableError: f"{_START}; or end what locks its file, such as a backup.",
    StoreFullError: "Free space on its disk.",
    StoreReadOnlyError: "Let the user of the app write to it and to its directory.",
}


def ok(text: str) -> Finding:
    return Finding(level="ok", text=text)


def warning(text: str, advice: str) -> Finding:
    return Finding(level="warning", text=text, advice=advice)


def error(text: str, advice: str) -> Finding:
    return Finding(level="error", text=text, advice=advice)


def outage(reason: StoreError) -> Finding:
    """Return that a job store or a broker can't be used."""
    return error(str(reason), _ADVICE.get(type(reason), ""))
