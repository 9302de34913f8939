"""Jobs that end without a result."""

from __future__ import annotations

import pytest

from tests.browser import test_errors
from tests.conftest import AppProcess, StartApp

page = test_errors.page
test_exception = test_errors.test_exception_is_named_in_console_and_server_log
test_other_ends = test_errors.test_other_ends_say_why


@pytest.fixture
def app(start_app: StartApp) -> AppProcess:
    return start_app(test_errors.APP)
