"""Jobs of all kinds for the soak. Each writes into a ledger what happens to it.

Its settings come from the environment: ``SETTINGS`` holds the manager's as JSON, and
those of Celery for the Celery manager. ``ledger`` among them is a folder with a file
for every run of a function: a file outlives the process that writes it.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import diskcache
from dash import Input, Output, html
from flask import request

import dash_long_components as dash
from dash_long_components import (
    CeleryLongCallbackManager,
    DiskcacheLongCallbackManager,
    LongCallbackManager,
    current_job,
)

settings = json.loads(os.environ["SETTINGS"])
ledger = Path(settings.pop("ledger"))
manager: LongCallbackManager
if "celery" in settings:
    from celery import Celery

    celery_app = Celery(__name__)
    celery_app.conf.update(settings.pop("celery"))
    manager = CeleryLongCallbackManager(celery_app, **settings)
else:
    manager = DiskcacheLongCallbackManager(diskcache.Cache("./cache"), **settings)
app = dash.Dash(
    __name__,
    long_callback_manager=manager,
    long_callback_user=lambda: request.cookies.get("user"),
)
server = app.server

BACKOFF = {"backoff": (0.1, 0.5)}

KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "brief": {"timeout": 1.5},
    "polite": {"cancel_grace": 1.0},
    "leaving": {"on_leave": "cancel", "leave_timeout": 4.0},
    "replace": {"on_retrigger": "replace"},
    "queue": {"on_retrigger": "queue"},
    "ignore": {"on_retrigger": "ignore"},
    "again": {"retries": 3, "retry_on": (ConnectionError, "lost"), **BACKOFF},
    "steps": {"retries": 20, "retry_on": "lost", **BACKOFF},
    "alone": {"concurrency": 1},
    "fair": {"max_per_user": 1},
    "paused": {},
}
app.layout = html.Div(
    [html.Div([html.P(id=name), html.P(id=f"{name}-in")]) for name in KINDS]
)

#: Seconds between two signs of life of a function.
BEAT = 0.1


class Run:
    """The ledger's file on one run of a function.

    Args:
        name: of the click that the job is for.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        path = ledger / "runs" / f"{name}.{uuid4().hex}"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        job = current_job()
        self.note("start", os.getpid(), os.getppid(), job.id, job.attempt)

    def note(self, event: str, *about: object) -> None:
        """Write a line at once: the process may be killed in the next moment."""
        line = json.dumps([event, time.monotonic(), *about])
        os.write(self._file, f"{line}\n".encode())

    def start_program(self, shape: str) -> None:
        """Start what goes on for ever unless something ends it."""
        if shape == "fork":
            self._fork()
            return
        # Its command line names the job. The pipe has no writer, so that it waits.
        pipe = ledger / "programs" / f"{self._name}.{shape}"
        with suppress(FileExistsError):  # of an earlier attempt
            os.mkfifo(pipe)
        command = ["cat", str(pipe)]
        if shape == "bare":
            # It leaves the group, the session and the environment of the job.
            command = ["env", "-i", "setsid", *command]
        program = subprocess.Popen(command, start_new_session=shape == "session")
        self.note("program", program.pid, shape)

    def _fork(self) -> None:
        if os.fork():
            return
        self.note("program", os.getpid(), "fork")
        # It has the command line of its parent: this is how it is found.
        (ledger / "programs" / f"{self._name}.fork.{os.getpid()}").touch()
        while True:
            time.sleep(1000)

    def close(self, how: str) -> None:
        self.note("end", how)
        os.close(self._file)


def work(set_progress: Callable[[object], None], value: dict[str, Any]) -> str:
    """Do what a click asks for, and note it."""
    run = Run(value["name"])
    try:
        for shape in value["programs"]:
            run.start_program(shape)
        end = time.monotonic() + value["seconds"]
        while (left := end - time.monotonic()) > 0:
            run.note("beat")
            if value["reports"]:
                set_progress(left)
            time.sleep(min(left, BEAT))
        if current_job().attempt <= value["refusals"]:
            raise ConnectionError(value["name"])
        if value["end"] == "raise":
            raise KeyError(value["name"])
        if value["end"] == "exit":
            os._exit(3)
    except BaseException as error:
        run.close(type(error).__name__)
        raise
    run.close("return")
    padding = "x" * 300_000 if value["end"] == "large" else ""
    return f"{value['name']}{padding}"


def steps(_set_progress: Callable[[object], None], value: dict[str, Any]) -> str:
    """Go through steps, and save after each how far it has come."""
    run, job = Run(value["name"]), current_job()
    try:
        for number in range(job.checkpoint or 0, value["steps"]):
            run.note("step", number)
            time.sleep(BEAT)
            job.save(number + 1)
    except BaseException as error:
        run.close(type(error).__name__)
        raise
    run.close("return")
    return str(value["name"])


# The names of tasks: groups have their jobs by them, and operators pause them.
def alone(set_progress: Callable[[object], None], value: dict[str, Any]) -> str:
    return work(set_progress, value)


def fair(set_progress: Callable[[object], None], value: dict[str, Any]) -> str:
    return work(set_progress, value)


def paused(set_progress: Callable[[object], None], value: dict[str, Any]) -> str:
    return work(set_progress, value)


FUNCTIONS = {"steps": steps, "alone": alone, "fair": fair, "paused": paused}

for name, options in KINDS.items():
    app.long_callback(
        Output(name, "children"),
        Input(f"{name}-in", "value"),
        progress=Output(name, "title"),
        **options,
    )(FUNCTIONS.get(name, work))

if __name__ == "__main__":
    sys.exit("Run it under gunicorn: python -m benchmarks.soak does.")
