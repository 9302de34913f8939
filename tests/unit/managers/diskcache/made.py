"""The settings of a dispatcher that runs no app."""

from __future__ import annotations

from pathlib import Path

from dash_long_components.core.queueing import Sizes
from dash_long_components.managers.diskcache.dispatcher.settings import Settings
from dash_long_components.managers.diskcache.worker.app_code import AppCode


def settings_of(
    directory: Path | str, slots: int, code: str = "v1", result_ttl: float = 60
) -> Settings:
    return Settings(
        directory=str(directory),
        result_ttl=result_ttl,
        code=code,
        sizes=Sizes(slots),
        start_method="fork",
        results="",
        app=AppCode(path=[], argv=[]),
    )
