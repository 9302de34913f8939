"""The gallery: every documented example live, its source beside it.

Run `python usage.py`, or `gunicorn usage:server`.
"""

from pathlib import Path

import diskcache

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager
from gallery.frame import frame

HERE = Path(__file__).parent

app = dash.Dash(
    __name__,
    long_callback_manager=DiskcacheLongCallbackManager(diskcache.Cache("./cache")),
    use_pages=True,
    pages_folder=str(HERE / "gallery" / "pages"),
    assets_folder=str(HERE / "gallery" / "assets"),
    title="dash-long-components",
)
app.layout = frame()
server = app.server


if __name__ == "__main__":
    app.run()
