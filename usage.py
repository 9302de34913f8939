"""The gallery: every documented example live, its source beside it.

Run `python usage.py`, or `gunicorn usage:server`. `BACKEND=fastapi` or `quart` replaces
Flask: `BACKEND=fastapi uvicorn usage:server`. Where `CELERY_BROKER_URL` and
`CELERY_RESULT_BACKEND` name a broker and a result backend, jobs run on Celery's
workers: start one with `celery -A usage:celery_app worker`.
"""

import os
from pathlib import Path
from typing import Any

import flask

import dash_long_components as dash
from dash_long_components import (
    CeleryLongCallbackManager,
    DiskcacheLongCallbackManager,
    LongCallbackManager,
)
from gallery.frame import frame

HERE = Path(__file__).parent

long_callback_manager: LongCallbackManager
if "CELERY_BROKER_URL" in os.environ:
    from celery import Celery
    from kombu import Queue

    # It reads both names from the environment itself.
    celery_app = Celery("usage")
    # A worker takes jobs from all of them, unless its -Q names some.
    celery_app.conf.task_queues = [Queue("celery"), Queue("single")]
    long_callback_manager = CeleryLongCallbackManager(celery_app, keep_calls=True)
else:
    import diskcache

    cache = diskcache.Cache("./cache")
    long_callback_manager = DiskcacheLongCallbackManager(
        cache, queues={"single": 1}, keep_calls=True
    )

# Releases of Dash before 4.2 don't know the argument.
backend: Any = {"backend": os.environ["BACKEND"]} if "BACKEND" in os.environ else {}


def visitor() -> str | None:
    """Return the user: the gallery's script gives each browser a name in a cookie."""
    adapter = app.backend.request_adapter() if backend else flask.request
    return adapter.cookies.get("visitor")


app = dash.Dash(
    __name__,
    **backend,
    long_callback_manager=long_callback_manager,
    long_callback_user=visitor,
    # Everyone is an operator here. An app asks its login.
    long_callback_admin=lambda: True,
    use_pages=True,
    pages_folder=str(HERE / "gallery" / "pages"),
    assets_folder=str(HERE / "gallery" / "assets"),
    title="dash-long-components",
)
app.layout = frame()
server = app.server


if __name__ == "__main__":
    app.run()
