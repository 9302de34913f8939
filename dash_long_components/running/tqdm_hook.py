"""Show tqdm's progress bars in a job as bars of the job.

tqdm itself writes as before. It is not a dependency: nothing happens in an app that
does not import it.
"""

from __future__ import annotations

import functools
import math
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from ..core import bars
from ..core.bars import Bar, Bars
from . import current

#: The module of tqdm's base class.
_MODULE = "tqdm.std"

#: Attribute of a tqdm bar: the bars of its job, and its own bar among them.
_OURS = "_dash_long_components"


class _Hook:
    """Patches the class of tqdm while a job runs in this process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._users = 0
        self._finder = _Finder(self._patch)
        self._originals: list[tuple[type[Any], str, Any]] = []

    @contextmanager
    def catching(self) -> Iterator[None]:
        """Show the bars of the current job. Several jobs may run at once."""
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._install()
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._uninstall()

    def _install(self) -> None:
        module = sys.modules.get(_MODULE)
        if module is not None:
            self._patch(module)
        else:
            sys.meta_path.insert(0, self._finder)

    def _uninstall(self) -> None:
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        while self._originals:
            owner, name, original = self._originals.pop()
            setattr(owner, name, original)

    def _patch(self, module: ModuleType) -> None:
        owner = module.tqdm
        wraps = {"__init__": _init, "refresh": _refresh, "close": _close}
        with self._lock:
            # An import may end after its job, or run in two threads.
            if self._users == 0 or self._originals:
                return
            for name, wrap in wraps.items():
                self._originals.append((owner, name, vars(owner)[name]))
                original = getattr(owner, name)
                setattr(owner, name, functools.wraps(original)(wrap(original)))


class _Finder(MetaPathFinder):
    """Waits for the import of tqdm.

    Args:
        then: called with the module after its import.
    """

    def __init__(self, then: Callable[[ModuleType], None]) -> None:
        self._then = then

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if fullname != _MODULE:
            return None
        for finder in sys.meta_path:
            spec = None
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                self._follow(spec.loader)
                return spec
        return None

    def _follow(self, loader: Any) -> None:
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            # The modules of a zip file, or of a frozen app, share one loader.
            if module.__name__ == _MODULE:
                loader.exec_module = execute
            execute(module)
            if module.__name__ == _MODULE:
                self._then(module)

        loader.exec_module = exec_module


_Method = Callable[..., Any]


def _init(original: _Method) -> _Method:
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        job = current.find()
        if job is not None and not self.disable:
            bar = Bar()
            setattr(self, _OURS, (job.bars, bar))
            _update(self, bar)
            job.bars.open(bar)

    return init


def _refresh(original: _Method) -> _Method:
    def refresh(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        ours: tuple[Bars, Bar] | None = getattr(self, _OURS, None)
        if ours is not None:
            _update(self, ours[1])
            job = current.find()
            # tqdm's own monitor thread has no current job, and must not end it.
            if job is not None and job.bars is ours[0]:
                ours[0].advanced()
            else:
                ours[0].touch()
        return result

    return refresh


def _close(original: _Method) -> _Method:
    def close(self: Any) -> Any:
        ours: tuple[Bars, Bar] | None = getattr(self, _OURS, None)
        try:
            return original(self)
        finally:
            if ours is not None:
                _update(self, ours[1])
                ours[0].close(ours[1])

    return close


def _update(theirs: Any, ours: Bar) -> None:
    scale, base = _scale_of(theirs)
    ours.value = scale * (_number(theirs.n) or 0)
    total, rate = _number(theirs.total), _rate_of(theirs)
    ours.total = None if total is None else scale * total
    ours.rate = None if rate is None else scale * rate
    ours.start = scale * (_number(theirs.initial) or 0)
    ours.base = base
    # By default tqdm counts iterations, a word of programmers.
    ours.unit = None if theirs.unit == "it" else theirs.unit
    texts = [theirs.desc.strip().removesuffix(":"), theirs.postfix]
    ours.text = ", ".join(str(text) for text in texts if text)


def _scale_of(theirs: Any) -> tuple[float, int | None]:
    """Return a factor for all numbers, and the base of their prefixes, if any."""
    scale = theirs.unit_scale
    if scale and scale != 1:
        return bars.plain(scale), None
    return 1, theirs.unit_divisor if scale else None


def _rate_of(theirs: Any) -> float | None:
    """Return the smoothed rate, as tqdm itself shows it; None at the start."""
    state = theirs.format_dict
    rate = state["rate"]
    if rate is None and state["elapsed"] > 0:
        rate = (theirs.n - theirs.initial) / state["elapsed"]
    return _number(rate) or None


def _number(value: Any) -> float | None:
    is_number = bars.is_number(value) and math.isfinite(value)
    return bars.plain(value) if is_number else None


#: Shows the bars of the current job, within a ``with`` block.
catching = _Hook().catching
