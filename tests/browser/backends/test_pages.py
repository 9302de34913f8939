"""Jobs across the pages of an app, in layouts of other libraries."""

from __future__ import annotations

from tests.browser import test_long_job_in_pages as pages

test_pages = pages.test_jobs_are_followed_across_pages_in_layouts_of_other_libraries
