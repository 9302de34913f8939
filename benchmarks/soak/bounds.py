"""The bounds of ``docs/promise.md``, in seconds, as far as a soak can hold them."""

from __future__ import annotations

from dataclasses import dataclass

from tests.promises import bound_of, seconds_of

from .deployment import LEASE, LOST_WAIT

#: A page asks at least so often; it comes on top of every bound.
POLL = 1.0

#: The import of the soak's app, beside everything else that the machine does.
IMPORT = 5.0

#: How long a job may wait when one that came five seconds later has begun. On Celery
#: workers hold some jobs, and a lost message is sent again after three leases.
OVERTAKEN = {"diskcache": 10.0, "redis": 20.0, "rabbitmq": 20.0}

#: How long a job may still be live after its function has returned.
RETURN = 1.0

#: Seconds after the last fault in which everything comes to its end.
DRAIN = 90.0

_PAGE = "The page"
_SECTIONS = {"diskcache": "One machine (Diskcache)"}
_CELERY = "Many machines (Celery)"


def _seconds(test: str, manager: str, **values: float) -> float:
    """Return the bound of the row that names a test, in the section of a manager."""
    bound = bound_of(test, _SECTIONS.get(manager, _CELERY))
    values |= {"lease": LEASE, "worker_lost_wait": LOST_WAIT, "start": IMPORT}
    return seconds_of(bound, **values)


def cancel(manager: str) -> float:
    """Return after how long a cancelled function and its programs are gone."""
    return _seconds("test_cancel_kills_a_running_job_and_its_programs", manager)


def programs(manager: str) -> float:
    """Return after how long a job's programs are gone when it has ended."""
    if manager == "diskcache":
        return _seconds("test_programs_that_a_job_left_running_end_with_it", manager)
    return _seconds("test_programs_that_a_job_leaves_behind_end_with_it", manager)


def timeout(manager: str) -> float:
    """Return after how long a job whose ``timeout`` is over has ended."""
    test = "test_job_that_runs_for_too_long_is_killed_with_its_programs"
    return _seconds(test, manager, timeout=0.0)


def leave(leave_timeout: float) -> float:
    """Return after how long a job whose page is gone has ended."""
    bound = bound_of("test_job_ends_when_its_page_is_gone", _PAGE)
    return seconds_of(bound, leave_timeout=leave_timeout)


def answer(manager: str) -> float:
    """Return the bound for the answer to a click whose store does not respond."""
    if manager == "diskcache":
        test = "test_trigger_while_the_store_is_locked_fails_and_can_be_repeated"
        return _seconds(test, manager)
    return _seconds("test_trigger_fails_in_time_while_redis_hangs", manager)


def death(manager: str, *, of_parent: bool) -> float:
    """Return after how long a job whose process was killed is ``lost``.

    Args:
        manager: which one.
        of_parent: its dispatcher, or its worker's main process, was killed too.
    """
    if not of_parent:
        test = "test_job_is_lost_when_its_process_dies_and_says_why"
    elif manager == "diskcache":
        test = "test_job_is_lost_when_its_worker_and_dispatcher_are_killed"
    else:
        test = "test_job_of_a_killed_worker_is_lost_in_three_leases"
    return _seconds(test, manager)


@dataclass(frozen=True)
class Recovery:
    """Within how long everything goes on after something was away.

    Attributes:
        of_server: the web server.
        of_dispatcher: Diskcache's.
        of_store: Diskcache's, that was locked.
        of_broker: Celery's broker or backend.
    """

    of_server: float = 0.0
    of_dispatcher: float = 0.0
    of_store: float = 0.0
    of_broker: float = 0.0


def recovery(manager: str) -> Recovery:
    """Return within how long everything goes on, with a manager."""
    if manager != "diskcache":
        lost = "test_job_of_a_killed_worker_is_lost_though_the_server_restarts"
        return Recovery(
            of_server=_seconds(lost, manager) + IMPORT,
            of_broker=_seconds("test_jobs_go_on_when_redis_hung", manager),
        )
    dispatcher = _seconds("test_job_goes_on_when_its_dispatcher_is_killed", manager)
    return Recovery(
        # It has perhaps to start a dispatcher.
        of_server=seconds_of(bound_of("test_killed_server_that_comes_back", _PAGE)),
        of_dispatcher=dispatcher,
        of_store=_seconds("test_locked_store_holds_jobs_up_and_ends_none", manager),
    )
