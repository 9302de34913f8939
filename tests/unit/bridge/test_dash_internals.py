"""Names of Dash that it does not document: each is there, and in the architecture."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import dash
import pytest
from dash.development.base_component import Component

import dash_long_components
from tests.conftest import ROOT

PACKAGE = Path(dash_long_components.__file__).parent
BRIDGE = PACKAGE / "bridge"
SRC = ROOT / "src"
#: Old releases of Dash serve no agents.
HAS_AGENTS = importlib.util.find_spec("dash.mcp") is not None
TREES = [
    ast.parse(path.read_text())
    for path in sorted(BRIDGE.glob("*.py"))
    if HAS_AGENTS or not path.stem.startswith("mcp")
]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
TABLE = PAGE[PAGE.index("## What depends on Dash's internals") :]

#: The private attributes that the bridge uses of Dash's objects, and who has them.
ATTRIBUTES: dict[str, object] = {
    "_prepare_callback": dash.Dash,
    "_setup_server": dash.Dash,
    "_on_error": dash.Dash(__name__, server=False),
    "_dev_tools": dash.Dash(__name__, server=False),
    "_traverse": Component,
}
if HAS_AGENTS:
    ATTRIBUTES |= {
        "_mcp_path": dash.Dash(__name__, server=False),
        "_enable_mcp": dash.Dash(__name__, server=False),
        "_TOOL_PROVIDERS": importlib.import_module("dash.mcp.primitives.tools"),
        "_ALL_MCP_TOOL_PROVIDERS": importlib.import_module("dash.mcp._configure"),
        "_SOURCES": importlib.import_module("dash.mcp.primitives.tools.input_schemas"),
    }
#: How other code than that of the two folders reaches for Dash's internals.
ELSEWHERE = re.compile(
    r"[\w)\]]\._namespace\b|__dash_patch_update|_dashprivate|getState\(\)"
)
#: Those of Dash's backends, which only some releases have.
OF_BACKENDS = {"_request"}


def imports() -> Iterator[tuple[str, str]]:
    """Yield the private modules that the bridge imports, with the names in them."""
    for tree in TREES:
        for node in ast.walk(tree):
            module = getattr(node, "module", None) or ""
            is_private = module.startswith(("dash._", "dash.mcp"))
            if isinstance(node, ast.ImportFrom) and is_private:
                for alias in node.names:
                    yield module, alias.name


def attributes() -> set[str]:
    """Return the private attributes of objects that are not the bridge's own."""
    found = set()
    for tree in TREES:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
                is_own = isinstance(node.value, ast.Name) and node.value.id == "self"
                if not is_own and not node.attr.startswith("__"):
                    found.add(node.attr)
    return found


@pytest.mark.parametrize(("module", "name"), sorted(set(imports())))
def test_private_name_is_there(module: str, name: str) -> None:
    found: ModuleType = importlib.import_module(module)
    assert hasattr(found, name), f"Dash {dash.__version__} has no {module}.{name}"


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_private_attribute_is_there(name: str) -> None:
    assert hasattr(ATTRIBUTES[name], name), f"Dash {dash.__version__} has no {name}"


@pytest.mark.skipif(not hasattr(dash, "backends"), reason="Dash has Flask alone")
def test_request_adapter_has_the_request() -> None:
    app = dash.Dash(__name__)
    assert hasattr(app.backend.request_adapter(), "_request")


def test_list_of_attributes_is_complete() -> None:
    # It is read by its name, since old releases lack it.
    assert attributes() | {"_enable_mcp"} >= ATTRIBUTES.keys()
    assert attributes() <= ATTRIBUTES.keys() | OF_BACKENDS


def test_architecture_lists_all_with_their_risk() -> None:
    for module, _ in imports():
        name = "dash.mcp" if module.startswith("dash.mcp") else module
        assert f"`{name}" in TABLE, module
    for name in attributes():
        assert name in TABLE, name


def test_architecture_lists_the_modules_outside_of_the_two_folders() -> None:
    paths = [*PACKAGE.rglob("*.py"), *SRC.rglob("*.ts"), *SRC.rglob("*.tsx")]
    for path in paths:
        is_test = path.is_relative_to(SRC / "testing") or ".test." in path.name
        is_inside = BRIDGE in path.parents or SRC / "engine" / "page" in path.parents
        if not (is_test or is_inside) and ELSEWHERE.search(path.read_text()):
            assert path.name in TABLE, path
