"""The component libraries that results of jobs need."""

from __future__ import annotations

import logging
from dataclasses import replace

import dash

from ..bridge import internals
from ..core.job_errors import JobError
from ..core.snapshots import Snapshot
from ..core.status import Status
from .managers import Managers

logger = logging.getLogger("dash_long_components")


class Libraries:
    """Serves the component libraries that only jobs have imported.

    Args:
        app: of the pages.
        managers: of its jobs.
    """

    def __init__(self, app: dash.Dash, managers: Managers) -> None:
        self._app = app
        self._managers = managers

    def with_files(self, snapshot: Snapshot) -> Snapshot:
        """Return a snapshot with the files of the libraries that its result needs.

        A job whose library is missing on the server fails, so that the others of its
        page get their answer.
        """
        if not snapshot.libraries:
            return snapshot
        try:
            files = internals.library_files(self._app, snapshot.libraries)
        except ImportError as error:
            logger.error("%s", error)
            return replace(
                snapshot, status=Status.FAILED, result=None, error=_missing(error)
            )
        return replace(snapshot, files=tuple(files))

    def serve(self, package: str) -> None:
        """Prepare to serve a library, if a job has imported it."""
        is_served = internals.serves_library(self._app, package)
        if not is_served and self._managers.have_imported(package):
            internals.library_files(self._app, [package])


def _missing(error: ImportError) -> JobError:
    message = (
        f"The result needs a component library that the server can't import: {error}. "
        "Install it where the server runs, too."
    )
    return JobError(type="LibraryMissing", message=message, task="")
