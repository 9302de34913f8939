"""What ``dash-long-jobs doctor`` has found, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

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


def ok(text: str) -> Finding:
    return Finding(level="ok", text=text)


def warning(text: str, advice: str) -> Finding:
    return Finding(level="warning", text=text, advice=advice)


def error(text: str, advice: str) -> Finding:
    return Finding(level="error", text=text, advice=advice)
