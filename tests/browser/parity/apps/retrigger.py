"""One callback for each ``on_retrigger`` and each row.

A job goes on when the file that it waits for is there; ``jobs.log`` says what ran.
"""

import time
from pathlib import Path
from typing import Any

import diskcache
from dash import MATCH, Input, Output, ctx, html

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager

cache = diskcache.Cache("./cache")
manager = DiskcacheLongCallbackManager(cache, max_concurrency=16)
app = dash.Dash(__name__, long_callback_manager=manager)

POLICIES = ("replace", "queue", "parallel", "ignore")


def wild(kind: str, index: Any) -> dict[str, Any]:
    return {"type": kind, "index": index}


app.layout = html.Div(
    [
        html.Div(
            [
                html.Button("Run", id=wild(policy, index), className="run"),
                html.P(id=wild(f"{policy}-result", index), className="result"),
                html.P("idle", id=wild(f"{policy}-status", index), className="status"),
            ],
            className=f"{policy}-{index}",
        )
        for policy in POLICIES
        for index in range(2)
    ]
)


def note(what: str) -> None:
    with Path("jobs.log").open("a") as log:
        log.write(f"{what}\n")


def run(n_clicks: int) -> str:
    kind = ctx.triggered_id["type"]
    name = f"{kind} {ctx.triggered_id['index']} {n_clicks}"
    note(f"start {name}")
    while not Path(f"go {name}").exists():
        time.sleep(0.02)
    note(f"end {name}")
    return f"clicked {n_clicks}"


for policy in POLICIES:
    app.long_callback(
        Output(wild(f"{policy}-result", MATCH), "children"),
        Input(wild(policy, MATCH), "n_clicks"),
        running=[
            (Output(wild(f"{policy}-status", MATCH), "children"), "running", "idle")
        ],
        on_retrigger=policy,
        interval=200,
        prevent_initial_call=True,
    )(run)

if __name__ == "__main__":
    app.run(debug=True, use_reloader=False, dev_tools_hot_reload=False)
