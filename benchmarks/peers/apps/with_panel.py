"""The page of the comparison, with a pool of threads of Panel."""

import panel
from work import PLACES, report, run

panel.extension(nthreads=PLACES)

button = panel.widgets.Button(name="Run")
other = panel.widgets.Button(name="Ordinary")
out = panel.pane.Str("")
pong = panel.pane.Str("")
bar = panel.indicators.Progress(value=0, max=100)


def job(event):
    def set_progress(done, total):
        bar.param.update(value=done, max=total)

    out.object = run(set_progress)


def ordinary(event):
    pong.object = report("pong")


button.on_click(job)
other.on_click(ordinary)
panel.Column(button, other, out, pong, bar).servable()
