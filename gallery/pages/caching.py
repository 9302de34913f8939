"""# Caching

With `cache_by` on its manager, equal calls share a cached result: the fifth click has
the inputs of the first, and gets its result at once. An equal call joins a job that is
still running, as a second tab of this page does.

With `expire=20`, a result is fresh for twenty seconds. With `stale_for=600`, a click in
the ten minutes after that shows the old result at once, while a job refreshes it.
"""

import time

import dash
import diskcache
from dash import Input, Output, html

from dash_long_components import DiskcacheLongCallbackManager, LongJob, long_callback
from gallery.frame import example

dash.register_page(
    __name__,
    name="Caching",
    description="A call with the same inputs gets the cached result at once.",
    order=13,
)

manager = DiskcacheLongCallbackManager(
    diskcache.Cache("./cache"), cache_by=[], expire=20, stale_for=600
)

demo = html.Div(
    [
        html.Div([html.P(id="caching-paragraph", children=["Button not clicked"])]),
        html.Button(id="caching-button", children="Run Job!"),
        LongJob(id="caching-job"),
    ]
)


@long_callback(
    output=(
        Output("caching-paragraph", "children"),
        Output("caching-button", "n_clicks"),
    ),
    inputs=Input("caching-button", "n_clicks"),
    running=[(Output("caching-button", "disabled"), True, False)],
    job="caching-job",
    manager=manager,
    prevent_initial_call=True,
)
def callback(n_clicks):
    time.sleep(2.0)
    return [f"Clicked {n_clicks} times"], n_clicks % 4


layout = example(__file__, demo)
