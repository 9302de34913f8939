"""The same function as an ordinary callback and as a long one, without a page.

The tests that use this do not state the answer of a long callback: it is
what Dash itself answers to the same request.
"""

from __future__ import annotations

import contextvars
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import dash
from dash import Input, Output, State, html
from werkzeug.test import Client, TestResponse

import dash_long_components as dlc
from dash_long_components import LongCallbackManager
from tests.waiting import until

#: A dependency as a page sends it; a list of them for a wildcard.
Item = Any


def item(dependency: Input | Output | State, value: Any = None) -> Item:
    """Return what a page sends for a dependency; Outputs have no value there."""
    sent = {"id": dependency.component_id, "property": dependency.component_property}
    if not isinstance(dependency, Output):
        sent["value"] = value
    return sent


@dataclass
class Outcome:
    """The outcome of a request.

    Attributes:
        response: property values by component; None if nothing is updated.
        props: what ``set_props`` set, by component.
        error: type and message of what was raised.
    """

    response: dict[str, Any] | None = None
    props: dict[str, dict[str, Any]] = field(default_factory=dict)
    error: tuple[str, str] | None = None

    def value(self, component: str = "out") -> Any:
        """Return the only value that the response has for a component."""
        assert self.response is not None, self.error
        (value,) = self.response[component].values()
        return value


class Twins:
    """Two apps that differ in one thing: the callbacks of one are long.

    Args:
        manager: runs the jobs.
        options: of ``dash.Dash``.
    """

    def __init__(self, manager: LongCallbackManager, **options: Any) -> None:
        self.plain = dash.Dash(__name__, **options)
        self.long = dlc.Dash(__name__, long_callback_manager=manager, **options)
        for app in (self.plain, self.long):
            app.layout = html.Div()
            app.server.testing = True
        self.handle: dict[str, Any] = {}
        self._seq = itertools.count(1)

    def callback(
        self, *dependencies: Any, **options: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a function with both apps."""

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            self.plain.callback(*dependencies, **options)(function)
            self.long.long_callback(*dependencies, **options)(function)
            return function

        return decorate

    def ask(self, *request: Any, **more: Any) -> tuple[Outcome, Outcome]:
        """Send the same request to both; see ``body``, and ``client``."""
        return self.ask_plain(*request, **more), self.ask_long(*request, **more)

    def ask_plain(self, *request: Any, **more: Any) -> Outcome:
        try:
            _, answer = self._post(self.plain, *request, **more)
        except Exception as error:
            return Outcome(error=(type(error).__name__, str(error)))
        if answer.status_code == 204:
            return Outcome()
        assert answer.json is not None
        return Outcome(answer.json["response"], answer.json.get("sideUpdate", {}))

    def ask_long(self, *request: Any, **more: Any) -> Outcome:
        return self.follow(*self.start(*request, **more))

    def start(self, *request: Any, **more: Any) -> tuple[Client, str]:
        """Start a job; returns who did, and its token."""
        client, answer = self._post(self.long, *request, **more)
        assert answer.json is not None, answer
        assert answer.json.get("response", {}) == {}
        patch = answer.json["sideUpdate"]["_dash-long-jobs"]["handles"]
        ((operation),) = patch["operations"]
        self.handle = operation["params"]["value"]
        return client, self.handle["token"]

    def follow(self, client: Client, token: str) -> Outcome:
        """Poll for a job to its end."""
        outcome = Outcome()
        cursor = 0

        def has_ended() -> bool:
            nonlocal cursor
            answer = client.post("/_dash-long-jobs/poll", json=[[token, cursor]])
            assert answer.json is not None, answer
            snapshot = answer.json.get("jobs", {}).get("0")
            if snapshot is None:
                return False
            cursor = snapshot["cursor"]
            for component, name, value in snapshot.get("props", []):
                outcome.props.setdefault(component, {})[name] = value
            if "result" in snapshot:
                outcome.response = snapshot["result"]["response"]
            if "error" in snapshot:
                outcome.error = (
                    snapshot["error"]["type"],
                    snapshot["error"]["message"],
                )
            return snapshot["status"] not in ("queued", "running")

        until(has_ended, timeout=20, poll=0.01)
        return outcome

    def _post(
        self,
        app: dash.Dash,
        outputs: Item,
        inputs: Sequence[Item],
        state: Sequence[Item] = (),
        *,
        triggered: Sequence[str] = (),
        callback: int = 0,
        query: str = "",
        cookie: str | None = None,
        headers: dict[str, str] | None = None,
        page: str | None = None,
    ) -> tuple[Client, TestResponse]:
        client = app.server.test_client()
        if cookie is not None:
            client.set_cookie("user", cookie)
        names = [name for name, each in app.callback_map.items() if "callback" in each]
        name = names[callback]
        # A long callback without Outputs may name its Inputs more than once.
        times = len(app.callback_map[name]["inputs"]) - len(inputs)
        seq = next(self._seq)
        body = {
            "output": name,
            "outputs": outputs,
            "inputs": [*inputs, *[inputs[0]] * times],
            "state": list(state),
            "changedPropIds": list(triggered),
            "longJob": {"page": page or f"page-{seq}", "seq": seq},
        }
        url = f"/_dash-update-component{query}"
        # As in a new thread: Dash leaves the last app in the context.
        post = contextvars.Context().run
        return client, post(client.post, url, json=body, headers=headers)
