"""A handler by which what a job logs stands in the log that its page shows."""

from __future__ import annotations

import logging

from . import current


class JobLogHandler(logging.Handler):
    """Adds what is logged in a job to the log of that job; elsewhere does nothing.

    ``logging.getLogger("my_package").addHandler(JobLogHandler())``, beside the
    handlers that there are. Level, formatter and filters work as with any other one.
    """

    def emit(self, record: logging.LogRecord) -> None:
        job = current.find()
        if job is not None:
            try:
                job.log(self.format(record))
            except Exception:
                self.handleError(record)
