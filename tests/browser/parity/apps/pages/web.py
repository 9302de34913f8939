"""A plain ``dash.Dash`` with pages, whose long callbacks are their modules' own."""

import dash
import diskcache
from dash import dcc, html

from dash_long_components import DiskcacheLongCallbackManager

app = dash.Dash(__name__, use_pages=True)
manager = DiskcacheLongCallbackManager(diskcache.Cache("./cache"))
manager.init_app(app)
server = app.server

app.layout = html.Div(
    [
        dcc.Link("Work", href="/", id="to-work"),
        dcc.Link("Other", href="/other", id="to-other"),
        dash.page_container,
    ]
)

if __name__ == "__main__":
    app.run(debug=True, use_reloader=False, dev_tools_hot_reload=False)
