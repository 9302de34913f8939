"""The settings reach the dispatcher as they are."""

from __future__ import annotations

from dash_long_components.core.queueing import Sizes
from dash_long_components.managers.diskcache.dispatcher.settings import Settings
from dash_long_components.managers.diskcache.worker.app_code import AppCode


def test_settings_come_back_from_their_json() -> None:
    settings = Settings(
        directory="/somewhere",
        result_ttl=1.5,
        code="v1",
        sizes=Sizes(2),
        start_method="fork",
        results="",
        app=AppCode(
            modules=["__main__"],
            main_path="/app.py",
            main_package=None,
            path=["/"],
            argv=["app.py"],
        ),
    )
    assert Settings.from_json(settings.to_json()) == settings
