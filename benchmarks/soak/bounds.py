"""The bounds of ``docs/promise.md``, in seconds, as far as a soak can hold them."""

from __future__ import annotations

from dataclasses import dataclass

from .deployment import LEASE, LOST_WAIT

#: A page asks at least so often; it comes on top of every bound.
POLL = 1.0

#: The import of the soak's app, beside everything else that the machine does.
IMPORT = 5.0

#: After how long a cancelled function and its programs are gone.
CANCEL = 2.0

#: After how long a job's programs are gone when it has ended.
PROGRAMS = {"diskcache": 1.0, "redis": 2.0, "rabbitmq": 2.0}

#: After how long the time of a job with ``timeout`` is over.
TIMEOUT = 1.0

#: After how long a page that is gone counts as gone, beside ``leave_timeout``.
LEAVE = 2.0

#: Within how long a click is answered while its store stands still.
ANSWER = {"diskcache": 5.0, "redis": 10.0, "rabbitmq": 10.0}

#: How long a job may still be live after its function has returned.
RETURN = 1.0

#: How long a job may wait when one that came five seconds later has begun. On Celery
#: workers hold some jobs, and a lost message is sent again after three leases.
OVERTAKEN = {"diskcache": 10.0, "redis": 20.0, "rabbitmq": 20.0}

#: Seconds after the last fault in which everything comes to its end.
DRAIN = 90.0


@dataclass(frozen=True)
class Recovery:
    """Within how long everything goes on after something was away.

    Attributes:
        of_server: the web server.
        of_dispatcher: Diskcache's.
        of_store: Diskcache's, that was locked.
        of_broker: Celery's broker or backend.
    """

    of_server: float
    of_dispatcher: float = IMPORT
    of_store: float = 5.0
    of_broker: float = 15.0


def recovery(manager: str) -> Recovery:
    # Where dispatchers are, a server that was away has perhaps to start one.
    return Recovery(of_server=15.0 if manager == "diskcache" else 0.0)


def death(manager: str, *, of_parent: bool) -> float:
    """Return after how long a job whose process was killed is ``lost``.

    Args:
        manager: which one.
        of_parent: its dispatcher, or its worker's main process, was killed too.
    """
    if manager == "diskcache":
        return IMPORT if of_parent else RETURN
    return 3 * LEASE if of_parent else LOST_WAIT + 5.0
