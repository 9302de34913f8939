"""The rules of the queue, without a manager."""

from __future__ import annotations

import pytest

from dash_long_components.core.queueing import has_expired, is_full


@pytest.mark.parametrize(
    ("waiting", "running", "full"),
    [
        (0, 0, False),
        (2, 0, False),  # both will find a free slot
        (3, 0, True),
        (0, 2, False),
        (1, 2, True),
        (1, 1, False),
        (0, 5, False),  # max_concurrency was lowered
        (1, 5, True),
    ],
)
def test_jobs_that_find_a_free_slot_do_not_fill_the_queue(
    waiting: int, running: int, full: bool
) -> None:
    load = {"waiting": waiting, "running": running}
    assert is_full(**load, max_concurrency=2, max_queue=1) is full


def test_queue_of_no_length_takes_what_can_start() -> None:
    options = {"max_concurrency": 1, "max_queue": 0}
    assert not is_full(waiting=0, running=0, **options)
    assert is_full(waiting=0, running=1, **options)
    assert is_full(waiting=1, running=0, **options)


def test_job_expires_after_its_queue_timeout() -> None:
    assert not has_expired(9.9, 10.0)
    assert has_expired(10.0, 10.0)
    assert not has_expired(1e9, None)
