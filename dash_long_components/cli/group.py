"""The command that has all others, and how a function becomes one of them."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from ..exceptions import StoreError, UnknownTaskError
from ..managers.base import LongCallbackManager
from .source import managers_of

#: Seconds between two looks of a command that waits.
PAUSE = 0.25

Managers = dict[str, LongCallbackManager]


@click.group()
@click.version_option(package_name="dash-long-components")
def group() -> None:
    """Jobs of long callbacks.

    Each command takes --app module:attribute, --store PATH or --broker URL, which say
    whose jobs it is for.
    """


#: Say whose jobs a command is for, and for whom it prints.
_OPTIONS = [
    click.option(
        "--app",
        envvar="DASH_LONG_JOBS_APP",
        metavar="MODULE:ATTRIBUTE",
        help="A Dash app or a manager.",
    ),
    click.option(
        "--store",
        envvar="DASH_LONG_JOBS_STORE",
        metavar="PATH",
        help="The directory of the cache of a DiskcacheLongCallbackManager.",
    ),
    click.option(
        "--broker",
        envvar="DASH_LONG_JOBS_BROKER",
        metavar="URL",
        help="The broker of a CeleryLongCallbackManager.",
    ),
    click.option(
        "--backend",
        envvar="DASH_LONG_JOBS_BACKEND",
        metavar="URL",
        help="Its result backend, if that is not the broker.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print JSON."),
]


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Make a command of a function of managers; ``as_json`` says for whom it prints.

    It has the function's name: ``list_`` makes the command ``list``.
    """

    @functools.wraps(function)
    def call(
        app: str | None,
        store: str | None,
        broker: str | None,
        backend: str | None,
        **options: Any,
    ) -> None:
        source = _chosen({"app": app, "store": store, "broker": broker})
        managers = managers_of(**source, backend=backend)
        try:
            function(managers, **options)
        except (StoreError, UnknownTaskError) as error:
            raise click.ClickException(str(error)) from error
        finally:
            for manager in managers.values():
                manager.close()

    for option in reversed(_OPTIONS):
        call = option(call)
    name = function.__name__.removesuffix("_")
    return group.command(name)(call)


def _chosen(sources: dict[str, str | None]) -> dict[str, str | None]:
    """Return what says whose jobs a command is for.

    An option of the command line replaces all variables of the environment.
    """
    context = click.get_current_context()
    typed = {
        name: value
        for name, value in sources.items()
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    return {**dict.fromkeys(sources), **typed} if typed else sources


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))
