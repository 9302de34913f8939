"""# Jobs of a user

The app names its users (`long_callback_user`): here, each browser is one. So this tray
lists the jobs of all your tabs, also after they were closed. Start a job, open this
page in another tab, and cancel the job there. "Copy link" gives an address that opens
the job, for you alone.
"""

import time

import dash
from dash import Input, Output, html

from dash_long_components import LongJob, LongJobTray, current_job, long_callback
from gallery.frame import example

dash.register_page(
    __name__,
    name="Your jobs",
    description="The jobs of a user in all tabs and on all devices, and links to them.",
    order=13,
)

demo = html.Div(
    [
        html.Div([html.P(id="user-paragraph", children=["Button not clicked"])]),
        html.Button(id="user-button", children="Run Job!"),
        LongJob(id="user-job"),
        LongJobTray(
            id="user-tray", scope="user", badge=False, notify=False, toasts=False
        ),
    ]
)


@long_callback(
    output=Output("user-paragraph", "children"),
    inputs=Input("user-button", "n_clicks"),
    job="user-job",
    title="Count the minutes",
    prevent_initial_call=True,
)
def callback(n_clicks):
    for _ in current_job().track(range(60), text="Minutes"):
        time.sleep(0.5)
    return [f"Clicked {n_clicks} times"]


layout = example(__file__, demo)
