"""How a worker's end is told."""

from __future__ import annotations

import signal

import pytest

from dash_long_components.managers.app_code import AppCode
from dash_long_components.managers.dispatcher import Settings, _describe_exit


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (0, "exited with code 0"),
        (3, "exited with code 3"),
        (-signal.SIGKILL, "killed by SIGKILL"),
        (-signal.SIGTERM, "killed by SIGTERM"),
        pytest.param(
            -40,
            "40",
            marks=pytest.mark.xfail(
                strict=True, raises=ValueError, reason="not every signal has a name"
            ),
        ),
    ],
)
def test_end_is_told_in_one_line(code: int, said: str) -> None:
    text = _describe_exit(code)
    assert said in text
    assert "\n" not in text


def test_shortage_of_memory_is_guessed_from_sigkill_only() -> None:
    assert "memory" in _describe_exit(-signal.SIGKILL)
    assert "memory" not in _describe_exit(-signal.SIGTERM)


def test_settings_come_back_from_their_json() -> None:
    settings = Settings(
        directory="/somewhere",
        result_ttl=1.5,
        code="v1",
        max_concurrency=2,
        start_method="fork",
        app=AppCode(
            modules=["__main__"],
            main_path="/app.py",
            main_package=None,
            path=["/"],
            argv=["app.py"],
        ),
    )
    assert Settings.from_json(settings.to_json()) == settings
