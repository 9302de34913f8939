"""Transforms of the ``DashProxy`` of dash-extensions: they wrap functions of callbacks.

At an app's first request they wrap the callback that starts a job. The function of the
job runs elsewhere, so it is wrapped here.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from . import streaming
from .signature import Signature

#: The module whose apps have transforms.
_MODULE = "dash_extensions.enrich"


def transforms_of(register: Callable[..., Any]) -> tuple[Any, ...]:
    """Return the transforms of the app whose ``callback`` this is, if it has any."""
    blueprint = getattr(getattr(register, "__self__", None), "blueprint", None)
    is_known = type(blueprint).__module__ == _MODULE
    return tuple(blueprint.transforms) if blueprint is not None and is_known else ()


def applied(
    transforms: Sequence[Any], function: Callable[..., Any], signature: Signature
) -> Callable[..., Any]:
    """Return a function as transforms wrap it.

    Generator functions are not wrapped: a transform would treat the generator as the
    result.

    Args:
        transforms: of the app, in their order.
        function: takes the arguments of a callback.
        signature: of the callback.
    """
    if not transforms or streaming.is_stream(function):
        return function
    # Some change the ids of dependencies. The registered callback has been changed.
    args = copy.deepcopy(signature.args)
    options = copy.deepcopy(signature.keywords())
    callback = import_module(_MODULE).CallbackBlueprint(*args, **options)
    callback.f = _with_signature(function)
    for transform in transforms:
        (callback,) = transform.apply_serverside([callback])
    wrapped: Callable[..., Any] = callback.f
    return wrapped


def _with_signature(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the same function with a signature that all wrappers of it inherit.

    A transform finds arguments by the signature of what the one before it returned.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    call.__dict__["__signature__"] = inspect.signature(function)
    return call


def names_of(signature: Signature) -> inspect.Signature:
    """Return a parameter for each argument: transforms ask for their names."""
    names = [f"argument_{name}" for name in signature.arguments]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature([inspect.Parameter(name, kind) for name in names])
