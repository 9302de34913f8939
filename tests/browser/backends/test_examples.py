"""The documented examples: results, running, cancel, cache, progress, streaming."""

from __future__ import annotations

import pytest

from tests.browser import test_examples, test_progress
from tests.conftest import StartApp

test_simple = test_examples.test_simple_shows_how_often_the_button_was_clicked
test_running = test_examples.test_button_is_disabled_while_the_callback_runs
test_cancel = test_examples.test_cancel_ends_the_job_and_leaves_the_text
test_process = test_examples.test_cancelled_job_has_no_process_left
test_caching = test_examples.test_equal_call_comes_from_the_cache
test_progress_bar = test_examples.test_progress_bar_moves_and_is_hidden_afterwards
test_streaming = test_progress.test_each_listener_gets_the_stream_once


@pytest.fixture
def start_example(start_app: StartApp) -> StartApp:
    return start_app
