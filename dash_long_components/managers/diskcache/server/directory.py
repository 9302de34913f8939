"""The directory of a cache: one by default, and a warning of a private one."""

from __future__ import annotations

import getpass
import hashlib
import logging
import os
import sys
import tempfile

from ....exceptions import StoreError

logger = logging.getLogger("dash_long_components")


def warn_if_private(directory: str) -> None:
    """Warn of the directory that ``diskcache.Cache()`` makes for one process alone."""
    parent, name = os.path.split(os.path.abspath(directory))
    if name.startswith("diskcache-") and parent == tempfile.gettempdir():
        logger.warning(
            "Jobs are stored in %s, which diskcache.Cache() made for this process: "
            "another web process, or the next start, does not find them. Pass a "
            'directory, as in diskcache.Cache("./cache").',
            directory,
        )


def default_directory(caller: str) -> str:
    """Return a directory of the user's own that is the same for the same caller.

    All processes of a server have to find the same one, after a restart too.

    Raises:
        StoreError: another user has made it.
    """
    name = hashlib.sha256(f"{os.getcwd()}\0{caller}".encode()).hexdigest()[:16]
    if sys.platform == "win32":
        user = getpass.getuser()
    else:
        # Not the user's name: a container's user may have none.
        user = str(os.getuid())
    root = os.path.join(tempfile.gettempdir(), f"dash-long-components-{user}")
    os.makedirs(root, mode=0o700, exist_ok=True)
    # lstat: a link may lead to a folder of ours. This package unpickles its files.
    if sys.platform != "win32" and os.lstat(root).st_uid != os.getuid():
        raise StoreError(
            f"{root} belongs to another user. Pass a diskcache.Cache with a directory "
            "of your own to DiskcacheLongCallbackManager."
        )
    return os.path.join(root, name)
