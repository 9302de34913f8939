"""Sphinx settings of the documentation site: ``make docs`` builds it.

Sphinx reads the Markdown files where they are. So each link works in the site as it
works in the repository.
"""

from __future__ import annotations

import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).parent.parent
# For the directives in docs/extensions, and for autodoc.
sys.path[:0] = [str(Path(__file__).parent / "extensions"), str(ROOT)]

project = "dash-long-components"
release = metadata.version("dash-long-components")
copyright = "dash-long-components contributors"

root_doc = "README"
include_patterns = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "benchmarks/RESULTS.md",
    "docs/*.md",
]
# Without this, Sphinx would look for pages in these folders too.
exclude_patterns = [".*", "node_modules", "build"]
#: The navigation, in the order in which people need the pages.
CONTENTS = {
    "First steps": [
        "docs/component",
        "docs/button",
        "docs/steps",
        "docs/progress",
        "docs/options",
        "docs/jobs",
        "docs/upload",
    ],
    "More features": [
        "docs/streaming",
        "docs/caching",
        "docs/queues",
        "docs/parts",
        "docs/durable",
        "docs/questions",
        "docs/agents",
        "docs/pages",
        "docs/notebooks",
        "docs/testing",
        "docs/differences",
    ],
    "In operation": [
        "docs/production",
        "docs/operate",
        "docs/admin",
        "docs/backends",
        "docs/connections",
        "docs/security",
        "docs/network",
        "docs/promise",
        "docs/scaling",
        "docs/peers",
        "benchmarks/RESULTS",
    ],
    "Reference": ["docs/reference", "CHANGELOG"],
    "Development": ["CONTRIBUTING", "docs/architecture"],
}

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "components",
]

# Give headings the anchors that GitHub gives them.
myst_heading_anchors = 4

# One parameter a line, with its type and default.
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 60
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
python_use_unqualified_type_names = True
add_module_names = False

html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = f"{project} {release}"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}


def add_contents(app: Sphinx, docname: str, source: list[str]) -> None:
    """Add the navigation to the first page. GitHub would show it as code."""
    if docname == root_doc:
        for caption, pages in CONTENTS.items():
            lines = ["```{toctree}", ":hidden:", f":caption: {caption}", *pages, "```"]
            source[0] += "\n".join(["", *lines, ""])


def copy_index(app: Sphinx, error: Exception | None) -> None:
    """Make the first page the index of the site."""
    if error is None and app.builder.name == "html":
        shutil.copy(app.outdir / f"{root_doc}.html", app.outdir / "index.html")


def setup(app: Sphinx) -> None:
    app.connect("source-read", add_contents)
    app.connect("build-finished", copy_index)
