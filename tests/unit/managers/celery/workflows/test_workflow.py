"""What a function on Celery may return instead of a result."""

from __future__ import annotations

from typing import Any

import celery
import pytest
from celery.result import AsyncResult, GroupResult

from dash_long_components.exceptions import JobWaits, WorkflowError
from dash_long_components.managers.celery.workflows.workflow import Workflow, resolve

APP = celery.Celery("app", broker="memory://", backend="cache+memory://")


def result(task_id: str, **options: Any) -> Any:
    return AsyncResult(task_id, app=APP, **options)


def workflow_of(value: object) -> Workflow:
    with pytest.raises(JobWaits) as caught:
        resolve(APP, value)
    found: Workflow = caught.value.workflow
    assert Workflow.from_text(found.to_text()) == found
    return found


def meta(value: object, status: str = "SUCCESS") -> dict[str, Any]:
    return {"status": status, "result": value}


@pytest.mark.parametrize("value", [None, 1, "text", [1], {"a": 1}])
def test_other_values_are_results(value: object) -> None:
    assert resolve(APP, value) is value


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
        resolve(APP, value)


def test_no_one_can_wait_for_a_task_of_another_backend() -> None:
    other = celery.Celery("other", broker="memory://", backend="rpc://")
    with pytest.raises(WorkflowError, match="Give both the same"):
        resolve(APP, AsyncResult("a", app=other))
