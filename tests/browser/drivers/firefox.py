"""Firefox, by Marionette, and by WebDriver BiDi for what it logs."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from selenium.webdriver import FirefoxOptions, Remote
from selenium.webdriver.remote.command import Command
from websockets.sync.client import connect

from tests.browser.drivers.marionette import Marionette
from tests.waiting import until

PREFERENCES = {
    "marionette.port": 0,  # a free one
    # The tests' servers are on this machine.
    "network.disable-localhost-when-offline": True,
}

#: What Chromium logs as errors: messages, and requests that fail.
EVENTS = ["log.entryAdded", "network.responseCompleted", "network.fetchError"]

#: How a request ends whose page is left.
ABORTED = "NS_BINDING_ABORTED"


class Firefox(Remote):
    """A Firefox without a window, with a profile of its own."""

    def __init__(self) -> None:
        with ExitStack() as parts:
            folder = TemporaryDirectory(ignore_cleanup_errors=True)
            profile = Path(parts.enter_context(folder))
            (profile / "user.js").write_text(
                "".join(
                    f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
                    for name, value in PREFERENCES.items()
                )
            )
            parts.enter_context(_running(profile))
            port = until(lambda: _read(profile / "MarionetteActivePort"), timeout=60)
            self._marionette = Marionette(int(port), {"webSocketUrl": True})
            parts.callback(self._marionette.close)
            super().__init__(self._marionette, options=FirefoxOptions())
            self._events = parts.enter_context(
                connect(self.caps["webSocketUrl"], max_queue=None)
            )
            self._send("session.subscribe", events=EVENTS)
            self._parts = parts.pop_all()

    @staticmethod
    def is_installed() -> bool:
        return shutil.which("firefox-esr") is not None

    def quit(self) -> None:
        self._parts.close()

    def get_log(self, log_type: str) -> list[dict[str, Any]]:
        """Return the errors since the last call."""
        # An answer comes behind all events that happened before.
        return [
            entry for event in self._send("session.status") if (entry := _entry(event))
        ]

    def _send(self, method: str, **params: Any) -> list[dict[str, Any]]:
        """Send a command of BiDi; return the events before its answer."""
        self._events.send(json.dumps({"id": 1, "method": method, "params": params}))
        events = []
        while "id" not in (message := json.loads(self._events.recv(timeout=20))):
            events.append(message)
        assert message["type"] == "success", message
        return events

    def set_network(self, *, there: bool) -> None:
        """Cut the network, or restore it."""
        self._execute_in_browser(f"Services.io.offline = {json.dumps(not there)}")

    def reduce_motion(self) -> None:
        """Have the user ask for less motion."""
        self._execute_in_browser(
            "Services.prefs.setIntPref('ui.prefersReducedMotion', 1)"
        )

    def _execute_in_browser(self, script: str) -> None:
        """Execute a script with the rights of the browser itself."""
        error, _ = self._marionette.send("Marionette:SetContext", {"value": "chrome"})
        assert error is None, error
        try:
            self.execute(Command.W3C_EXECUTE_SCRIPT, {"script": script, "args": []})
        finally:
            self._marionette.send("Marionette:SetContext", {"value": "content"})


@contextmanager
def _running(profile: Path) -> Iterator[None]:
    """Run a Firefox with a profile, and kill it at the end."""
    command = [
        *("firefox-esr", "--headless", "--no-remote", "--profile", str(profile)),
        *("--marionette", "--remote-debugging-port", "0"),
        # A script may set preferences and cut the network.
        "--remote-allow-system-access",
        *("--width", "1280", "--height", "900"),
    ]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet) as process:
        try:
            yield
        finally:
            process.kill()


def _read(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def _entry(event: dict[str, Any]) -> dict[str, Any] | None:
    """Return an event as Chromium would log it, if it is an error."""
    params = event["params"]
    if event["method"] == "log.entryAdded":
        # A page that goes away aborts its requests, Dash's own too.
        is_aborted = (params["text"] or "").startswith("AbortError: The operation was")
        if params["level"] != "error" or is_aborted:
            return None
        message = f"{params['source'].get('context')} {params['text']}"
    elif event["method"] == "network.fetchError":
        if params["errorText"] == ABORTED:
            return None
        message = f"{params['request']['url']} - {params['errorText']}"
    else:
        status = params["response"]["status"]
        if status < 400:
            return None
        message = f"{params['request']['url']} - status {status}"
    return {"level": "SEVERE", "message": message, "timestamp": params["timestamp"]}
