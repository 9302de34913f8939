"""The manager of all apps in this folder: Celery's, if ``REDIS`` names a database."""

import os

import diskcache

from dash_long_components import (
    CeleryLongCallbackManager,
    DiskcacheLongCallbackManager,
    LongCallbackManager,
)

#: Celery's command line looks for it.
celery_app = None


def make_manager() -> LongCallbackManager:
    global celery_app
    url = os.environ.get("REDIS")
    if url is None:
        return DiskcacheLongCallbackManager(diskcache.Cache("./cache"))
    from celery import Celery

    if celery_app is None:
        celery_app = Celery("site", broker=url, backend=url)
    return CeleryLongCallbackManager(celery_app)


if "REDIS" in os.environ:
    make_manager()
