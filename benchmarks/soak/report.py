"""The figures of a soak, as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from .accounts import Accounts, Finding, by_kind
from .ledger import Ledger

#: Texts of one kind that are printed; the ledger has them all.
_SHOWN = 15

#: Kinds that are told even when there are none.
_ALWAYS = (
    "hung",
    "run twice",
    "beside another",
    "program left",
    "process left",
    "rows left",
    "late",
)


def report(manager: str, ledger: Ledger, accounts: Accounts) -> str:
    """Return the figures, and what is wrong."""
    return "\n".join(_lines(manager, ledger, accounts))


def _lines(manager: str, ledger: Ledger, accounts: Accounts) -> Iterator[str]:
    sent = sum(fault.signals for fault in ledger.faults)
    faults = Counter(fault.kind for fault in ledger.faults)
    yield f"{manager}: {len(ledger.clicks)} clicks, {sent} signals"
    yield f"  jobs:    {_counts(accounts.statuses)}"
    yield f"  clicks:  {_counts(accounts.answers)}"
    yield f"  faults:  {_counts(faults)}"
    found = Counter(finding.kind for finding in accounts.findings)
    for kind in _ALWAYS:
        found.setdefault(kind, 0)
    yield f"  wrong:   {_counts(found)}"
    yield f"  longest time over a bound: {accounts.worst_over:.1f} s"
    yield ""
    yield "  bound   longest  measured  over   what happens"
    for row in sorted(accounts.rows.values(), key=lambda row: row.what):
        yield (
            f"  {row.bound:5.1f} s {row.worst:6.1f} s {row.count:8} {row.over:6.1f} s "
            f" {row.what}"
        )
    yield from _section("Not promised:", accounts.allowed)
    yield from _section("Wrong:", accounts.findings)


def _counts(counts: Counter[str]) -> str:
    items = sorted(counts.items())
    return ", ".join(f"{count} {kind}" for kind, count in items) or "none"


def _section(title: str, findings: list[Finding]) -> Iterator[str]:
    if not findings:
        return
    yield ""
    yield title
    for kind, texts in by_kind(findings):
        yield f"  {len(texts)} {kind}"
        for text in texts[:_SHOWN]:
            yield f"    {text}"
        if len(texts) > _SHOWN:
            yield f"    and {len(texts) - _SHOWN} more"
