"""The parts of a job, one after the other and on their way between processes."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import pytest

from dash_long_components.core.records import Record
from dash_long_components.core.retries import Retries
from dash_long_components.exceptions import JobCancelled, JobRetry, PartError
from dash_long_components.running import parts
from dash_long_components.running.current import CurrentJob
from tests.unit.fakes import Reported, job_of


def square(number: int) -> int:
    return number * number


class Odd(LookupError):
    """Can't be made again of what it is pickled to."""

    retry_after = 0

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one)


def outcome_of(function: Any, item: Any = None) -> bytes:
    return parts.outcome_of(function, parts.sent("The item", item))


def error_of(outcome: bytes, number: int = 1, item: Any = 0) -> Any:
    result, error = parts.ended(outcome, number, item)
    assert result is None
    return error


def retried_job() -> CurrentJob:
    """Return a job that may have a second attempt."""
    retries = Retries(times=1)
    return CurrentJob(
        Record(id="1", task="t", code="", created=0.0, changed=0.0, retries=retries)
    )


def raise_(error: BaseException) -> Any:
    raise error


def test_parts_run_one_by_one_where_there_is_nothing_else() -> None:
    job = job_of()
    seen = []
    for result in job.map(square, itertools.count(), total=3, text="squares"):
        seen.append((result, job.bars.to_wire()))
        if len(seen) == 3:
            break
    assert seen == [(n * n, [[n + 1, 3, "squares"]]) for n in range(3)]


def test_length_of_the_items_is_the_total() -> None:
    job = job_of()
    assert list(job.map(square, [1, 2])) == [1, 4]
    assert job.bars.to_wire() == [[2, 2, None]]
    assert list(job.map(square, [])) == []


def test_exception_has_the_number_and_the_item_of_its_part() -> None:
    with pytest.raises(KeyError) as caught:
        list(job_of().map({1: 1}.__getitem__, [1, 2]))
    assert caught.value.__notes__ == ["(part 2: 2)"]


def test_cancelled_job_begins_no_further_part() -> None:
    job = job_of()
    job.report_to(Reported(check=lambda: raise_(JobCancelled())))
    with pytest.raises(JobCancelled):
        list(job.map(lambda _: pytest.fail("begun"), [1]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_workers": 0}, "max_workers takes a whole number above zero"),
        ({"total": -1.5}, r"map\(\) takes a number of items as its total"),
    ],
)
def test_refuses_what_it_can_not_take(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        job_of().map(square, [], **options)


def test_refuses_an_asynchronous_function() -> None:
    async def function(_: object) -> None: ...

    with pytest.raises(TypeError, match=r"Use asyncio\.run\(\)"):
        job_of().map(function, [])


@pytest.mark.parametrize("call", ["save", "ask"])
def test_part_can_not_speak_for_its_job(call: str) -> None:
    job = job_of()  # also without retries, and where no one can answer
    ask: Any = {"save": lambda _: job.save(1), "ask": lambda _: job.ask("?")}[call]
    with pytest.raises(RuntimeError, match=rf"A part of a job can't call {call}\(\)"):
        list(job.map(ask, [1]))
    error = error_of(outcome_of(ask))
    assert str(error).startswith(f"A part of a job can't call {call}()")


def test_checkpoint_belongs_to_the_job_itself() -> None:
    job = job_of()
    for result in job.map(lambda _: job.checkpoint, [1, 2]):
        assert result is None
        job.save(1)
    assert job.checkpoint == 1


def test_result_comes_back_as_it_was() -> None:
    outcome = outcome_of(lambda n: [n, {"a": 1}], 2)
    assert parts.ended(outcome, 1, 2) == ([2, {"a": 1}], None)


@pytest.mark.parametrize(
    "error", [KeyError("x"), SystemExit(3), JobRetry("soon", after=5.0)]
)
def test_exception_comes_back_with_its_traceback(error: BaseException) -> None:
    came = error_of(outcome_of(raise_, error), 7, "x")
    assert type(came) is type(error)
    assert came.args == error.args
    assert vars(came).get("after") == vars(error).get("after")
    assert came.__notes__ == ["(part 7: 'x')"]
    text = str(came.__cause__)
    assert "in raise_" in text
    assert "outcome_of" not in text


def test_exception_that_can_not_be_sent_comes_as_its_text() -> None:
    sent = Odd("one", "two")
    sent.retry_after = 20
    came = error_of(outcome_of(lambda _: raise_(sent)))
    assert isinstance(came, PartError)
    assert str(came) == "Odd: one"
    # Also after a second way, as of a part of a part.
    came = error_of(parts.failure_of(came))
    job = retried_job()
    for kind in (Odd, LookupError, PartError):
        assert (job.pause_after(came, (kind,)) or 0) >= 20
    assert job.pause_after(came, (OSError,)) is None


def test_exception_of_a_copied_class_is_known() -> None:
    def local() -> type[Exception]:
        class Local(Exception):
            pass

        return Local

    came = error_of(parts.failure_of(local()("x")))
    copied, other = local(), type("Local", (Exception,), {})
    assert not isinstance(came, copied)  # each process has one of its own
    assert retried_job().pause_after(came, (copied,)) is not None
    assert retried_job().pause_after(came, (other,)) is None


def test_result_that_can_not_be_sent_is_an_error() -> None:
    came = error_of(outcome_of(lambda _: threading.Lock()))
    assert isinstance(came, PartError)
    assert "Return data, or the name of a file" in str(came)


def test_item_that_can_not_be_sent_is_an_error() -> None:
    with pytest.raises(PartError, match="The item of part 2 can't be sent"):
        parts.sent("The item of part 2", threading.Lock())


def test_long_item_is_cut_and_a_bad_repr_does_no_harm() -> None:
    class Bad:
        def __repr__(self) -> str:
            raise ValueError

    assert len(parts.name_of(1, "x" * 1000)) < 60
    assert parts.name_of(1, Bad()).startswith("part 1: <Bad")
