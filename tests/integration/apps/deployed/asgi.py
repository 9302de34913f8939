"""Where ASGI servers look for an app on Flask."""

import importlib
from typing import Any

from site_factory import create_server

WsgiToAsgi = importlib.import_module("asgiref.wsgi").WsgiToAsgi


def create_asgi() -> Any:
    return WsgiToAsgi(create_server())
