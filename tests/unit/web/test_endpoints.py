"""The endpoints follow their description for every request."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import given
from schemathesis import GenerationMode

from dash_long_components.core.job_errors import JobError
from dash_long_components.core.questions import Question
from dash_long_components.core.snapshots import Place, Snapshot
from dash_long_components.core.status import Status
from tests.conftest import ROOT
from tests.unit.target import ANSWER, CANCEL, POLL, Target

DESCRIPTION = schemathesis.openapi.from_path(ROOT / "docs/endpoints.yaml").raw_schema


@pytest.fixture(scope="module")
def endpoints(target: Target) -> Any:
    """The described endpoints, asked for jobs that there are as often as for others."""
    description = deepcopy(DESCRIPTION)
    schemas = description["components"]["schemas"]
    schemas["Token"] = {"anyOf": [{"enum": target.tokens}, schemas["Token"]]}
    schema = schemathesis.openapi.from_dict(description)
    schema.app = target.app.server
    return schema


def in_order(body: Any) -> Any:
    """To a schema 1.0 is an integer, and a name that comes twice is in order."""
    if isinstance(body, dict):
        return {"hold": int(body["hold"]), "jobs": in_order(body["jobs"])}
    return [[token, int(at)] for token, at in dict(body).items()]


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("path", [POLL, CANCEL, ANSWER])
def test_answers_are_as_described_and_change_nothing(
    target: Target, endpoints: Any, path: str, mode: GenerationMode
) -> None:
    operation = endpoints[path]["POST"]

    @given(operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        if path == POLL and mode is GenerationMode.POSITIVE:
            case.body = in_order(case.body)
        before = target.jobs()
        response = case.call_and_validate()
        if path == POLL or response.status_code != 204:
            assert target.jobs() == before

    ask()


@pytest.mark.parametrize(
    "snapshot",
    [
        Snapshot(
            cursor=1,
            status=Status.QUEUED,
            created=0,
            changed=0,
            waiting=2.5,
            place=Place(position=2, wait=None),
        ),
        Snapshot(
            cursor=1,
            status=Status.QUEUED,
            created=0,
            changed=0,
            place=Place(position=0, wait=7.5, attempt=(2, 4)),
        ),
        Snapshot(
            cursor=2,
            status=Status.RUNNING,
            created=0,
            changed=0,
            elapsed=1.25,
            estimate=10.0,
            durations=[9.87654, 10.0],
            progress=[["bar", "value", 3]],
            props=[[{"type": "note", "index": 1}, "children", {"props": {}}]],
            bars=[[0.5, 1, None], [3, None, "rows", {"unit": "B", "base": 1024}]],
            steps=[["Read", 0, "running", 1.5, 2], ["Fit", 0, "to_come", 0, 0]],
            log=[[1, "started", 1000.5], [2, "slow", 1001.0, 30]],
            title="data.csv",
            question=Question.make("1.1", "Go on?", ["yes", "no"], "no", 7.5).at(5),
        ),
        Snapshot(
            cursor=3,
            status=Status.SUCCEEDED,
            created=0,
            changed=0,
            result=b'{"response":{"out":{"children":1}}}',
            files=({"type": "js", "url": "library.js", "namespace": "library"},),
        ),
        Snapshot(
            cursor=4,
            status=Status.FAILED,
            created=0,
            changed=0,
            error=JobError(type="E", message="m", task="t", traceback="..."),
        ),
    ],
    ids=lambda snapshot: snapshot.status.value,
)
def test_snapshots_are_as_described(snapshot: Snapshot) -> None:
    description = {**DESCRIPTION, "$ref": "#/components/schemas/Snapshot"}
    jsonschema_rs.validate(description, json.loads(b"".join(snapshot.to_pieces())))
