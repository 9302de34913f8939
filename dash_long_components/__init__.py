"""Long callbacks for Dash: jobs that outlive the request that starts them.

``import dash_long_components as dash`` has all that ``dash`` has.
"""

from __future__ import annotations

from importlib.metadata import version as _version
from importlib.util import find_spec as _find_spec
from typing import Any as _Any

import dash as _dash

from ._imports_ import LongJob, LongJobButton, LongJobTray
from .admin import LongJobAdmin
from .app import Dash
from .core.health import Health
from .decorator.long_callback import long_callback
from .exceptions import JobCancelled, LongCallbackError, UnsuccessfulJobError
from .managers.base import LongCallbackManager
from .managers.base.job import Job
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
    "Health",
    "Job",
    "JobCancelled",
    "JobLogHandler",
    "LongCallbackError",
    "LongCallbackManager",
    "LongJob",
    "LongJobAdmin",
    "LongJobButton",
    "LongJobTray",
    "UnsuccessfulJobError",
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
    *(
        {
            "relative_package_path": name,
            "namespace": "dash_long_components",
            "dynamic": True,
        }
        for name in (
            "details.min.js",
            "held.min.js",
            "languages.min.js",
            "tray.min.js",
        )
    ),
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

_component: _Any
for _component in (LongJob, LongJobButton, LongJobTray):
    _component._js_dist = _js_dist
    _component._css_dist = _css_dist


def __getattr__(name: str) -> _Any:
    # Not for modules of our own that are not imported yet, such as ``testing``.
    if name.startswith("_") or _find_spec(f"{__name__}.{name}") is not None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_dash, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *(name for name in dir(_dash) if name[0] != "_")})
