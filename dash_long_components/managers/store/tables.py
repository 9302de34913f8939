"""The tables of a store, and the groups of columns of its job table."""

from __future__ import annotations

from ..identity import this_host
from .database import Database
from .durations import Durations
from .halted import Halted
from .handovers import Handovers
from .jobs import Jobs
from .keys import Keys
from .libraries import Libraries
from .queue import Queue
from .registry import Registry
from .requesters import Requesters
from .secret import Secret
from .slots import Slots


class Tables:
    """What reads and writes each table. See the classes of the attributes.

    Args:
        database: of all of them.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.jobs = Jobs(database)
        self.keys = Keys(database, self.jobs)
        self.queue = Queue(database)
        self.halted = Halted(database)
        self.handovers = Handovers(database)
        self.slots = Slots(database)
        self.requesters = Requesters(database)
        self.registry = Registry(database, this_host())
        self.durations = Durations(database)
        self.libraries = Libraries(database)
        self.secret = Secret(database)
