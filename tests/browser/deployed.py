"""Apps of ``apps`` on any manager, as they are deployed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.integration.brokers import Redis
from tests.integration.deployment import Setting, working
from tests.integration.servers import Server, command, serving

APPS = ROOT / "tests/browser/apps"


def setting_of(request: pytest.FixtureRequest) -> Setting:
    """Return the setting of a fixture with ``diskcache`` or ``celery`` as its param."""
    if request.param == "diskcache":
        return Setting()
    redis: Redis = request.getfixturevalue("redis")
    return Setting.celery(redis.database(), redis.database())


@contextmanager
def deployed(app: str, setting: Setting, folder: Path) -> Iterator[Server]:
    """Start an app, and a worker where its manager has any.

    Args:
        app: name of its module.
        setting: of its manager.
        folder: its ``FOLDER``.
    """
    environment = ["env", f"FOLDER={folder}"]
    web = command(str(APPS / f"{app}.py"), **setting.manager)
    with ExitStack() as stack:
        (folder / "web").mkdir()
        server = stack.enter_context(serving([*environment, *web], folder / "web"))
        if setting.has_workers:
            worker = setting.worker(app=f"{app}:celery_app", path=APPS)
            stack.enter_context(working([*environment, *worker], folder / "worker"))
        yield server
