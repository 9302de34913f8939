import time
import dash_long_components as dash
from dash import html
from dash_long_components import DiskcacheLongCallbackManager, LongJob
from dash.dependencies import Input, Output
from tqdm import tqdm

## Diskcache
import diskcache
cache = diskcache.Cache("./cache")
long_callback_manager = DiskcacheLongCallbackManager(cache)

app = dash.Dash(__name__, long_callback_manager=long_callback_manager)

app.layout = html.Div(
    [
        html.P(id="paragraph_id", children=["Button not clicked"]),
        html.Button(id="button_id", children="Run Job!"),
        LongJob(id="job_id"),
    ]
)

@app.long_callback(
    output=Output("paragraph_id", "children"),
    inputs=Input("button_id", "n_clicks"),
    job="job_id",
    prevent_initial_call=True,
)
def callback(n_clicks):
    for _ in tqdm(range(3), desc="Folders"):
        for _ in tqdm(range(10), desc="Files"):
            time.sleep(0.1)
    return [f"Clicked {n_clicks} times"]


if __name__ == "__main__":
    app.run(debug=True)
