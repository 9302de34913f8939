"""Refuses to build a package without what `npm run build` writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Looks for the generated files, which a clone of the repository lacks."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        # An editable install comes before `npm run build`, which needs it.
        if version == "editable":
            return
        if not Path(self.root, "dash_long_components", "_imports_.py").exists():
            raise FileNotFoundError(
                "This clone has no bundle and no components yet. Run `make build` in "
                "it, and then install it from there."
            )
