"""What a function on Celery may return instead of a result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import celery
import pytest
from celery import chain, chord, group, signals
from celery.canvas import Signature
from celery.result import AsyncResult, GroupResult

from dash_long_components.exceptions import JobWaits, WorkflowError
from dash_long_components.managers.celery.workflows.workflow import Workflow, resolve

APP = celery.Celery("app", broker="memory://", backend="cache+memory://")


@APP.task
def add(*numbers: int) -> int:
    return sum(numbers)


@APP.task(ignore_result=True)
def forgotten(*_numbers: int) -> None:
    pass


class Log:
    """The order in which a workflow is announced, and its tasks are sent."""

    def __init__(self) -> None:
        self.announced: list[Workflow] = []
        self.sent: list[str] = []
        signals.before_task_publish.connect(self._note, weak=True)

    def announce(self, workflow: Workflow) -> None:
        assert not self.sent
        self.announced.append(workflow)

    def _note(self, headers: dict[str, Any], **_: Any) -> None:
        self.sent.append(headers["id"])


def unexpected(workflow: Workflow) -> None:
    raise AssertionError(f"{workflow} is announced, though it is sent.")


def result(task_id: str, **options: Any) -> Any:
    return AsyncResult(task_id, app=APP, **options)


def workflow_of(value: object) -> Workflow:
    with pytest.raises(JobWaits) as caught:
        resolve(APP, unexpected, value)
    found: Workflow = caught.value.workflow
    assert Workflow.from_text(found.to_text()) == found
    return found


def meta(value: object, status: str = "SUCCESS") -> dict[str, Any]:
    return {"status": status, "result": value}


@pytest.mark.parametrize("value", [None, 1, "text", [1], {"a": 1}])
def test_other_values_are_results(value: object) -> None:
    assert resolve(APP, unexpected, value) is value


def test_chord_waits_for_its_parts_too() -> None:
    header = GroupResult("group", [result("a"), result("b")], app=APP)
    found = workflow_of(result("body", parent=header))
    assert (found.shape, found.ids) == ("body", ["a", "b", "body"])
    assert found.value({each: meta(each) for each in found.ids}) == "body"


def test_group_in_a_group_has_lists_of_results() -> None:
    inner: Any = GroupResult("inner", [result("b"), result("c")], app=APP)
    found = workflow_of(GroupResult("outer", [result("a"), inner], app=APP))
    assert found.ids == found.wanted == ["a", "b", "c"]
    assert found.value({each: meta(each) for each in found.ids}) == ["a", ["b", "c"]]


def test_exception_of_any_task_is_that_of_the_workflow() -> None:
    found = Workflow(shape="b", ids=["a", "b"])
    with pytest.raises(KeyError, match="x"):
        found.value({"a": meta(KeyError("x"), "FAILURE"), "b": meta(None, "PENDING")})


def test_result_that_has_expired_is_an_error() -> None:
    found = Workflow(shape="a", ids=["a"], done=["a"])
    assert found.is_done
    with pytest.raises(WorkflowError, match="gone from the result backend"):
        found.value({"a": meta(None, "PENDING")})


def test_no_one_can_wait_for_a_result_that_is_ignored() -> None:
    value = result("a")
    value.ignored = True
    with pytest.raises(WorkflowError, match="Set ignore_result=False"):
        resolve(APP, unexpected, value)


#: Each has one task whose result is ignored.
FORGETFUL: dict[str, Callable[[], Signature]] = {
    "task": lambda: forgotten.s(),
    "signature": lambda: add.signature((1,), ignore_result=True),
    "in a group": lambda: group(add.s(1), forgotten.s()),
    "in a group of groups": lambda: group(add.s(1), group(add.s(1), forgotten.s())),
    "last of a chain": lambda: chain(add.s(1), add.s(), forgotten.s()),
    "first of a chain": lambda: chain(forgotten.s(1), add.s()),
    "last of a chain in a group": lambda: group(
        add.s(1), chain(add.s(1), forgotten.s())
    ),
    "body of a chord": lambda: chord([add.s(1), add.s(1)], forgotten.s()),
    "header of a chord": lambda: chord([add.s(1), forgotten.s()], add.s()),
    "body of a chord in a chord": lambda: chord(
        [chord([add.s(1), add.s(1)], forgotten.s()), add.s(1)], add.s()
    ),
    "after a group in a chain": lambda: chain(
        add.s(1), group(add.s(), add.s()), forgotten.s()
    ),
}


@pytest.mark.parametrize("shape", FORGETFUL)
def test_signature_with_a_result_that_is_ignored_is_not_sent(shape: str) -> None:
    log = Log()
    with pytest.raises(WorkflowError, match="Set ignore_result=False"):
        resolve(APP, log.announce, FORGETFUL[shape]())
    assert (log.announced, log.sent) == ([], [])


@pytest.mark.parametrize("shape", FORGETFUL)
def test_no_one_can_wait_for_a_result_that_is_ignored_in_what_was_sent(
    shape: str,
) -> None:
    value = FORGETFUL[shape]().apply_async()
    with pytest.raises(WorkflowError, match="Set ignore_result=False"):
        resolve(APP, unexpected, value)


def test_link_is_no_part_of_a_workflow() -> None:
    found = workflow_of(add.apply_async((1,), link=forgotten.s()))
    assert len(found.ids) == 1


@pytest.mark.parametrize(
    ("make", "ids", "wanted"),
    [
        (lambda: add.s(1), 1, 1),
        (lambda: group(add.s(number) for number in range(3)), 3, 3),
        (lambda: group(group(add.s(1), add.s(2)), add.s(3)), 3, 3),
        (lambda: chord([add.s(1), add.s(2)], add.s()), 3, 1),
        (lambda: chain(add.s(1), group(add.s(2), add.s(3))), 3, 2),
        (lambda: chain(group(add.s(1), add.s(2)), add.s()), 3, 1),
        (
            lambda: chord(
                [chain(add.s(1), add.s(2)), add.s(3)], chain(add.s(), add.s())
            ),
            5,
            1,
        ),
        (lambda: add.chunks([(1,), (2,), (3,)], 2), 2, 2),
    ],
)
def test_signature_is_announced_with_all_its_tasks_before_they_are_sent(
    make: Callable[[], Signature], ids: int, wanted: int
) -> None:
    log = Log()
    with pytest.raises(JobWaits) as caught:
        resolve(APP, log.announce, make())
    assert log.announced == [caught.value.workflow]
    found: Workflow = caught.value.workflow
    assert (len(found.ids), len(found.wanted)) == (ids, wanted)
    assert log.sent
    assert {*log.sent} <= {*found.ids}


def test_no_one_can_wait_for_a_task_of_another_backend() -> None:
    other = celery.Celery("other", broker="memory://", backend="rpc://")
    with pytest.raises(WorkflowError, match="Give both the same"):
        resolve(APP, unexpected, AsyncResult("a", app=other))
