"""The origin of an app, so that another process can make the app again.

The frames on the stack at the set-up of an app tell it. The outermost frame of the
user's own code is either a module, and its import makes the app; or a function that a
server called, and a call with the same arguments does. The frames inside of it are
further ways: the main file may make its app only under ``if __name__ == "__main__":``.

An installed package may be the user's own code as well. It is the one that sets up the
app; in others, only the import of a module is known to be no part of a server.
"""

from __future__ import annotations

import ast
import base64
import functools
import inspect
import io
import os
import pickle
import sys
import types
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from ..exceptions import ImportedScriptError
from . import module_names

#: A call of these functions does not run them.
_NO_PLAIN_CALL = (
    inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
)

#: Bytes that the arguments of a factory may have, to be carried to another process.
MAX_ARGUMENTS = 1_000_000

#: Packages between the user's code and the set-up of the app.
_FRAMEWORKS = {__package__.partition(".")[0], "dash", "dash_extensions"}

#: Number of apps that this process has set up, by name and path prefix.
_made: Counter[tuple[str, str]] = Counter()

_is_making_again = False


@dataclass(frozen=True, kw_only=True)
class Maker:
    """A way to make an app: the import of a module, or the call of a function in it.

    Attributes:
        module: its importable name, or ``__main__`` for the main file.
        path: its file, for a module that has another name there; None for a module
            that the user named.
        function: its qualified name, or None for the import alone.
        arguments: ``(args, kwargs)``, pickled, base64; None for whatever the user
            named without parentheses, which may be the app itself.
        obstacle: why it can't be called again; None if it can.
    """

    module: str
    path: str | None = None
    function: str | None = None
    arguments: str | None = None
    obstacle: str | None = None

    def __str__(self) -> str:
        if self.function is None:
            return f"the import of {self.module}"
        return f"the call of {self.module}.{self.function}()"

    def make(
        self, import_module: Callable[[str, str | None], types.ModuleType]
    ) -> None:
        """Make the app: import its module, and call its factory if it has one.

        Args:
            import_module: imports a module by its name and path.
        """
        module = import_module(self.module, self.path)
        if self.function is None:
            return
        function = _attribute(module, self.function)
        if self.arguments is not None:
            arguments = base64.b64decode(self.arguments)
            args, kwargs = pickle.loads(arguments)  # noqa: S301
            function(*args, **kwargs)
        elif inspect.isfunction(function):
            function()


@dataclass(frozen=True, kw_only=True)
class AppOrigin:
    """The origin of one app.

    Attributes:
        name: the app's name, where that is a module's the importable one.
        prefix: the path that the app is at.
        number: counts the apps of a process with this name and prefix, from 1.
        makers: what may make it again, the likeliest first.
        codes: of the functions among them, by position; for ``runnable`` alone.
    """

    name: str
    prefix: str
    number: int
    makers: tuple[Maker, ...]
    codes: tuple[types.CodeType | None, ...] = field(
        default=(), repr=False, compare=False
    )

    @classmethod
    def of_new_app(cls, name: str, prefix: str, entry: str | None) -> AppOrigin:
        """Describe an app that the calling code sets up.

        Args:
            name: the app's.
            prefix: the app's.
            entry: what makes it, in the user's words; None to look at the stack.

        Raises:
            ValueError: ``entry`` names neither a module nor an attribute of one.
        """
        name = module_names.importable_name(name)
        _made[name, prefix] += 1
        if entry is None:
            found = [*_makers(sys._getframe(1))]
        else:
            found = [(_parse(entry), None)]
        return cls(
            name=name,
            prefix=prefix,
            number=_made[name, prefix],
            makers=tuple(maker for maker, _ in found),
            codes=tuple(code for _, code in found),
        )

    @property
    def id(self) -> str:
        """Tells the app from the others of its process."""
        return f"{self.name}:{self.prefix}:{self.number}"

    def runnable(self) -> AppOrigin:
        """Return it without the functions that have not returned yet.

        Such a function serves the app, or is a test of it. To call it in another
        process would start a second server, or the test once more.
        """
        running = _running()
        makers = [
            replace(maker, obstacle="it has not returned") if code in running else maker
            for maker, code in zip(self.makers, self.codes, strict=True)
        ]
        return replace(self, makers=tuple(makers), codes=())

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> AppOrigin:
        """Undo ``dataclasses.asdict``."""
        makers = tuple(Maker(**maker) for maker in fields["makers"])
        return cls(**{**fields, "makers": makers, "codes": ()})

    def is_made(self) -> bool:
        """Return whether this process has made it."""
        return _made[self.name, self.prefix] >= self.number


@contextmanager
def making_again() -> Iterator[None]:
    """Note that this process makes apps only to know their long callbacks."""
    global _is_making_again
    _is_making_again = True
    try:
        yield
    finally:
        _is_making_again = False


def is_making_again() -> bool:
    """Return whether code runs now only because an app is made again."""
    return _is_making_again


def refuse_in_import(call: str) -> None:
    """Refuse to start a job while the process that runs jobs imports the app.

    The process would start another one for the job, and that one the next.

    Args:
        call: what starts the job, for the message.

    Raises:
        ImportedScriptError: code runs now only because an app is made again.
    """
    if _is_making_again:
        raise ImportedScriptError(
            f"{call} was called by an import in the process that runs jobs. Put the "
            'call under if __name__ == "__main__":'
        )


def count() -> int:
    """Return how many apps this process has set up."""
    return _made.total()


def _makers(frame: types.FrameType) -> Iterator[tuple[Maker, types.CodeType | None]]:
    """Yield what the frames of the user's own code stand for, the outermost first."""
    frames = [frame]
    while frame.f_back is not None:
        frame = frame.f_back
        frames.insert(0, frame)
    package = next(filter(_is_of_no_framework, map(_package, reversed(frames))), "")
    for frame in frames:
        code = frame.f_code
        module = str(frame.f_globals.get("__name__"))
        path = module_names.file_of(sys.modules.get(module))
        if not path or not _is_users(frame, package):
            continue
        name = module_names.importable_name(module)
        if module_names.is_main(module):
            name = "__main__"
        if code.co_name == "<module>":
            yield Maker(module=name, path=path), None
        elif code.co_flags & inspect.CO_OPTIMIZED:  # no body of a class
            yield _of_function(frame, Maker(module=name, path=path)), code


def _is_users(frame: types.FrameType, package: str) -> bool:
    """Return whether a frame is of the user's code, which may be installed too.

    Args:
        frame: which one.
        package: that of the code that sets up the app.
    """
    code = frame.f_code
    if code.co_filename.startswith("<"):
        return False
    if module_names.is_users_file(os.path.abspath(code.co_filename)):
        return True
    own = _package(frame)
    # A server is a main program itself. An import within it is the user's.
    is_main = module_names.is_main(str(frame.f_globals.get("__name__")))
    is_import = code.co_name == "<module>" and not is_main
    return _is_of_no_framework(own) and (own == package or is_import)


def _package(frame: types.FrameType) -> str:
    """Return the package at the top of that of a frame's module."""
    names = frame.f_globals.get("__package__") or frame.f_globals.get("__name__")
    return str(names).partition(".")[0]


def _is_of_no_framework(package: str) -> bool:
    return package not in _FRAMEWORKS and package not in sys.stdlib_module_names


def _of_function(frame: types.FrameType, module: Maker) -> Maker:
    """Return the call of a frame's function, or of its class, with its arguments."""
    code = frame.f_code
    name = getattr(code, "co_qualname", code.co_name)  # Python 3.10 has none
    if code.co_name == "__init__" and code.co_argcount:
        name = type(frame.f_locals.get(code.co_varnames[0])).__qualname__
    maker = replace(module, function=name)
    if code.co_flags & _NO_PLAIN_CALL:
        return replace(maker, obstacle="it is a generator or coroutine function")
    try:
        function = _attribute(sys.modules[frame.f_globals["__name__"]], name)
    except (AttributeError, ValueError):
        function = None
    called = function.__init__ if isinstance(function, type) else function  # type: ignore[misc]
    if getattr(inspect.unwrap(called), "__code__", None) is not code:
        return replace(maker, obstacle="it is not found by its name")
    try:
        arguments = _pickle(_arguments(frame, function))
    except Exception as error:  # classes raise what they like
        return replace(maker, obstacle=f"its arguments can't be pickled: {error}")
    return replace(maker, arguments=arguments)


def _arguments(
    frame: types.FrameType, function: Any
) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of a running call, as its variables hold them now.

    A default that can't be pickled is left out: ``server = server or Flask(__name__)``
    makes another one in the next call.
    """
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    has_gap = False
    for name, parameter in inspect.signature(function).parameters.items():
        value = frame.f_locals[name]
        if parameter.kind is parameter.VAR_POSITIONAL:
            args += [] if has_gap else value
        elif parameter.kind is parameter.VAR_KEYWORD:
            kwargs |= value
        elif parameter.default is not parameter.empty and not _can_be_pickled(value):
            has_gap = True
        elif has_gap or parameter.kind is parameter.KEYWORD_ONLY:
            kwargs[name] = value
        else:
            args.append(value)
    return args, kwargs


class _Bounded(io.BytesIO):
    """A file that refuses more than ``MAX_ARGUMENTS`` bytes."""

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > MAX_ARGUMENTS:
            raise ValueError(f"they are larger than {MAX_ARGUMENTS} bytes")
        return super().write(data)


def _pickle(value: Any) -> str:
    file = _Bounded()
    pickle.dump(value, file)
    return base64.b64encode(file.getvalue()).decode()


def _can_be_pickled(value: Any) -> bool:
    try:
        _pickle(value)
    except Exception:  # classes raise what they like
        return False
    return True


def _attribute(module: types.ModuleType, name: str) -> Any:
    return functools.reduce(getattr, name.split("."), module)


def _running() -> set[types.CodeType]:
    """Return the code that some thread runs now."""
    found = set()
    for top in sys._current_frames().values():
        frame: types.FrameType | None = top
        while frame is not None:
            found.add(frame.f_code)
            frame = frame.f_back
    return found


def _parse(entry: str) -> Maker:
    """Return what ``module``, ``module:app`` or ``module:function(...)`` names."""
    module, _, expression = (
        entry.partition(":") if isinstance(entry, str) else ("",) * 3
    )
    problem = ValueError(
        f'entry= takes "module", "module:app" or "module:create_app()", not {entry!r}.'
    )
    if not all(part.isidentifier() for part in module.split(".")):
        raise problem
    if not expression:
        return Maker(module=module)
    try:
        name = call = ast.parse(expression, mode="eval").body
        arguments = None
        if isinstance(call, ast.Call):
            name = call.func
            args = [ast.literal_eval(argument) for argument in call.args]
            kwargs = {item.arg: ast.literal_eval(item.value) for item in call.keywords}
            arguments = _pickle((args, kwargs))
    except (SyntaxError, ValueError):
        raise problem from None
    if not isinstance(name, ast.Name | ast.Attribute):
        raise problem
    return Maker(module=module, function=ast.unparse(name), arguments=arguments)
