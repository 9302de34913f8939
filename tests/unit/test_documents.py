"""The documents link to files that are there, and their examples work as they are."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import dash_long_components

ROOT = Path(__file__).parent.parent.parent
PACKAGE = Path(dash_long_components.__file__).parent
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
each_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: path.name
)


def links(document: Path) -> list[str]:
    """Return the relative links of a document, without their anchors."""
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text())
    return [target for target in targets if "://" not in target]


def exists(path: Path) -> bool:
    """Return whether a file is there. A wheel has the package in another place."""
    inside = path.resolve().relative_to(ROOT)
    if inside.parts[:1] == (PACKAGE.name,):
        return PACKAGE.joinpath(*inside.parts[1:]).exists()
    return path.exists()


def statements(document: Path) -> Iterator[ast.AST]:
    """Yield all statements and expressions of a document's Python, in its order."""
    found = re.findall(
        r"^ *```python\n(.*?)^ *```", document.read_text(), re.MULTILINE | re.DOTALL
    )
    for code in found:
        yield from ast.walk(ast.parse(textwrap.dedent(code)))


def calls(document: Path) -> Iterator[tuple[str, ast.Call]]:
    """Yield the calls, each with the dotted name of its function."""
    for node in statements(document):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def imports(document: Path) -> Iterator[tuple[str, str, str]]:
    """Yield module, imported name and name in the example of each import."""
    for node in statements(document):
        if isinstance(node, ast.Import):
            for each in node.names:
                yield each.name, "", each.asname or each.name
        elif isinstance(node, ast.ImportFrom):
            for each in node.names:
                yield node.module or "", each.name, each.asname or each.name


@each_document
def test_links_lead_to_files(document: Path) -> None:
    missing = [name for name in links(document) if not exists(document.parent / name)]
    assert not missing


@each_document
def test_examples_import_what_there_is(document: Path) -> None:
    for module, name, _ in imports(document):
        if name and module.partition(".")[0] in ("dash", PACKAGE.name):
            assert hasattr(import_module(module), name), (module, name)


@each_document
def test_examples_give_a_manager_to_an_app_of_this_package(document: Path) -> None:
    ours = {
        f"{alias}.Dash" if not name else alias
        for module, name, alias in imports(document)
        if module == PACKAGE.name and name in ("", "Dash")
    }
    made = {
        node.name for node in statements(document) if isinstance(node, ast.ClassDef)
    }
    for function, call in calls(document):
        options = [keyword.arg or "" for keyword in call.keywords]
        if any(option.startswith("long_callback_") for option in options):
            assert function in ours | made, ast.unparse(call)


@each_document
def test_examples_start_no_job_when_the_page_loads(document: Path) -> None:
    for function, call in calls(document):
        text = ast.unparse(call)
        if function.endswith("long_callback") and "'n_clicks'" in text:
            assert "prevent_initial_call=True" in text
