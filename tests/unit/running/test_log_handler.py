"""The log of a job has the records of its loggers."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from dash_long_components import JobLogHandler
from dash_long_components.core.bars import Bars
from dash_long_components.running import current
from dash_long_components.running.current import CurrentJob

logger = logging.getLogger("tests.log_handler")


@pytest.fixture
def handler() -> Iterator[JobLogHandler]:
    handler = JobLogHandler(logging.INFO)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.removeHandler(handler)


def listening_job() -> tuple[CurrentJob, list[str]]:
    lines: list[str] = []
    job = CurrentJob("job", "module.task")
    job.report_to(Bars(lambda: None), lines.append, print)
    return job, lines


def test_log_record_in_a_job_is_in_its_log(handler: JobLogHandler) -> None:
    job, lines = listening_job()
    logger.info("before")
    with current.entered(job):
        logger.info("%d rows", 3)
        logger.debug("too little")
        handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
        logger.warning("slow")
    logger.info("after")
    assert lines == ["3 rows", "WARNING: slow"]


def test_wrong_arguments_are_reported_as_by_any_handler(
    handler: JobLogHandler, capsys: pytest.CaptureFixture[str]
) -> None:
    job, lines = listening_job()
    with current.entered(job):
        handler.handle(logger.makeRecord("x", 20, "", 1, "%d rows", ("many",), None))
    assert lines == []
    assert "--- Logging error ---" in capsys.readouterr().err
