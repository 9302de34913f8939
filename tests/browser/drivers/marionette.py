"""Selenium's commands in Marionette, the protocol that Firefox itself speaks.

geckodriver does the same. Debian has no package of it.
"""

from __future__ import annotations

import json
import socket
from typing import Any

from selenium.webdriver.remote.command import Command

COMMANDS = {
    Command.CLEAR_ELEMENT: "ElementClear",
    Command.CLICK_ELEMENT: "ElementClick",
    Command.CLOSE: "CloseWindow",
    Command.DELETE_ALL_COOKIES: "DeleteAllCookies",
    Command.ELEMENT_SCREENSHOT: "TakeScreenshot",
    Command.FIND_CHILD_ELEMENT: "FindElement",
    Command.FIND_CHILD_ELEMENTS: "FindElements",
    Command.FIND_ELEMENT: "FindElement",
    Command.FIND_ELEMENTS: "FindElements",
    Command.GET: "Navigate",
    Command.GET_ALL_COOKIES: "GetCookies",
    Command.GET_CURRENT_URL: "GetCurrentURL",
    Command.GET_ELEMENT_ATTRIBUTE: "GetElementAttribute",
    Command.GET_ELEMENT_PROPERTY: "GetElementProperty",
    Command.GET_ELEMENT_RECT: "GetElementRect",
    Command.GET_ELEMENT_TAG_NAME: "GetElementTagName",
    Command.GET_ELEMENT_TEXT: "GetElementText",
    Command.GET_ELEMENT_VALUE_OF_CSS_PROPERTY: "GetElementCSSValue",
    Command.GET_PAGE_SOURCE: "GetPageSource",
    Command.GET_TITLE: "GetTitle",
    Command.GET_WINDOW_RECT: "GetWindowRect",
    Command.GO_BACK: "Back",
    Command.GO_FORWARD: "Forward",
    Command.IS_ELEMENT_ENABLED: "IsElementEnabled",
    Command.IS_ELEMENT_SELECTED: "IsElementSelected",
    Command.NEW_SESSION: "NewSession",
    Command.NEW_WINDOW: "NewWindow",
    Command.QUIT: "DeleteSession",
    Command.REFRESH: "Refresh",
    Command.SCREENSHOT: "TakeScreenshot",
    Command.SEND_KEYS_TO_ELEMENT: "ElementSendKeys",
    Command.SET_TIMEOUTS: "SetTimeouts",
    Command.SET_WINDOW_RECT: "SetWindowRect",
    Command.SWITCH_TO_WINDOW: "SwitchToWindow",
    Command.W3C_ACTIONS: "PerformActions",
    Command.W3C_CLEAR_ACTIONS: "ReleaseActions",
    Command.W3C_EXECUTE_SCRIPT: "ExecuteScript",
    Command.W3C_EXECUTE_SCRIPT_ASYNC: "ExecuteAsyncScript",
    Command.W3C_GET_ACTIVE_ELEMENT: "GetActiveElement",
    Command.W3C_GET_CURRENT_WINDOW_HANDLE: "GetWindowHandle",
    Command.W3C_GET_WINDOW_HANDLES: "GetWindowHandles",
}


class Marionette:
    """What Selenium calls a command executor: a connection to one Firefox.

    Args:
        port: where Firefox listens.
        capabilities: of the session, in place of those that Selenium asks for.
    """

    def __init__(self, port: int, capabilities: dict[str, Any]) -> None:
        self._capabilities = capabilities
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._reader = self._socket.makefile("rb")
        self._sent = 0
        self._receive()  # the greeting

    def execute(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        """Execute a command of Selenium, and answer as a WebDriver does."""
        params = {name: params[name] for name in params if name != "sessionId"}
        if command == Command.NEW_SESSION:
            params = self._capabilities
        elif command in (Command.FIND_CHILD_ELEMENT, Command.FIND_CHILD_ELEMENTS):
            params["element"] = params.pop("id")
        elif command == Command.SCREENSHOT:
            params["full"] = False
        error, value = self.send(f"WebDriver:{COMMANDS[command]}", params)
        if error is not None:
            return {"status": 500, "value": json.dumps({"value": error})}
        if isinstance(value, dict) and value.keys() == {"value"}:
            value = value["value"]
        return {"value": value}

    def send(self, name: str, params: dict[str, Any]) -> tuple[Any, Any]:
        """Send a command of Marionette, and return its error and its result."""
        self._sent += 1
        text = json.dumps([0, self._sent, name, params]).encode()
        self._socket.sendall(b"%d:%s" % (len(text), text))
        _, _, error, value = self._receive()
        return error, value

    def _receive(self) -> Any:
        length = b""
        while (byte := self._reader.read(1)) != b":":
            if not byte:
                raise ConnectionError("Firefox has closed the connection.")
            length += byte
        return json.loads(self._reader.read(int(length)))

    def close(self) -> None:
        self._reader.close()
        self._socket.close()
