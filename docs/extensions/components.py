"""Sphinx directives that show the properties and labels of the components."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).parent.parent.parent
METADATA = ROOT / "dash_long_components" / "metadata.json"
LABELS = ROOT / "src" / "views" / "texts" / "labels.ts"
PLACEHOLDERS = ROOT / "dash_long_components" / "web" / "labels.py"
ADMIN_LABELS = ROOT / "dash_long_components" / "admin" / "words.py"

#: Properties that only Dash or the package itself use.
INTERNAL = {"setProps", "handles"}


def properties(component: str) -> list[tuple[str, str, str]]:
    """Return name, type with default, and description of each property."""
    metadata = json.loads(METADATA.read_text())
    (props,) = (
        value["props"]
        for path, value in metadata.items()
        if Path(path).stem == component
    )
    return [
        (name, _kind(prop), " ".join(prop["description"].split()))
        for name, prop in props.items()
        if name not in INTERNAL
    ]


def labels() -> list[tuple[str, str]]:
    """Return name and English text of each label of ``LongJob`` and its like."""
    blocks = re.findall(r"LABELS = \{\n(.+?)\n\};", LABELS.read_text(), re.DOTALL)
    lines = "\n".join(blocks).split("\n")
    found = [re.fullmatch(r" +(\w+): '(.+)',", line) for line in lines]
    if None in found:
        raise ExtensionError(f"{LABELS} has a label that is not on a line of its own.")
    return [(match[1], match[2]) for match in found if match]


def admin_labels() -> list[tuple[str, str]]:
    """Return name and English text of each label of ``LongJobAdmin``."""
    return [*runpy.run_path(str(ADMIN_LABELS))["WORDS"]["en"].items()]


def placeholders() -> dict[str, list[str]]:
    """Return the placeholders of each label, in Markdown."""
    return {
        name: [f"`{{{placeholder}}}`" for placeholder in found]
        for name, found in runpy.run_path(str(PLACEHOLDERS))["PLACEHOLDERS"].items()
    }


def _kind(prop: dict[str, Any]) -> str:
    kind = _type(prop["type"])
    default = prop.get("defaultValue")
    return kind if default is None else f"{kind}, default {_literal(default['value'])}"


def _type(kind: dict[str, Any]) -> str:
    if kind["name"] == "enum":
        return " or ".join(_literal(item["value"]) for item in kind["value"])
    if kind["name"] == "arrayOf":
        return f"list of {_type(kind['value'])}"
    if kind["name"] == "union":
        return " or ".join(_type(item) for item in kind["value"])
    name: str = kind["name"]
    return {"node": "component", "object": "dict"}.get(name, name)


def _literal(javascript: str) -> str:
    """Return a literal of TypeScript as Python writes it."""
    text = {"true": "True", "false": "False", "null": "None"}.get(
        javascript, javascript.replace("'", '"')
    )
    return f"`{text}`"


class _Generated(SphinxDirective):
    def parse(self, source: Path, lines: Iterable[str]) -> list[nodes.Node]:
        """Return the nodes of lines of Markdown that were made from a file."""
        self.env.note_dependency(str(source))
        text = StringList(list(lines), self.get_source_info()[0])
        node = nodes.Element()
        self.state.nested_parse(text, 0, node)
        return list(node.children)


class ComponentProperties(_Generated):
    """Show the properties of a component: ``{component-properties} LongJob``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        lines = (
            f"- **{name}** ({kind}): {text}"
            for name, kind, text in properties(self.arguments[0])
        )
        return self.parse(METADATA, lines)


class Labels(_Generated):
    """Show the labels of a component: ``{labels} LongJob`` or ``LongJobAdmin``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        if self.arguments[0] == "LongJobAdmin":
            rows = (f"| `{name}` | {text} |" for name, text in admin_labels())
            head = ["| label | English |", "| --- | --- |"]
            return self.parse(ADMIN_LABELS, [*head, *rows])
        self.env.note_dependency(str(PLACEHOLDERS))
        allowed = placeholders()
        rows = (
            f"| `{name}` | {text} | {' '.join(allowed.get(name, ()))} |"
            for name, text in labels()
        )
        head = ["| label | English | placeholders |", "| --- | --- | --- |"]
        return self.parse(LABELS, [*head, *rows])


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("component-properties", ComponentProperties)
    app.add_directive("labels", Labels)
    return {"parallel_read_safe": True}
