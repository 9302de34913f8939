"""Long callbacks as tools of agents."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Annotated, Any
from unittest import mock

import dash
import pytest
from dash import ALL, MATCH, Input, Output, State, dcc, html

import dash_long_components as dlc
from dash_long_components.exceptions import StoreUnavailableError
from dash_long_components.testing import MemoryLongCallbackManager
from tests import backends
from tests.waiting import until

pytestmark = backends.agents
if backends.agents.args[0]:
    pytest.skip("Dash serves no agents", allow_module_level=True)

from dash.mcp import configure_mcp_server  # noqa: E402
from pydantic import Field  # noqa: E402

from dash_long_components.web import agents  # noqa: E402


class Site:
    """An app that serves agents, and one of them."""

    def __init__(self, backend: str, **options: Any) -> None:
        self.manager = MemoryLongCallbackManager(**options)
        self.app = dlc.Dash(
            __name__,
            enable_mcp=True,
            mcp_path="_dash-mcp",
            long_callback_manager=self.manager,
            **backends.options(backend),
        )
        self.app.layout = html.Div(
            [
                html.Button(id="run"),
                html.Label("Size", htmlFor="size"),
                dcc.Slider(id="size", min=1, max=9, value=4),
                *(dcc.Input(id={"i": i}, value=i) for i in range(2)),
                *(html.P(id=name) for name in "abc"),
            ]
        )

    def send(self, method: str, **params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = backends.send(self.app, "/_dash-mcp", json.dumps(body).encode())
        assert answer.status_code == 200, answer.text
        return answer.get_json()["result"]

    def tools(self) -> dict[str, Any]:
        return {tool["name"]: tool for tool in self.send("tools/list")["tools"]}

    def call(self, name: str, /, **arguments: Any) -> Any:
        result = self.send("tools/call", name=name, arguments=arguments)
        data = result["structuredContent"]
        assert result["isError"] == ("error" in data)
        return data


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Site]]:
    monkeypatch.setattr(agents, "WAIT", 0.2)
    monkeypatch.setattr(agents, "WAIT_WITH_THREAD", 0.2)
    made: list[Site] = []

    def make(backend: str = "flask", **options: Any) -> Site:
        made.append(Site(backend, **options))
        return made[-1]

    yield make
    for site in made:
        site.manager.close()


@pytest.fixture
def site(make: Callable[..., Site]) -> Site:
    return make()


@pytest.mark.parametrize("backend", backends.ALL)
def test_slow_job_goes_on_behind_its_token(
    make: Callable[..., Site], backend: str
) -> None:
    site = make(backend)
    go_on = threading.Event()

    @site.app.long_callback(Output("a", "children"), Input("run", "n_clicks"))
    def work(set_progress: Callable[..., None], clicks: int) -> str:
        set_progress(1, 2, "half")
        dlc.current_job().log("noted")
        assert go_on.wait(30)
        return f"after {clicks}"

    answer = site.call("work")
    assert answer["status"] == "running"
    assert answer["progress"] == [{"value": 1, "total": 2, "text": "half"}]
    assert answer["log"] == ["noted"]
    assert site.call("get_long_job", job=answer["job"])["status"] == "running"
    go_on.set()

    def end() -> Any:
        found = site.call("get_long_job", job=answer["job"])
        return found if found["status"] == "succeeded" else None

    assert until(end, timeout=20)["outputs"] == {"a.children": "after 1"}


def test_agent_of_another_user_can_not_tell_a_job_from_none(
    make: Callable[..., Site],
) -> None:
    users = ["ada"]
    site = make()
    dlc.init_app(site.app, site.manager, user=lambda: users[-1])
    go_on = threading.Event()

    @site.app.long_callback(Output("a", "children"), Input("run", "n_clicks"))
    def work(clicks: int) -> int:
        assert go_on.wait(30)
        return clicks

    token = site.call("work")["job"]
    users.append("eve")
    for tool in ("get_long_job", "cancel_long_job"):
        answers = [site.call(tool, job=each) for each in (token, "invented")]
        assert answers[0] == answers[1]
        assert answers[0]["status"] == "lost"
    (job,) = site.manager.jobs()
    assert job.status == "running"
    go_on.set()


def test_tool_has_names_types_and_defaults(site: Site) -> None:
    @site.app.long_callback(
        Output("a", "children"),
        inputs={
            "clicks": Input("run", "n_clicks"),
            "sizes": [State("size", "value"), State("size", "max")],
            "name": State("b", "title"),
            "many": State({"i": ALL}, "value"),
        },
    )
    def work(
        clicks: int,
        sizes: Any,
        name: Annotated[str, Field(description="Of a person.")],
        many: list[int],
    ) -> None:
        """Measure something."""

    @site.app.long_callback(
        Output({"i": MATCH}, "title"), Input({"i": MATCH}, "value"), mcp_enabled=True
    )
    def one(value: int) -> None: ...

    @site.app.long_callback(
        Output("b", "children"), Input("run", "n_clicks"), mcp_enabled=False
    )
    def hidden(_clicks: int) -> None: ...

    tools = site.tools()
    assert {"work", "one", agents.GET, agents.CANCEL} <= {*tools}
    assert "hidden" not in tools
    schema = tools["work"]["inputSchema"]
    assert [*schema["properties"]] == ["clicks", "sizes", "name", "many"]
    assert schema["required"] == ["name"]
    assert schema["properties"]["clicks"]["default"] == 1
    assert schema["properties"]["sizes"]["default"] == [4, 9]
    assert "Of a person." in schema["properties"]["name"]["description"]
    assert [each["value"] for each in schema["properties"]["many"]["default"]] == [0, 1]
    assert tools["one"]["inputSchema"]["required"] == ["value"]
    assert "Measure something." in tools["work"]["description"]


def test_unannotated_parameter_takes_what_its_component_takes(site: Site) -> None:
    site.app.long_callback(Output("a", "children"), Input("size", "value"))(
        lambda size: size
    )
    # A lambda has no name.
    schema = site.tools()["a_children"]["inputSchema"]["properties"]["size"]
    assert "number" in json.dumps(schema)
    assert "Labelled Size." in schema["description"]
    assert "max: 9." in schema["description"]
    assert schema["default"] == 4


def test_list_of_tools_runs_no_callback(site: Site) -> None:
    ran: list[str] = []
    site.app.callback(Output("size", "value"), Input("run", "n_clicks"))(
        lambda _clicks: ran.append("upstream")
    )
    site.app.long_callback(Output("a", "children"), Input("size", "value"))(
        lambda _size: ran.append("job")
    )
    assert agents.GET in site.tools()
    site.call("get_long_job", job="no token")
    assert ran.count("job") == 0


def test_arguments_reach_the_function_and_the_context(site: Site) -> None:
    @site.app.long_callback(
        Output("a", "children"),
        inputs={"sizes": [Input("size", "value"), Input("size", "max")]},
        state={"many": State({"i": ALL}, "value")},
    )
    def work(sizes: list[int], many: list[int]) -> list[Any]:
        return [sizes, many, sorted(dash.ctx.triggered_prop_ids)]

    outputs = site.call("work", sizes=[5, 6])["outputs"]
    assert outputs["a.children"] == [[5, 6], [0, 1], ["size.max", "size.value"]]
    outputs = site.call("work")["outputs"]
    assert outputs["a.children"] == [[4, 9], [0, 1], []]


def test_match_instance_is_that_of_the_id(site: Site) -> None:
    site.app.long_callback(Output({"i": MATCH}, "title"), Input({"i": MATCH}, "value"))(
        lambda value: f"{value}!"
    )
    (name,) = {*site.tools()} - {agents.GET, agents.CANCEL, "get_dash_component"}
    value = {"id": {"i": 1}, "property": "value", "value": 7}
    assert site.call(name, value=value)["outputs"] == {'{"i":1}.title': "7!"}


def test_callbacks_without_outputs_run(site: Site) -> None:
    ran: list[Any] = []
    for name in ("first", "second"):

        def work(value: int, own: str, name: str = name) -> None:
            ran.append((name, value, own))

        work.__name__ = name
        site.app.long_callback(Input("size", "value"), State("b", "title"))(work)
    assert site.call("second", value=3, own="x")["status"] == "succeeded"
    assert ran == [("second", 3, "x")]


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("work", {"sise": 1}, "work takes no sise. It takes size, name."),
        ("work", {}, "work needs name."),
        ("work", {"name": "x", "size": "no number"}, "ValueError: invalid literal"),
        ("pair", {"sizes": 1}, "sizes takes a list of 2 values, not 1."),
        ("prevented", {}, "has started no job"),
        (agents.GET, {}, "get_long_job needs the job of an earlier answer."),
        (agents.GET, {"job": "other"}, "does not know this job"),
    ],
)
def test_mistakes_are_named(
    site: Site, name: str, arguments: dict[str, Any], reason: str
) -> None:
    @site.app.long_callback(
        Output("a", "children"), Input("size", "value"), State("b", "title")
    )
    def work(size: Any, name: str) -> int:
        return int(size)

    @site.app.long_callback(
        Output("b", "children"),
        inputs={"sizes": [Input("size", "value"), Input("size", "max")]},
    )
    def pair(sizes: Any) -> None: ...

    @site.app.long_callback(
        Output("c", "children"),
        Input("run", "n_clicks"),
        Input("size", "max"),
        cancel=Input("run", "n_clicks"),
    )
    def prevented(_clicks: int, _max: int) -> None: ...

    answer = site.call(name, **arguments)
    assert reason in answer["error"]


def test_cached_result_comes_at_once(make: Callable[..., Site]) -> None:
    site = make(cache_by=[])
    ran: list[int] = []

    @site.app.long_callback(Output("a", "children"), Input("size", "value"))
    def work(size: int) -> int:
        ran.append(size)
        return size * 2

    for _ in range(2):
        assert site.call("work", size=3)["outputs"] == {"a.children": 6}
    assert ran == [3]


def test_old_result_comes_at_once_with_the_job_that_refreshes_it(
    make: Callable[..., Site],
) -> None:
    site = make(cache_by=[], expire=1e-6, stale_for=600)
    ran: list[int] = []

    @site.app.long_callback(Output("a", "children"), Input("size", "value"))
    def work(size: int) -> int:
        ran.append(size)
        return len(ran)

    def end(job: str) -> Any:
        found = site.call("get_long_job", job=job)
        return found if found["status"] == "succeeded" else None

    first = site.call("work", size=3)
    if first["status"] != "succeeded":
        until(lambda: end(first["job"]), timeout=20)
    answer = site.call("work", size=3)
    assert answer["status"] == "stale"
    assert answer["age"] >= 0
    assert answer["outputs"] == {"a.children": 1}
    assert until(lambda: end(answer["job"]), timeout=20)["outputs"] == {"a.children": 2}


def test_old_result_comes_with_the_reason_if_its_refresh_could_not_be_started(
    make: Callable[..., Site],
) -> None:
    site = make(cache_by=[], expire=1e-6, stale_for=600)

    @site.app.long_callback(Output("a", "children"), Input("size", "value"))
    def work(size: int) -> int:
        return size

    first = site.call("work", size=3)
    if first["status"] != "succeeded":
        until(
            lambda: site.call(agents.GET, job=first["job"])["status"] == "succeeded",
            timeout=20,
        )
    refusal = StoreUnavailableError("away")
    with mock.patch.object(site.manager, "submit", side_effect=refusal):
        answer = site.call("work", size=3)
    assert answer["status"] == "stale"
    assert answer["outputs"] == {"a.children": 3}
    assert answer["error"]
    assert "job" not in answer


def test_app_chooses_what_agents_see(site: Site) -> None:
    @site.app.long_callback(
        Output("a", "children"), Input("size", "value"), mcp_expose_docstring=False
    )
    def work(size: int) -> None:
        """Something secret."""

    @site.app.long_callback(
        Output("b", "children"), Input("size", "value"), mcp_enabled=True
    )
    def chosen(size: int) -> None: ...

    assert "secret" not in site.tools()["work"]["description"]
    configure_mcp_server(include_callbacks=False)
    try:
        assert {"chosen", agents.GET} <= {*site.tools()}
        assert "work" not in site.tools()
    finally:
        configure_mcp_server(include_callbacks=True)
