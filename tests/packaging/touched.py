"""Print the unit tests that a change touches, one path a line.

A change is what differs from a commit (by default the one at which this branch left
``main``), with files that git does not know yet. It touches modules and those that
import them: their tests are in the folders that mirror theirs, or import them.
``tests/unit/test_*.py`` look at the whole package, so every change touches them.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
#: Where the package is: the tests of its wheel run away from the checkout.
SITE = Path(
    getattr(importlib.util.find_spec("dash_long_components"), "origin", ROOT)
).parent.parent
PACKAGE = SITE / "dash_long_components"
UNIT = ROOT / "tests" / "unit"

#: What every test may depend on.
COMMON = ("pyproject.toml", "tests/conftest.py", "tests/unit/conftest.py")


def git(*arguments: str) -> list[str]:
    """Return the lines of a command of git."""
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def changed(since: str | None) -> set[str]:
    """Return the paths of a change.

    Args:
        since: a commit; None for the one at which this branch left ``main``.
    """
    base = since or git("merge-base", "HEAD", "main")[0]
    others = git("ls-files", "--others", "--exclude-standard")
    return {*git("diff", "--name-only", base), *others}


def touched(paths: set[str]) -> set[Path]:
    """Return the unit tests that a change of these paths touches."""
    tests = sorted(UNIT.rglob("test_*.py"))
    if not paths.isdisjoint(COMMON):
        return set(tests)
    modules = {_module(SITE / path) for path in paths if path.endswith(".py")}
    users = [
        path
        for path in PACKAGE.rglob("*.py")
        if _module(path) in modules or not modules.isdisjoint(_imported(path))
    ]
    modules |= set(map(_module, users))
    folders = {UNIT / path.parent.relative_to(PACKAGE) for path in users}
    return {
        test
        for test in tests
        if test.parent == UNIT
        or test.parent in folders
        or _module(test) in modules
        or not modules.isdisjoint(_imported(test))
    }


def _module(path: Path) -> str:
    return ".".join([*_folders(path), path.stem]).removesuffix(".__init__")


def _folders(path: Path) -> tuple[str, ...]:
    return path.relative_to(SITE if path.is_relative_to(SITE) else ROOT).parent.parts


@functools.cache
def _imported(path: Path) -> frozenset[str]:
    """Return all names that a module imports, other modules among them."""
    return frozenset(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    parents = _folders(path)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = parents[: len(parents) + 1 - node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


if __name__ == "__main__":
    since = sys.argv[1] if len(sys.argv) > 1 else None
    for found in sorted(touched(changed(since))):
        print(found.relative_to(ROOT))
