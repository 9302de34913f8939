"""Threads that go on after an unexpected error: no one would start them again."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ....exceptions import StoreUnavailableError

logger = logging.getLogger("dash_long_components")


@contextmanager
def going_on(what: str, pause: float = 0.0) -> Iterator[None]:
    """Log an unexpected error, and go on.

    Args:
        what: names what has failed, with a capital letter.
        pause: seconds to wait after an error.

    Raises:
        StoreUnavailableError: that is expected.
    """
    try:
        yield
    except StoreUnavailableError:
        raise
    except Exception:
        logger.exception("%s has failed. Its thread goes on.", what)
        time.sleep(pause)
