"""The page of the comparison, with an event of Gradio in its queue."""

import os

import gradio
from work import PLACES, report, run


def job(progress=gradio.Progress()):  # noqa: B008 - Gradio's way to ask for it
    return run(lambda done, total: progress((done, total)))


with gradio.Blocks() as page:
    button = gradio.Button("Run")
    other = gradio.Button("Ordinary")
    out = gradio.Markdown()
    pong = gradio.Markdown()
    button.click(job, outputs=out, concurrency_limit=PLACES)
    other.click(lambda: report("pong"), outputs=pong)

page.launch(server_name="127.0.0.1", server_port=int(os.environ["PORT"]))
