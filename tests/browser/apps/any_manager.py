"""The manager of an app. ``SETTINGS`` has its options, those of Celery among them."""

import json
import os
from pathlib import Path
from typing import Any

import diskcache

from dash_long_components import (
    CeleryLongCallbackManager,
    DiskcacheLongCallbackManager,
    LongCallbackManager,
)

#: Where an app stores its jobs, and where a test and a job leave files for each other.
FOLDER = Path(os.environ["FOLDER"])


def make_manager(name: str, **options: Any) -> LongCallbackManager:
    """Make the manager of an app.

    Args:
        name: of the app's module.
        options: of the manager.
    """
    settings = json.loads(os.environ["SETTINGS"])
    if "celery" in settings:
        from celery import Celery

        app = Celery(name)
        app.conf.update(settings.pop("celery"))
        return CeleryLongCallbackManager(app, **options, **settings)
    # A job of each of three pages may run, and one that a page has just begun.
    cache = diskcache.Cache(FOLDER / "cache")
    return DiskcacheLongCallbackManager(cache, max_concurrency=4, **options)
