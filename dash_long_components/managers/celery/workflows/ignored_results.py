"""Tasks whose results Celery ignores: a job can't wait for one.

Celery does not tell by a result in a group or a chain whether it will ever come. The
signatures tell, and the messages of what the function itself has sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from celery import current_app, signals

from ..messages.sending import is_own

#: Ids of such tasks that this process has sent. It forgets the oldest of so many.
_sent: dict[str, None] = {}
_MOST = 10_000


def ignored(
    signature: Mapping[str, Any], tasks: Mapping[str, Any], ignore: bool | None = None
) -> Iterator[tuple[str, str]]:
    """Yield name and id of each task in a signature whose result is ignored.

    Args:
        signature: of a task, group, chord or chain. The id of a task that is not frozen
            is "".
        tasks: the tasks of the app, by name.
        ignore: what the signature around it says; None for nothing.
    """
    options = signature.get("options") or {}
    if not ignore:
        ignore = options.get("ignore_result")
    parts = [*_parts(signature)]
    for part in parts:
        yield from ignored(part, tasks, ignore)
    if not parts:
        name = signature["task"]
        if ignore is None:
            ignore = getattr(tasks.get(name), "ignore_result", False)
        if ignore:
            yield name, str(options.get("task_id", ""))


def _parts(signature: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Return the signatures that one consists of; none for that of a task."""
    values = signature.get("kwargs") or {}
    match signature.get("subtask_type"):
        case "group" | "chain":
            return list(values["tasks"])
        case "chord":
            header = values["header"]
            # A group is a dict too.
            found = [header] if isinstance(header, Mapping) else list(header)
            return [*found, *([values["body"]] if values.get("body") else [])]
    return []


def has_sent(task_id: str) -> bool:
    """Return whether this process has sent a task whose result is ignored."""
    return task_id in _sent


@signals.before_task_publish.connect
def _note(
    sender: str | None = None,
    headers: Mapping[str, Any] | None = None,
    body: Any = None,
    **_: Any,
) -> None:
    if not headers or "id" not in headers or sender is None or is_own(sender):
        return  # a message of Celery's first protocol has no headers
    found = [headers["id"]] if headers.get("ignore_result") else []
    *_others, following = body
    chord = following.get("chord")
    # The worker of a task sends what follows it in a chain or chord.
    for signature in (*(following.get("chain") or ()), *([chord] if chord else ())):
        found += [task_id for _name, task_id in ignored(signature, current_app.tasks)]
    for task_id in found:
        _sent[task_id] = None
    while len(_sent) > _MOST:
        _sent.pop(next(iter(_sent)), None)
