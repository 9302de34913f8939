import time
import dash_long_components as dash
from dash import Patch, html
from dash_long_components import DiskcacheLongCallbackManager
from dash.dependencies import Input, Output

## Diskcache
import diskcache
cache = diskcache.Cache("./cache")
long_callback_manager = DiskcacheLongCallbackManager(cache)

app = dash.Dash(__name__, long_callback_manager=long_callback_manager)

app.layout = html.Div(
    [
        html.P(id="paragraph_id", children=["Button not clicked"]),
        html.Button(id="button_id", children="Run Job!"),
    ]
)

@app.long_callback(
    output=Output("paragraph_id", "children"),
    inputs=Input("button_id", "n_clicks"),
    prevent_initial_call=True,
)
def callback(n_clicks):
    yield ""
    for word in f"Clicked {n_clicks} times, told word by word".split():
        text = Patch()
        text += f"{word} "
        yield text
        time.sleep(0.2)


if __name__ == "__main__":
    app.run(debug=True)
