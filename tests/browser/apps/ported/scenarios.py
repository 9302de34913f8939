"""What-if scenarios: one job for several buttons, with three progress Outputs.

Moved from ``background=True``. The callbacks are in a function that gets the ids.
"""

import os
import time
from typing import Any

import diskcache
from dash import Input, Output, State, ctx, dcc, html

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager

PREFIX = "core"

app = dash.Dash(
    __name__,
    long_callback_manager=DiskcacheLongCallbackManager(diskcache.Cache("./cache")),
    suppress_callback_exceptions=True,
)
server = app.server


def layout(prefix: str) -> html.Div:
    return html.Div(
        [
            dcc.Store(id=f"{prefix}-scenarios"),
            dcc.Store(id=f"{prefix}-selected"),
            dcc.Input(id=f"{prefix}-values", value="1, 2, 3"),
            html.Button("Add", id=f"{prefix}-add"),
            html.Button("Reset", id=f"{prefix}-reset"),
            html.Button("Stop", id=f"{prefix}-stop", disabled=True),
            html.Progress(id=f"{prefix}-bar", max="3"),
            html.P(id=f"{prefix}-phase"),
            html.P(id=f"{prefix}-detail"),
            html.P(id=f"{prefix}-status"),
            html.P(id=f"{prefix}-shown"),
        ]
    )


def register(app: dash.Dash, prefix: str) -> None:
    store = f"{prefix}-scenarios"

    @app.long_callback(
        Output(store, "data"),
        Output(f"{prefix}-selected", "data"),
        Output(f"{prefix}-status", "children"),
        Input(f"{prefix}-add", "n_clicks"),
        Input(f"{prefix}-reset", "n_clicks"),
        State(store, "data"),
        State(f"{prefix}-values", "value"),
        running=[
            (Output(f"{prefix}-add", "disabled"), True, False),
            (Output(f"{prefix}-reset", "disabled"), True, False),
            (Output(f"{prefix}-stop", "disabled"), False, True),
        ],
        progress=[
            Output(f"{prefix}-bar", "value"),
            Output(f"{prefix}-phase", "children"),
            Output(f"{prefix}-detail", "children"),
        ],
        progress_default=("0", "Idle", "Add a scenario."),
        cancel=[Input(f"{prefix}-stop", "n_clicks")],
        prevent_initial_call=True,
    )
    def change(
        set_progress: Any, _add: Any, _reset: Any, known: Any, values: str
    ) -> tuple[dict[str, float], str | None, str]:
        if ctx.triggered_id == f"{prefix}-reset":
            return {}, None, "No scenarios"
        total = 0.0
        numbers = values.split(",")
        for step, number in enumerate(numbers, 1):
            set_progress((str(step), "Simulating", f"Path {step} of {len(numbers)}"))
            total += float(number)
            time.sleep(0.3)
        scenarios = {**(known or {}), f"Scenario {len(known or {}) + 1}": total}
        name = list(scenarios)[-1]
        return scenarios, name, f"Computed {name}"

    @app.callback(Output(f"{prefix}-shown", "children"), Input(store, "data"))
    def show(scenarios: dict[str, float] | None) -> str:
        found = (scenarios or {}).items()
        return "; ".join(f"{name}: {total:g}" for name, total in found)


app.layout = layout(PREFIX)
register(app, PREFIX)

if __name__ == "__main__":
    app.run(port=os.environ["PORT"])
