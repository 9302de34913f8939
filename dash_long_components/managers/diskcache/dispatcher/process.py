"""The process of a dispatcher: how it begins, and how it exits without a store."""

from __future__ import annotations

import logging
import sys
import time

from ....exceptions import StoreError
from ...identity import Process
from ...store.store import Store
from .dispatcher import TICK, Dispatcher
from .settings import Settings
from .workers import Workers

logger = logging.getLogger("dash_long_components")

#: Exit code of a dispatcher that has no store: EX_TEMPFAIL of <sysexits.h>.
NO_STORE = 75


def main() -> None:
    """Run a dispatcher with the settings on standard input.

    Exits with ``NO_STORE`` if the store can't be used.
    """
    settings = Settings.from_json(sys.stdin.buffer.read())
    try:
        store = Store(settings.directory, settings.result_ttl)
        Dispatcher(settings, store, Workers(settings, store), Process.current()).run()
    except StoreError as error:
        logger.error("%s", error)
        # The next one would fail as well if it started at once.
        time.sleep(TICK)
        sys.exit(NO_STORE)
