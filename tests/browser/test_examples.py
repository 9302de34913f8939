"""The documented examples do in a browser what their sections promise."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from dash.testing.browser import Browser

from tests.browser.pages import ExamplePage
from tests.conftest import ROOT, AppProcess, StartApp
from tests.integration.brokers import Redis
from tests.integration.deployment import Setting, working
from tests.ports import free_port
from tests.waiting import until, until_equal

#: The example with progress names its port; the test gives it a free one.
NAMED_PORT = "port=8054"


@pytest.fixture(params=["diskcache", "celery"])
def start_example(
    request: pytest.FixtureRequest, start_app: StartApp, tmp_path: Path
) -> Iterator[StartApp]:
    """Start an example as it is, or with the documentation's lines for Celery."""
    with ExitStack() as stack:

        def start(script: str | Path) -> AppProcess:
            port = free_port()
            text = (ROOT / script).read_text().replace(NAMED_PORT, f"port={port}")
            folder = tmp_path / "example"
            folder.mkdir()
            example = folder / Path(script).name
            if request.param == "celery":
                redis: Redis = request.getfixturevalue("redis")
                text = on_celery(text)
                for database in ("0", "1"):
                    url = f"redis://localhost:6379/{database}"
                    text = text.replace(url, redis.database())
            example.write_text(text)
            if request.param == "celery":
                app = f"{example.stem}:celery_app"
                worker = Setting().worker("-c", "2", app=app, path=folder)
                stack.enter_context(working(worker, folder / "worker"))
            return start_app(example, port)

        yield start


def test_one_example_names_its_port() -> None:
    texts = [path.read_text() for path in (ROOT / "examples").glob("*.py")]
    assert sum(NAMED_PORT in text for text in texts) == 1
    assert sum("port=" in text for text in texts) == 1


def on_celery(text: str) -> str:
    """Give an example the Celery manager, as the documentation does it."""
    celery = (ROOT / "examples/celery_app.py").read_text()
    lines = celery[celery.index("from celery import") : celery.index("\napp = ")]
    before, _, after = text.partition("\n## Diskcache\n")
    _, _, after = after.partition("long_callback_manager = Diskcache")
    _, _, after = after.partition("\n")
    before = before.replace("import Diskcache", "import Celery")
    return f"{before}{lines}{after}"


def test_example_on_celery_is_the_documented_one() -> None:
    text = (ROOT / "examples/cancel.py").read_text()
    assert on_celery(text) == (ROOT / "examples/celery_app.py").read_text()


def test_simple_shows_how_often_the_button_was_clicked(
    browser: Browser, start_example: StartApp
) -> None:
    page = ExamplePage(browser, start_example("examples/simple.py").url)
    page.run()
    page.wait_for_result(1)
    page.run()
    page.wait_for_result(2)


def test_button_is_disabled_while_the_callback_runs(
    browser: Browser, start_example: StartApp
) -> None:
    page = ExamplePage(browser, start_example("examples/disable_button.py").url)
    page.wait_until_done()
    page.record(
        "body",
        "[!document.querySelector('#button_id').disabled,"
        " document.querySelector('#paragraph_id').textContent].join()",
    )
    page.run()
    page.wait_for_result(1)
    page.wait_until_done()
    seen = page.recorded("body")
    assert seen[:2] == ["true,Clicked None times", "false,Clicked None times"]
    assert seen[-1] == "true,Clicked 1 times"


def test_cancel_ends_the_job_and_leaves_the_text(
    browser: Browser, start_example: StartApp
) -> None:
    page = ExamplePage(browser, start_example("examples/cancel.py").url)
    page.wait_until_done()
    page.wait_until_disabled(page.CANCEL)
    page.click_when_enabled(page.RUN, page.CANCEL)
    page.wait_until_done()
    page.wait_until_disabled(page.CANCEL)
    assert page.result == "Clicked None times"

    # The next run ends after the time of the cancelled one, which has left nothing.
    page.record(page.TEXT, "element.textContent")
    page.run()
    page.wait_for_result(2)
    assert page.recorded(page.TEXT) == ["Clicked None times", "Clicked 2 times"]


def test_cancelled_job_has_no_process_left(
    browser: Browser, start_example: StartApp, tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    example = tmp_path / "cancel_with_pid.py"
    example.write_text(
        (ROOT / "examples/cancel.py")
        .read_text()
        .replace(
            "    time.sleep(2.0)\n",
            f"    open({str(pid_file)!r}, 'w').write(str(__import__('os').getpid()))\n"
            "    time.sleep(30.0 if n_clicks else 0.0)\n",
        )
    )
    page = ExamplePage(browser, start_example(example).url)
    page.wait_until_done()
    pid_file.unlink()

    page.run()
    until(lambda: pid_file.exists() and pid_file.read_text(), timeout=10)
    worker = psutil.Process(int(pid_file.read_text()))
    assert worker.pid != os.getpid()
    page.cancel()
    until(lambda: not worker.is_running(), timeout=10)
    page.wait_until_done()
    assert page.result == "Clicked None times"


def test_equal_call_comes_from_the_cache(
    browser: Browser, start_app: StartApp, tmp_path: Path
) -> None:
    example = tmp_path / "quick_caching.py"
    text = (ROOT / "examples/caching.py").read_text()
    example.write_text(text.replace("time.sleep(2.0)", "time.sleep(0.2)"))
    page = ExamplePage(browser, start_app(example).url)
    for clicks in range(1, 5):
        page.wait_until_done()
        page.run()
        page.wait_for_result(clicks)
    # Every result sets the clicks, which triggers the callback again.
    until(lambda: page.requests("_dash-update-component") == 10, timeout=20)

    page.record(page.RUN, "element.disabled")
    before = page.requests()
    for clicks in range(1, 5):
        page.run()
        page.wait_for_result(clicks)
        until_equal(lambda: page.requests() - before, clicks, timeout=20)
    assert page.recorded(page.RUN) == [False]


def test_progress_bar_moves_and_is_hidden_afterwards(
    browser: Browser, start_example: StartApp
) -> None:
    app = start_example("examples/progress_bar.py")
    page = ExamplePage(browser, app.url)
    page.wait_until_done()
    assert not page.is_visible(page.BAR)
    assert page.is_visible(page.TEXT)

    page.record(page.BAR, "element.getAttribute('value')")
    page.run()
    page.wait_until_running()
    assert page.is_visible(page.BAR)
    assert not page.is_visible(page.TEXT)
    page.wait_for_result(1)
    page.wait_until_done()
    assert not page.is_visible(page.BAR)
    assert page.is_visible(page.TEXT)

    *values, last = page.recorded(page.BAR)
    steps = [int(value) for value in values if value is not None]
    assert steps == sorted(set(steps))
    assert set(steps) <= set(range(1, 11))
    # A poll at least every second, a step every half of one, ten steps: on a machine
    # that has nothing else to do it is seven.
    assert len(steps) >= 2
    assert last is None


def test_progress_bar_is_reset_by_cancel(
    browser: Browser, start_example: StartApp
) -> None:
    app = start_example("examples/progress_bar.py")
    page = ExamplePage(browser, app.url)
    page.wait_until_done()
    page.run()
    bar = page.element(page.BAR)
    until(lambda: bar.get_attribute("value") not in (None, "", "0"), timeout=10)
    page.cancel()
    page.wait_until_done()
    assert not page.is_visible(page.BAR)
    assert page.result == "Clicked None times"


def test_plotly_bar_returns_to_its_default(
    browser: Browser, start_example: StartApp
) -> None:
    page = ExamplePage(browser, start_example("examples/progress_graph.py").url)
    page.wait_until_done()
    page.run()
    page.wait_until_running()
    until(lambda: page.bar_length > 0, timeout=10)
    assert page.is_visible(page.GRAPH)
    page.wait_for_result(1)
    page.wait_until_done()
    until(lambda: page.bar_length == 0, timeout=10)
    assert not page.is_visible(page.GRAPH)


def test_nothing_is_left_when_server_and_job_are_gone(
    dash_br: Browser, start_app: StartApp
) -> None:
    app = start_app("examples/simple.py")
    page = ExamplePage(dash_br, app.url)
    page.run()
    page.wait_for_result(1)
    app.terminate()
    until(lambda: app.processes() == [], timeout=15)
