"""The installed package is whole. `make test` runs this on the built wheel."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from importlib import metadata, resources

import pytest

import dash_long_components

FILES = resources.files("dash_long_components")

EXTRAS = ["celery", "cloudpickle", "diskcache", "filelock", "psutil", "redis"]


@pytest.mark.parametrize(
    "name",
    [
        *("py.typed", "metadata.json", "_imports_.py"),
        *("package-info.json", "proptypes.js"),
        *("LongJob.py", "LongJobButton.py", "LongJobTray.py"),
        *("dash_long_components.min.js", "languages.min.js"),
        *("details.min.js", "held.min.js", "tray.min.js"),
    ],
)
def test_generated_file_is_there(name: str) -> None:
    assert FILES.joinpath(name).is_file()


def test_bundle_is_there() -> None:
    paths = [
        entry.get("relative_package_path") or entry["dev_package_path"]
        for entry in [*dash_long_components._js_dist, *dash_long_components._css_dist]
    ]
    assert paths
    for path in paths:
        assert FILES.joinpath(path).is_file()


def test_bundle_is_small() -> None:
    bundle = FILES.joinpath("dash_long_components.min.js").read_bytes()
    assert len(gzip.compress(bundle, 9)) <= 16_000


def test_component_docs_come_from_the_sources() -> None:
    components = json.loads(FILES.joinpath("metadata.json").read_text())
    files = [component.split("/")[-1] for component in components]
    assert sorted(files) == ["LongJob.tsx", "LongJobButton.tsx", "LongJobTray.tsx"]


def test_version_is_that_of_the_distribution() -> None:
    version = metadata.version("dash-long-components")
    assert dash_long_components.__version__ == version


def test_imports_with_no_extra_installed() -> None:
    code = "import sys\n"
    code += "".join(f"sys.modules[{name!r}] = None\n" for name in EXTRAS)
    code += "import dash_long_components\n"
    run = subprocess.run(
        [sys.executable, "-W", "error::ImportWarning", "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
