"""The server configures its log as it starts; jobs do so in a function of their own."""

import logging
import os

import diskcache
from dash import Input, Output, html

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager

logger = logging.getLogger("shop")
manager = DiskcacheLongCallbackManager(diskcache.Cache("./cache"))
app = dash.Dash(__name__, long_callback_manager=manager)
app.layout = html.Div([html.P(id="echo"), html.P(id="echo-in")])


@manager.worker_init
def configure() -> None:
    logging.basicConfig(format="from a job: %(message)s", level="INFO")


@app.long_callback(Output("echo", "children"), Input("echo-in", "value"))
def echo(value: str) -> str:
    logger.info("echo %s", value)
    return value


if __name__ == "__main__":
    logging.basicConfig(format="from the server: %(message)s", level="INFO")
    app.run(port=os.environ["PORT"])
