"""A logging handler that writes to the log of the current job."""

from __future__ import annotations

import logging

from . import current


class JobLogHandler(logging.Handler):
    """Writes log records to the log of the current job. Outside of jobs, does nothing.

    ``logging.getLogger("my_package").addHandler(JobLogHandler())`` adds it beside
    other handlers. Level, formatter and filters work as with any handler.
    """

    def emit(self, record: logging.LogRecord) -> None:
        job = current.find()
        if job is not None:
            try:
                job.log(self.format(record), record.levelno, record.created)
            except Exception:  # as logging's own handlers: no log call may raise
                self.handleError(record)
