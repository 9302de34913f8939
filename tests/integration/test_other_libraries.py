"""The examples of docs/parts.md with other libraries do what it says."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.conftest import ROOT
from tests.integration.page import Page
from tests.integration.servers import command, serving

PAGE = (ROOT / "docs/parts.md").read_text().partition("## Other libraries")[2]
BLOCKS = [block.partition("```\n")[0] for block in PAGE.split("```python\n")[1:]]

#: How the pages of these tests call Inputs.
AS_PAGE_CALLS = ('-run", "n_clicks"', '-in", "value"')

HEAD = """\
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
import os

from base import app

if __name__ == "__main__":
    app.run(port=os.environ["PORT"])
"""


#: The module that each example needs, by its Output.
MODULES = {"futures": "concurrent.futures", "joblib": "joblib", "dask": "distributed"}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page of an app with all examples whose library is installed."""
    folder = tmp_path_factory.mktemp("app")
    names = [name for name in MODULES if has(name)]
    (folder / "numbers_of_app.py").write_text(MODULE)
    (folder / "base.py").write_text(HEAD)
    for name in names:
        block = f"from base import *\n\n{block_of(name)}"
        (folder / f"with_{name}.py").write_text(block)
    imports = [f"import with_{name}\n" for name in names]
    (folder / "app.py").write_text("".join([*imports, FOOT]))
    with serving(command(str(folder / "app.py")), folder) as server:
        yield server.page()


def has(name: str) -> bool:
    return find_spec(MODULES[name]) is not None


def block_of(name: str) -> str:
    (block,) = [block for block in BLOCKS if f'Output("{name}"' in block]
    return block.replace(*AS_PAGE_CALLS)


@pytest.mark.parametrize("name", MODULES)
def test_example(page: Page, name: str) -> None:
    if not has(name):
        pytest.skip(f"{name} is not installed.")
    job = page.run(name, 1)
    assert job.status == "succeeded", job.snapshots
    assert job.result == sum(number * number for number in range(20))
    bars = [bar[:2] for s in job.snapshots for bar in s.get("bars", [])]
    assert bars[-1] == [20, 20]
