"""A site of any size, as queues before its parts.

Each web process and each Redis answers one request after the other, so each is a queue
with one server. Pages open at any time, so requests arrive at random (Poisson). How
long one takes varies as it was measured. Percentiles come from a simulation of the
queue: there is no formula for them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

#: Requests that are simulated for one queue.
REQUESTS = 200_000

#: Above this part of its time, a queue grows at each disturbance.
FULL = 0.8


@dataclass(frozen=True, kw_only=True)
class Costs:
    """CPU seconds on the machine of the measurement.

    Attributes:
        start: of a web process, for a click that starts a job.
        poll: of a web process on Flask, for a poll of one job.
        hold: of a process of FastAPI, for a page that waits for one second, the renewal
            of its poll included.
        news: of a process of FastAPI, for a poll that is answered with news.
        redis_poll: of Redis, for a poll.
        redis_job: of Redis, for everything else that a job needs.
        work: of a worker, for a job that does nothing.
        shape: times of single polls, divided by their mean.
    """

    start: float
    poll: float
    hold: float
    news: float
    redis_poll: float
    redis_job: float
    work: float
    shape: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Site:
    """A site.

    Attributes:
        pages: that wait for one job each.
        jobs: started per second.
        web: processes that serve pages.
        redis: processes, of a Cluster if there are several.
        interval: seconds between two polls of a page on Flask; None for FastAPI, which
            holds polls.
    """

    pages: float
    jobs: float
    web: int
    redis: int = 1
    interval: float | None = 1.0


@dataclass(frozen=True)
class Load:
    """What the pages of a site ask of it, per second."""

    site: Site
    costs: Costs

    @cached_property
    def polls(self) -> float:
        """Polls per second; on FastAPI, those that are answered with news."""
        site = self.site
        if site.interval is None:
            return 2 * site.jobs  # it runs; it has ended
        return site.pages / site.interval + site.jobs * early_polls(site.interval)

    @property
    def web(self) -> float:
        """The part of its time for which each web process computes."""
        site, costs = self.site, self.costs
        work = site.jobs * costs.start
        if site.interval is None:
            work += self.polls * costs.news + site.pages * costs.hold
        else:
            work += self.polls * costs.poll
        return work / site.web

    @property
    def redis(self) -> float:
        """The part of its time for which each Redis computes."""
        site, costs = self.site, self.costs
        work = self.polls * costs.redis_poll + site.jobs * costs.redis_job
        if site.interval is None:
            # A page renews its poll when the server has held it for 25 s.
            work += site.pages / 25 * costs.redis_poll
        return work / site.redis

    @property
    def workers(self) -> float:
        """CPUs that the workers need beside the functions of the jobs."""
        return self.site.jobs * self.costs.work

    def latency(self, quantile: float) -> float:
        """Return the seconds that a poll takes; infinite for an overloaded part."""
        if max(self.web, self.redis) >= 1:
            return math.inf
        site, costs = self.site, self.costs
        kind = costs.news if site.interval is None else costs.poll
        web = response_times(self.web / kind, kind, costs.shape)
        cost = costs.redis_poll
        redis = response_times(self.redis / cost, cost, costs.shape)
        return float(np.quantile(web + redis, quantile))

    def bottleneck(self) -> str:
        """Return the part to add to next."""
        return "web processes" if self.web >= self.redis else "Redis"


def early_polls(interval: float) -> float:
    """Return how many polls of a job come in addition to those at the interval.

    A page polls often for a job that is new (``web/routes.py``).
    """
    age = wait = 0.02
    count = 1
    while wait < interval:
        wait = max(0.02, age / 4) if age < 1 else max(0.25, age / 2)
        age += wait
        count += 1
    return count - age / interval


def response_times(rate: float, mean: float, shape: Sequence[float]) -> np.ndarray:
    """Return how long requests wait and take at a queue with one server, in seconds.

    Args:
        rate: requests per second.
        mean: seconds that one takes.
        shape: how that varies, around 1.
    """
    random = np.random.default_rng(1)
    service = mean * random.choice(np.asarray(shape), REQUESTS)
    between = random.exponential(1 / rate, REQUESTS)
    # Lindley: each waits for what is left of the work before it.
    work = np.concatenate([[0.0], np.cumsum(service[:-1] - between[1:])])
    return work - np.minimum.accumulate(work) + service


def enough(site: Site, costs: Costs) -> Site:
    """Return the site with as many processes as keep each part below ``FULL``."""
    one = Load(replace(site, web=1, redis=1), costs)
    return replace(
        site,
        web=max(1, math.ceil(one.web / FULL)),
        redis=max(1, math.ceil(one.redis / FULL)),
    )


def capacity(site: Site, costs: Costs) -> float:
    """Return for how many waiting pages, each with a minute's job, a site is enough."""
    low, high = 1.0, 1e9
    while high / low > 1.01:
        pages = math.sqrt(low * high)
        load = Load(replace(site, pages=pages, jobs=pages / 60), costs)
        low, high = (pages, high) if max(load.web, load.redis) < FULL else (low, pages)
    return low
