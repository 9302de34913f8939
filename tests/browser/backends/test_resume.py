"""Jobs go on through reloads, lost connections and the death of a server."""

from __future__ import annotations

from tests.browser import test_resume

page, site = test_resume.page, test_resume.site
failed_polls = test_resume.failed_polls
test_reload = test_resume.test_reload_goes_on_with_the_job
test_away = test_resume.test_job_that_ends_while_the_page_is_away_shows_its_result
test_network = test_resume.test_network_that_is_cut_and_restored
test_restart = test_resume.test_killed_server_that_comes_back
