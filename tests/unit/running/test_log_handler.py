"""The log of a job has the records of its loggers."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from dash_long_components import JobLogHandler
from dash_long_components.running import current
from dash_long_components.running.current import CurrentJob
from tests.unit.fakes import Reported, job_of

logger = logging.getLogger("tests.log_handler")


@pytest.fixture
def handler() -> Iterator[JobLogHandler]:
    handler = JobLogHandler(logging.INFO)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.removeHandler(handler)


def listening_job() -> tuple[CurrentJob, list[tuple[str, int, float]]]:
    reported = Reported()
    job = job_of()
    job.report_to(reported)
    return job, reported.lines


def test_log_record_in_a_job_is_in_its_log(handler: JobLogHandler) -> None:
    job, lines = listening_job()
    logger.info("before")
    with current.entered(job):
        logger.info("%d rows", 3)
        logger.debug("too little")
        handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
        record = logger.makeRecord("x", logging.WARNING, "", 1, "slow", (), None)
        record.created = 1000.0
        logger.handle(record)
    logger.info("after")
    assert [line[:2] for line in lines] == [("3 rows", 20), ("WARNING: slow", 30)]
    assert lines[1][2] == 1000.0


def test_wrong_arguments_are_reported_as_by_any_handler(
    handler: JobLogHandler, capsys: pytest.CaptureFixture[str]
) -> None:
    job, lines = listening_job()
    with current.entered(job):
        handler.handle(logger.makeRecord("x", 20, "", 1, "%d rows", ("many",), None))
    assert lines == []
    assert "--- Logging error ---" in capsys.readouterr().err
