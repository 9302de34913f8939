"""A store with one job for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.managers.celery.made import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "backend")
