"""A worker whose consumer may be hurt by commands."""

import importlib
import os
import time
from typing import Any

from celery.worker.control import control_command

celery_app = importlib.import_module("tasks_app").celery_app


@control_command()
def deafen(state: Any) -> None:
    """Take no messages any more, as after a connection that was made again badly."""
    state.consumer.task_consumer.cancel()
    print("deaf now", flush=True)


@control_command(args=[("name", str)])
def hang(_state: Any, name: str) -> None:
    """Hold the main thread while a file is there."""
    while os.path.exists(name):
        time.sleep(0.01)
