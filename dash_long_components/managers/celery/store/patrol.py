"""The patrol: workers read the live jobs, as no page may ask for one.

A reader sends a job again whose message is lost, and ends one whose worker has died.
Most jobs have a page that polls for them. A job of a script may have no reader.
"""

from __future__ import annotations

from ..documents.documents import Documents
from ..documents.listings import Listings
from .turns import Turns

#: Jobs that are read at once.
BATCH = 200


class Patrol:
    """Reads the live jobs in turns, from the oldest to the newest.

    Args:
        documents: where the state is stored.
        listings: have the live jobs.
        lease: of the workers, in seconds. Each looks three times in a lease.
    """

    def __init__(self, documents: Documents, listings: Listings, lease: float) -> None:
        self._listings = listings
        self._turns = Turns(documents, "dash-long-jobs.patrol", lease / 6)

    def look(self) -> None:
        """Read the next batch, unless another worker has just read one."""
        count = self._listings.count_live()
        start = self._turns.take(count, BATCH) if count else None
        if start is not None:
            self._turns.go_back(self._listings.read_live(start, BATCH))
