"""The accounts of a soak: what is wrong, and the times that were measured."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
    """Something that the promise does not allow.

    Attributes:
        kind: for the figures.
        text: which job or process, and what of it.
    """

    kind: str
    text: str


@dataclass
class Row:
    """One bound of the promise, and what was measured.

    Attributes:
        what: happens.
        bound: seconds.
        count: how often it was measured.
        worst: the longest time, in seconds, while nothing else was away.
        over: the longest time over its bound, in seconds; 0 if there is none.
    """

    what: str
    bound: float
    count: int = 0
    worst: float = 0.0
    over: float = 0.0


@dataclass
class Accounts:
    """The result of a soak.

    Attributes:
        findings: what is wrong.
        allowed: what looks wrong, and is documented as not promised.
        rows: the bounds, by what happens.
        statuses: how many jobs ended how.
        answers: how many clicks were answered how.
    """

    findings: list[Finding] = field(default_factory=list)
    allowed: list[Finding] = field(default_factory=list)
    rows: dict[str, Row] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)

    @property
    def worst_over(self) -> float:
        return max((row.over for row in self.rows.values()), default=0.0)

    def find(self, kind: str, text: str) -> None:
        self.findings.append(Finding(kind, text))

    def allow(self, kind: str, text: str) -> None:
        self.allowed.append(Finding(kind, text))


def by_kind(findings: Iterable[Finding]) -> Iterator[tuple[str, list[str]]]:
    """Yield the texts of findings, by their kinds."""
    found: dict[str, list[str]] = defaultdict(list)
    for finding in findings:
        found[finding.kind].append(finding.text)
    yield from sorted(found.items())
