"""Imported relatively by the app beside it."""

import os
import time
from pathlib import Path


def echo(value: object) -> object:
    return value


def hold(name: str) -> str:
    Path(name).write_text(str(os.getpid()))
    time.sleep(600)
    return name
