"""The rules of queues: the next job, full queues, jobs that have expired."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..exceptions import UnknownQueueError
from . import quantities

#: Name of the queue of jobs that name none.
DEFAULT = "default"

#: The highest priority.
MAX_PRIORITY = 9

#: The size of a queue that a process does not know.
_UNKNOWN = 1

#: A limit: its name, and how many jobs may run under it.
Limit = tuple[tuple[str, ...], int]


@dataclass(frozen=True, kw_only=True)
class Scheduling:
    """How the jobs of a task share workers with other jobs.

    Attributes:
        queue: name of their queue.
        priority: of two jobs in a queue, the one with the higher priority starts first.
        concurrency: how many jobs of the group run at once; None for no limit.
        max_per_user: how many jobs of the group run at once for each user, while users
            share in rounds; None if users do not matter.
        group: name of the jobs that share these two limits; None if there are none.
    """

    queue: str = DEFAULT
    priority: int = 0
    concurrency: int | None = None
    max_per_user: int | None = None
    group: str | None = None

    @property
    def is_limited(self) -> bool:
        """Whether a job may have to wait although a worker is free."""
        return self.concurrency is not None or self.max_per_user is not None


#: The scheduling of jobs that ask for none.
PLAIN = Scheduling()


@dataclass(frozen=True, kw_only=True)
class QueuedJob:
    """A job that waits in a queue, or runs, as the rules see it.

    Attributes:
        id: of the job.
        task: name of its task.
        scheduling: of its task.
        user: its owner; "" if it has none.
        round: in each round every user of a queue starts one job; None if its users do
            not share in rounds.
    """

    id: str
    task: str
    scheduling: Scheduling = PLAIN
    user: str = ""
    round: int | None = None

    def limits(self, sizes: Sizes | None) -> Iterator[Limit]:
        """Return what limits how many jobs run beside this one, itself included.

        Args:
            sizes: of the queues; None if they have none.
        """
        mine = self.scheduling
        if sizes is not None:
            yield ("queue", mine.queue), sizes.of(mine.queue)
        if mine.concurrency is not None:
            yield ("group", str(mine.group)), mine.concurrency
        if mine.max_per_user is not None:
            yield ("user", str(mine.group), self.user), mine.max_per_user

    def fits(self, load: Counter[tuple[str, ...]], sizes: Sizes | None) -> bool:
        """Return whether no limit holds this job up.

        Args:
            load: how many jobs run under each limit, by its name.
            sizes: of the queues; None if they have none.
        """
        return all(load[name] < size for name, size in self.limits(sizes))

    @property
    def limited_by(self) -> Iterator[tuple[str, ...]]:
        """The names of all limits for which this job counts while it runs."""
        mine = self.scheduling
        yield ("queue", mine.queue)
        if mine.group is not None:
            yield ("group", mine.group)
            yield ("user", mine.group, self.user)


@dataclass(frozen=True)
class Sizes:
    """How many jobs of each queue run at once.

    Attributes:
        default: of the queue ``default``.
        others: of the other queues.
    """

    default: int
    others: Mapping[str, int] = field(default_factory=dict)

    def of(self, queue: str) -> int:
        """Return the size of a queue.

        A job may come from a server with a queue that this process does not know. Such
        a queue has one slot: the job must not wait for ever.
        """
        if queue == DEFAULT:
            return self.default
        return self.others.get(queue, _UNKNOWN)

    @property
    def total(self) -> int:
        """How many jobs run at once, over all queues."""
        return self.default + sum(self.others.values())

    @property
    def names(self) -> list[str]:
        """The names of all queues."""
        return [DEFAULT, *self.others]

    @classmethod
    def check(cls, queues: Any, max_concurrency: int | None, default: int) -> Sizes:
        """Return the sizes that a user gave to a manager.

        Args:
            queues: the option ``queues``: sizes by name, or None.
            max_concurrency: the option of that name; None if it was not given.
            default: the size of the queue ``default``, if no option has it.

        Raises:
            ValueError: one of them is of the wrong kind, or both have the size of one
                queue.
        """
        if max_concurrency is not None:
            default = quantities.count("max_concurrency", max_concurrency)
        if queues is None:
            return cls(default)
        if not isinstance(queues, Mapping):
            raise ValueError(
                'queues= takes a dict of sizes by name, like {"gpu": 1, "default": 4}, '
                f"not {queues!r}."
            )
        for name, size in queues.items():
            check_name("a name in queues=", name)
            quantities.count(f"queues[{name!r}]", size)
        if DEFAULT in queues and max_concurrency is not None:
            raise ValueError(
                f"queues= has the size {queues[DEFAULT]} of the queue 'default', and "
                f"max_concurrency= the size {max_concurrency}. Leave one of them out."
            )
        others = {name: size for name, size in queues.items() if name != DEFAULT}
        return cls(queues.get(DEFAULT, default), others)

    def require(self, queue: str, task: str) -> None:
        """Check that a queue exists.

        Raises:
            UnknownQueueError: it does not.
        """
        if queue not in self.names:
            names = ", ".join(map(repr, self.names))
            raise UnknownQueueError(
                f"{task} has queue={queue!r}, and the manager has the queues {names}. "
                f"Add queues={{{queue!r}: 1}} to the manager, or take one of those."
            )


def check_name(what: str, value: Any) -> str:
    """Return the name of a queue or group.

    Raises:
        ValueError: it is not a text without spaces around it, or an empty one.
    """
    if not isinstance(value, str) or not value or value != value.strip():
        raise ValueError(f'{what} takes a name, like "gpu", not {value!r}.')
    return value


def in_order(waiting: Iterable[QueuedJob]) -> list[QueuedJob]:
    """Return jobs in the order in which they start where no limit holds one up.

    The order of priorities comes first, then that of places. A job with
    ``max_per_user`` may give its place to another user's job: users share the places
    that they have together, one for each of them in a round.

    Args:
        waiting: in the order of their places.
    """
    jobs = sorted(waiting, key=lambda job: -job.scheduling.priority)
    sharing: dict[tuple[int, str], list[QueuedJob]] = {}
    for job in jobs:
        if job.round is not None:
            sharing.setdefault(_shares(job), []).append(job)
    by_round = {
        key: iter(sorted(those, key=lambda job: job.round or 0))
        for key, those in sharing.items()
    }
    return [job if job.round is None else next(by_round[_shares(job)]) for job in jobs]


def _shares(job: QueuedJob) -> tuple[int, str]:
    """Return what the jobs have in common that share their places."""
    return job.scheduling.priority, job.scheduling.queue


def next_job(
    waiting: Iterable[QueuedJob],
    running: Iterable[QueuedJob],
    sizes: Sizes | None = None,
) -> QueuedJob | None:
    """Return the job that starts next; None if none may start now.

    Args:
        waiting: of any queue, in the order of their places.
        running: all that hold a slot.
        sizes: of the queues; None if they have none.
    """
    load = _load(running)
    return next((job for job in in_order(waiting) if job.fits(load, sizes)), None)


def next_head(
    heads: Mapping[QueuedJob, int],
    running: Iterable[QueuedJob],
    sizes: Sizes,
    turn: Callable[[QueuedJob], int],
) -> QueuedJob | None:
    """Return what ``next_job`` returns, from the first waiting job of each kind.

    So a store need not read all jobs that wait. Both agree for three reasons, and
    ``test_next_job_is_that_of_the_rules_for_all_that_wait`` compares them:

    - Jobs of a kind have the same priority and limits. If the first may not start,
      none may.
    - Of jobs that share places, ``in_order`` begins with the first of the first round.
    - The others are in the order of the places at which it starts.

    Args:
        heads: the first jobs, with their places.
        running: all that hold a slot.
        sizes: of the queues.
        turn: returns the place at which a job starts, in the order of ``in_order``. It
            is called only where it decides.
    """
    load = _load(running)
    free = [job for job in heads if job.fits(load, sizes)]
    highest = max((job.scheduling.priority for job in free), default=0)
    urgent = [job for job in free if job.scheduling.priority == highest]
    first = _first_of_sharers(urgent, heads)
    return min(first, key=turn) if len(first) > 1 else next(iter(first), None)


def _first_of_sharers(
    jobs: Sequence[QueuedJob], places: Mapping[QueuedJob, int]
) -> list[QueuedJob]:
    """Return the jobs, but of those that share places only the first."""
    alone = [job for job in jobs if job.round is None]
    sharers = [job for job in jobs if job.round is not None]
    first: dict[tuple[int, str], QueuedJob] = {}
    for job in sorted(sharers, key=lambda job: (job.round or 0, places[job])):
        first.setdefault(_shares(job), job)
    return [*alone, *first.values()]


def _load(running: Iterable[QueuedJob]) -> Counter[tuple[str, ...]]:
    """Return how many jobs run under each limit, by its name."""
    return Counter(name for job in running for name in job.limited_by)


def next_round(
    job: QueuedJob, waiting: Iterable[QueuedJob], running: Iterable[QueuedJob]
) -> int:
    """Return the round of a new job whose users share in rounds.

    A new user starts in the current round.

    Args:
        job: the new one.
        waiting: all others that wait.
        running: all others that run.
    """
    waits, runs = _rounds(job, waiting), _rounds(job, running)
    present = max(
        (its for its, _ in runs), default=min((its for its, _ in waits), default=0)
    )
    own = [its + 1 for its, user in [*waits, *runs] if user == job.user]
    return max([present, *own])


def _rounds(job: QueuedJob, others: Iterable[QueuedJob]) -> list[tuple[int, str]]:
    """Return the rounds, with their users, of the jobs that share places with one."""
    return [
        (other.round, other.user)
        for other in others
        if other.round is not None and _shares(other) == _shares(job)
    ]


def is_full(
    *, waiting: int, running: int, max_concurrency: int, max_queue: int
) -> bool:
    """Return whether a queue has no room for one more job.

    Jobs that will find a free worker slot do not fill the queue.

    Args:
        waiting: jobs that are queued, those that wait in a lane included.
        running: jobs that have a worker slot.
        max_concurrency: worker slots.
        max_queue: jobs that may wait for one.
    """
    free = max(0, max_concurrency - running)
    return waiting - free >= max_queue


def has_expired(waited: float, queue_timeout: float | None) -> bool:
    """Return whether a queued job has waited for its ``queue_timeout``, in seconds."""
    return queue_timeout is not None and waited >= queue_timeout
