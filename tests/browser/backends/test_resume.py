"""Jobs go on through reloads, lost connections and the death of a server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import backends
from tests.browser import test_resume
from tests.browser.test_resume import APPS, Site
from tests.integration.servers import serving, with_settings

page, site = test_resume.page, test_resume.site
failed_polls = test_resume.failed_polls
test_reload = test_resume.test_reload_goes_on_with_the_job
test_away = test_resume.test_job_that_ends_while_the_page_is_away_shows_its_result
test_network = test_resume.test_network_that_is_cut_and_restored
test_restart = test_resume.test_killed_server_that_comes_back


@pytest.fixture(scope="module")
def site_of_module(
    backend: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp(backend)
    command = backends.command(backend, "resume:app.server", APPS)
    (folder / "web").mkdir()
    command = with_settings(["env", f"FOLDER={folder}", *command])
    with serving(command, folder / "web") as server:
        yield Site(server, folder)
