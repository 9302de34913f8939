"""WebKit, by the WebDriver of WebKitGTK and its small browser."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import ExitStack
from glob import glob
from typing import Any

from selenium.webdriver import Remote, WebKitGTKOptions
from selenium.webdriver.remote.command import Command

from tests.ports import free_port, is_free
from tests.waiting import until

BROWSERS = "/usr/lib/*/webkit2gtk-4.*/MiniBrowser"

#: Notes down what Chromium logs as errors, from the first command on: WebKit writes no
#: messages of a page that is under automation.
_NOTE_ERRORS = """
if (window.__errors) return;
const errors = window.__errors = [];
const note = (...parts) => errors.push({
    level: 'SEVERE', message: parts.map(String).join(' '), timestamp: Date.now(),
});
const { error } = console;
console.error = (...parts) => { note(location, ...parts); error(...parts); };
window.addEventListener('error', ({ message }) => note(location, message));
window.addEventListener('unhandledrejection', ({ reason }) => note(location, reason));
const { fetch } = window;
window.fetch = async (...request) => {
    const response = await fetch(...request).catch(reason => {
        if (reason.name !== 'AbortError') note(request[0], '-', reason);
        throw reason;
    });
    if (response.status >= 400) note(request[0], '- status', response.status);
    return response;
};
"""

_TEXT = "return arguments[0].innerText.trim()"

#: After these commands the page may be another one.
_SHOWS_A_PAGE = (
    Command.GET,
    Command.REFRESH,
    Command.GO_BACK,
    Command.GO_FORWARD,
    Command.SWITCH_TO_WINDOW,
)


class WebKit(Remote):
    """MiniBrowser, on a display that no one sees."""

    def __init__(self) -> None:
        self._processes = ExitStack()
        try:
            port = free_port()
            self._start(
                ["WebKitWebDriver", f"--port={port}"],
                DISPLAY=f":{self._start_display()}",
                # Its sandbox does not start for root.
                WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS="1",
            )
            until(lambda: not is_free(port), timeout=20)
            options = WebKitGTKOptions()
            options.binary_location = glob(BROWSERS)[0]
            options.add_argument("--automation")
            # A script may open a tab, as it may in the other browsers under automation.
            options.add_argument("--javascript-can-open-windows-automatically=true")
            super().__init__(f"http://127.0.0.1:{port}", options=options)
            self.set_window_size(1280, 900)
        except BaseException:
            self._processes.close()
            raise

    @staticmethod
    def is_installed() -> bool:
        return bool(
            shutil.which("WebKitWebDriver") and shutil.which("Xvfb") and glob(BROWSERS)
        )

    def _start_display(self) -> str:
        """Start an X server, and return the number of its display."""
        server = self._start(
            ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x900x24"],
            stdout=subprocess.PIPE,
        )
        assert server.stdout is not None
        with server.stdout:
            return server.stdout.readline().decode().strip()

    def _start(
        self, command: list[str], stdout: int = subprocess.DEVNULL, **variables: str
    ) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.DEVNULL,
        )
        self._processes.callback(process.wait, timeout=10)
        self._processes.callback(process.kill)
        return process

    def quit(self) -> None:
        try:
            super().quit()
        finally:
            self._processes.close()

    def execute(self, driver_command: str, params: Any = None) -> dict[str, Any]:
        if driver_command == Command.GET_ELEMENT_TEXT and params:
            # The driver's own text lacks what is in a box with hidden overflow.
            element = self.create_web_element(params["id"])
            return self._run(_TEXT, element)
        answer: dict[str, Any] = super().execute(driver_command, params)
        if driver_command in _SHOWS_A_PAGE:
            self._run(_NOTE_ERRORS)
        return answer

    def get_log(self, log_type: str) -> list[dict[str, Any]]:
        """Return the errors since the last call."""
        script = "return (window.__errors ?? []).splice(0)"
        errors: list[dict[str, Any]] = self._run(script)["value"]
        return errors

    def _run(self, script: str, *args: Any) -> dict[str, Any]:
        """Return the answer of a script."""
        command = {"script": script, "args": list(args)}
        return self.execute(Command.W3C_EXECUTE_SCRIPT, command)
