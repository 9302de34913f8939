"""A long callback, its trigger and the handle that it sends."""

from __future__ import annotations

from typing import Any

from dash import Input, Output

from tests.unit.fakes import Site, handle_of, out, prop

OUTPUT, INPUT = Output("text", "children"), Input("button", "n_clicks")


def click(site: Site, **options: Any) -> Any:
    return site.trigger(
        out("text", "children"),
        [prop("button", "n_clicks", 1)],
        changed=["button.n_clicks"],
        **options,
    )


def decorate(site: Site, **options: Any) -> Any:
    @site.long_callback(OUTPUT, INPUT, **options)
    def run(*args: Any) -> Any:
        return len(args)

    return run


def handle(site: Site, **options: Any) -> dict[str, Any]:
    """Return the handle that a callback with these options sends."""
    decorate(site, **options)
    return handle_of(click(site))
