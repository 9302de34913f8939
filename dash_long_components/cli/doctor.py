"""Looks for what goes wrong in practice, and says what to do."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable, Sequence
from typing import Any

from ..exceptions import StoreError
from ..managers.base import LongCallbackManager
from ..managers.celery.manager import CeleryLongCallbackManager
from ..managers.diskcache.manager import DiskcacheLongCallbackManager
from . import celery_checks, findings, store_checks
from .findings import Finding, Findings

Check = Callable[[Any], Findings]

#: Packages whose versions matter.
_PACKAGES = ("dash-long-components", "dash", "celery", "redis", "diskcache", "psutil")


def examine(managers: dict[str, LongCallbackManager]) -> list[Finding]:
    """Return what all checks find, in their order. A check that fails is a finding."""
    found = [*_versions()]
    for name, manager in managers.items():
        for checks in _checks_of(manager):
            found += _examine(name, manager, checks)
    return [*dict.fromkeys(found)]


def _examine(
    name: str, manager: LongCallbackManager, checks: Sequence[Check]
) -> Findings:
    """Yield what checks find, up to one for which the store or broker is missing."""
    for check in checks:
        try:
            yield from check(manager)
        except StoreError as error:
            yield findings.outage(error)
            return
        except Exception as error:  # each broker has exceptions of its own
            text = f"{name}: {check.__name__.strip('_')} can't be checked: {error}"
            yield findings.warning(text, "Check it by hand.")


def _checks_of(manager: LongCallbackManager) -> list[Sequence[Check]]:
    """Return groups of checks: the checks of a group need the same."""
    if isinstance(manager, DiskcacheLongCallbackManager):
        return [(*store_checks.ALL, _queue)]
    if isinstance(manager, CeleryLongCallbackManager):
        return [celery_checks.OF_BROKER, (*celery_checks.OF_BACKEND, _queue)]
    return [(_queue,)]


def _versions() -> Findings:
    found = [f"Python {sys.version.split()[0]}"]
    for package in _PACKAGES:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    yield findings.ok(", ".join(found))


def _queue(manager: LongCallbackManager) -> Findings:
    health = manager.health()
    waits = health.oldest_wait
    if waits is not None and waits > findings.LONG and not health.running:
        yield findings.error(
            f"{health.queued} jobs wait, the oldest for {waits:.0f} s, and none runs.",
            "Start what runs jobs: the server of the app, or workers.",
        )
    elif waits is not None and waits > findings.LONG:
        yield findings.warning(
            f"{health.queued} jobs wait, the oldest for {waits:.0f} s.",
            "Raise max_concurrency, or start more workers, if that is too long.",
        )
    else:
        yield findings.ok(f"{health.queued or 0} jobs wait.")
