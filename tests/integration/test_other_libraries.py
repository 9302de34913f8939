"""The examples of docs/parts.md with other libraries do what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.integration.conftest import Serve
from tests.integration.servers import command

PAGE = (ROOT / "docs/parts.md").read_text().partition("## Other libraries")[2]
BLOCKS = [block.partition("```\n")[0] for block in PAGE.split("```python\n")[1:]]

#: How the pages of these tests call Inputs.
AS_PAGE_CALLS = ('-run", "n_clicks"', '-in", "value"')

HEAD = """\
import os

import diskcache
from dash import Input, Output, html

import dash_long_components as dash
from dash_long_components import current_job
from numbers_of_app import square

manager = dash.DiskcacheLongCallbackManager(diskcache.Cache("./cache"))
app = dash.Dash(__name__, long_callback_manager=manager)
app.layout = html.Div()


"""
#: A module of the app: the processes of joblib have no main file.
MODULE = """\
def square(number):
    return number * number
"""
FOOT = """

if __name__ == "__main__":
    app.run(port=os.environ["PORT"])
"""


@pytest.mark.parametrize(
    ("name", "module"),
    [("futures", None), ("joblib", "joblib"), ("dask", "distributed")],
)
def test_example(serve: Serve, tmp_path: Path, name: str, module: str | None) -> None:
    if module is not None:
        pytest.importorskip(module)
    (block,) = [block for block in BLOCKS if f'Output("{name}"' in block]
    script = tmp_path / "app.py"
    (tmp_path / "numbers_of_app.py").write_text(MODULE)
    script.write_text(HEAD + block.replace(*AS_PAGE_CALLS) + FOOT)
    page = serve(command(str(script))).page()
    job = page.run(name, 1)
    assert job.status == "succeeded", job.snapshots
    assert job.result == sum(number * number for number in range(20))
    bars = [bar[:2] for s in job.snapshots for bar in s.get("bars", [])]
    assert bars[-1] == [20, 20]
