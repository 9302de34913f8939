"""Long callbacks for Dash: jobs that outlive the request that starts them."""

from __future__ import annotations

from importlib.metadata import version as _version
from typing import Any as _Any

from ._imports_ import LongJob, LongJobTray
from .app import Dash
from .decorator.long_callback import long_callback
from .exceptions import JobCancelled, LongCallbackError
from .managers.base import LongCallbackManager
from .managers.celery.manager import CeleryLongCallbackManager
from .managers.diskcache.manager import DiskcacheLongCallbackManager
from .running.current import CurrentJob, current_job
from .running.log_handler import JobLogHandler
from .web.setup import init_app

__all__ = [
    "CeleryLongCallbackManager",
    "CurrentJob",
    "Dash",
    "DiskcacheLongCallbackManager",
    "JobCancelled",
    "JobLogHandler",
    "LongCallbackError",
    "LongCallbackManager",
    "LongJob",
    "LongJobTray",
    "current_job",
    "init_app",
    "long_callback",
]

__version__ = _version("dash-long-components")

_js_dist: list[dict[str, _Any]] = [
    {
        "relative_package_path": "dash_long_components.min.js",
        "namespace": "dash_long_components",
    },
    {
        "relative_package_path": "dash_long_components.min.js.map",
        "namespace": "dash_long_components",
        "dynamic": True,
    },
    {
        "dev_package_path": "proptypes.js",
        "dev_only": True,
        "namespace": "dash_long_components",
    },
]
_css_dist: list[dict[str, _Any]] = [
    {
        "relative_package_path": "dash_long_components.css",
        "namespace": "dash_long_components",
    },
]

LongJob._js_dist = LongJobTray._js_dist = _js_dist  # type: ignore[attr-defined]
LongJob._css_dist = LongJobTray._css_dist = _css_dist  # type: ignore[attr-defined]
