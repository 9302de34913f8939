"""Components of a library that neither server nor page knew before the job."""

from __future__ import annotations

import os
import sys

import pytest
from dash.testing.browser import Browser

from tests.browser.pages import Page
from tests.conftest import ROOT, StartApp

APPS = ROOT / "tests/browser/apps"


def test_component_of_a_library_that_only_the_job_has_imported(
    browser: Browser, start_app: StartApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(APPS), prepend=os.pathsep)
    # Several processes: another one than the job's server serves the file.
    gunicorn = [sys.executable, "-m", "gunicorn", "-w", "3", "-b", "127.0.0.1:{port}"]
    app = start_app([*gunicorn, "component_library:server"])
    page = Page(browser, app.url)
    for clicks in (1, 2):
        page.click("#run")
        page.wait_for_text("#out b", f"→ late {clicks} ←")
    scripts = "script[src*='late_library']"
    assert len(page.browser.find_elements(scripts)) == 1
