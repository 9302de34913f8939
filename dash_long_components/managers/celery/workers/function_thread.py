"""A thread beside a function that a process runs."""

from __future__ import annotations

import threading
from types import TracebackType


class FunctionThread:
    """Does something while a function runs. A context manager.

    A subclass has ``watch``, which returns soon after ``self.over`` is set.

    Attributes:
        over: set when the function has returned.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.over = threading.Event()

    def watch(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> None:
        threading.Thread(target=self.watch, name=self._name, daemon=True).start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.over.set()
