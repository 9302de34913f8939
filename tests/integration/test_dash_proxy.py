"""The transforms of dash-extensions meet the jobs of a DashProxy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.integration.brokers import Redis
from tests.integration.deployment import Setting, working
from tests.integration.page import Page
from tests.integration.servers import APPS, command, serving


@pytest.fixture(scope="module", params=["diskcache", "celery"])
def page(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    pytest.importorskip("dash_extensions")
    folder = tmp_path_factory.mktemp("proxy")
    (folder / "web").mkdir()
    setting = Setting()
    if request.param == "celery":
        redis: Redis = request.getfixturevalue("redis")
        setting = Setting.celery(redis.database(), redis.database())
    environment = ["env", f"FOLDER={folder / 'objects'}"]
    with ExitStack() as stack:
        web = [*environment, *command("proxy_app.py", **setting.manager)]
        server = stack.enter_context(serving(web, folder / "web"))
        if setting.has_workers:
            worker = setting.worker("-c", "1", app="proxy_app:celery_app", path=APPS)
            stack.enter_context(working([*environment, *worker], folder / "worker"))
        # An app of this kind knows its callbacks from the first page on.
        page = server.page()
        page.load()
        yield page


def test_value_stays_on_the_server(page: Page) -> None:
    cached = page.run("keep", 3).result
    assert cached.startswith("SERVERSIDE_")
    assert page.run("named", cached).result == 3 + 4


def test_annotation_makes_a_dataclass_of_a_dict(page: Page) -> None:
    assert page.run("shift", {"x": 1, "y": 2}).result == {"x": 2, "y": 2}


def test_function_gets_no_argument_for_a_trigger(page: Page) -> None:
    assert page.run("click", 1).result == "clicked"
