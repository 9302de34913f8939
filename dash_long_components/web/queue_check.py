"""Tells of long callbacks whose queues do not exist."""

from __future__ import annotations

import logging

import dash

from ..bridge import marks
from ..exceptions import UnknownQueueError
from ..managers.base import LongCallbackManager

logger = logging.getLogger("dash_long_components")


class QueueCheck:
    """Checks each long callback of one app once.

    The decorator checks those that name their manager.
    """

    def __init__(self) -> None:
        self._checked: set[str] = set()

    def check(self, app: dash.Dash, default: LongCallbackManager | None) -> None:
        """Log the long callbacks whose queues their managers do not have.

        Args:
            app: has the callbacks.
            default: the manager of those that name none.
        """
        for callback_id, mark in marks.marked(app).items():
            manager = mark.manager or default
            if callback_id in self._checked or manager is None:
                continue
            self._checked.add(callback_id)
            try:
                manager.check_queue(mark.queue, mark.name)
            except UnknownQueueError as error:
                logger.error("%s", error)
