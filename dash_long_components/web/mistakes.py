"""Mistakes that only an app's layout shows. Debug mode tells each of them once."""

from __future__ import annotations

import difflib
import logging
import re
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

import dash
from dash.dependencies import DashDependency

from ..bridge import internals
from ..bridge.signature import Signature
from . import labels

logger = logging.getLogger("dash_long_components")

#: Our components that show jobs.
_VIEWS = ("LongJob", "LongJobButton", "LongJobTray")


class Mistakes:
    """Finds mistakes in the layout of an app, and logs each one once.

    Args:
        app: has the layout.
    """

    def __init__(self, app: dash.Dash) -> None:
        self._app = app
        self._told: set[str] = set()

    def check_ids(
        self, option: str, ids: Iterable[Any], task: str, kind: str = ""
    ) -> None:
        """Warn of ids that the layout does not have.

        Args:
            option: what names the ids, with ``{}`` in place of an id.
            ids: those that are not text are not checked.
            task: name of the task.
            kind: class name of the components; "" for any.
        """
        for component_id in ids:
            if not isinstance(component_id, str) or component_id in self._told:
                continue
            self._told.add(component_id)
            problem = internals.what_is_wrong(self._app, component_id, kind)
            if problem is not None:
                logger.warning(
                    "%s of %s: %s. Add %s(id=%r) to the layout.",
                    *(option.format(repr(component_id)), task, problem),
                    *(kind or "a component", component_id),
                )

    def check_call(self, task: str, signature: Signature, *, is_event: bool) -> None:
        """Warn of a call that ``prevent_initial_call=True`` does not prevent.

        Args:
            task: name of the task.
            signature: of the long callback.
            is_event: whether the user may have caused the call.
        """
        if is_event or not internals.prevents_initial_call(
            self._app, signature.options
        ):
            return
        self._tell(
            f"Dash has called {task} without an event of {_names(signature.inputs)}. "
            "prevent_initial_call=True prevents only calls whose Inputs and Outputs "
            f"come to the page together, and {_names(signature.outputs)} was there "
            "before. So every visit of that page starts a job, in place of a running "
            "one. Put all Outputs on the page of the Inputs, or set the others by "
            "dash.set_props in the job."
        )

    def check_layout(self, layout: Any, views: Collection[Any]) -> None:
        """Warn of views without a job, or with one id, and of labels that do not exist.

        Args:
            layout: what the app serves, but for the pages of ``dash.pages``.
            views: the ids in ``job=`` of the app's long callbacks.
        """
        around = self._check_components(layout, views)
        for page in internals.page_layouts(self._app):
            # Dash itself refuses an id that a layout without pages has twice.
            ids = Counter(around + self._check_components(page, views))
            for component_id, count in ids.items():
                if count > 1:
                    self._tell(
                        f"A page has {count} views with the id {component_id!r}, of "
                        "which one shows the job. Give each an id of its own; several "
                        "long callbacks may have the same job=."
                    )

    def _check_components(self, layout: Any, views: Collection[Any]) -> list[str]:
        """Warn of mistakes in a layout, and return the ids of its views."""
        ids = []
        for component in internals.components(layout):
            name = type(component).__name__
            if component._namespace != "dash_long_components" or name not in _VIEWS:
                continue
            component_id = getattr(component, "id", None)
            if isinstance(component_id, str):
                ids.append(component_id)
            view = name if component_id is None else f"{name}(id={component_id!r})"
            if not internals.adds_components(self._app):
                if name == "LongJob":
                    self._check_view(component_id, views)
                elif name == "LongJobButton":
                    self._check_button(view, getattr(component, "job", None), views)
            for problem in _label_problems(getattr(component, "labels", None)):
                self._tell(f"labels= of {view}: {problem}")
        return ids

    def _check_view(self, component_id: Any, views: Collection[Any]) -> None:
        if component_id is None:
            self._tell(
                "A LongJob of the layout has no id, so it shows no job. Give it one, "
                'like LongJob(id="job"), and add job="job" to the long callback.'
            )
        elif isinstance(component_id, str) and component_id not in views:
            self._tell(
                f"LongJob(id={component_id!r}) shows no job: no long callback names "
                f"it. Add job={component_id!r} to the long callback. An ordinary "
                "callback ignores job=."
            )

    def _check_button(self, button: str, job: Any, views: Collection[Any]) -> None:
        if isinstance(job, str) and job not in views:
            self._tell(
                f"{button} has job={job!r}, which no long callback names. Add "
                f"job={job!r} to the long callback{_or_similar(job, views)}"
            )

    def _tell(self, problem: str) -> None:
        if problem not in self._told:
            self._told.add(problem)
            logger.warning("%s", problem)


def _names(dependencies: Iterable[DashDependency]) -> str:
    return " and ".join(map(str, dependencies))


def _or_similar(name: str, names: Collection[Any]) -> str:
    """Return a hint at a name that was meant, perhaps."""
    known = [each for each in names if isinstance(each, str)]
    similar = difflib.get_close_matches(name, known, n=1)
    return f". Did you mean {similar[0]!r}?" if similar else "."


#: A language, then a script, a region and so on.
_LOCALE = re.compile("[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")


def _label_problems(given: Any) -> Iterable[str]:
    """Yield what is wrong with the labels of a component."""
    locale = given.get("locale") if isinstance(given, dict) else given
    if locale is not None and not _LOCALE.fullmatch(str(locale)):
        yield (
            f"the page can't read the locale {locale!r}, so its texts and numbers are "
            'English. Pass one like "de" or "de-AT".'
        )
        return
    if isinstance(given, str):
        if re.split("[-_]", given)[0].lower() not in labels.LANGUAGES:
            known = ", ".join(map(repr, labels.LANGUAGES))
            yield (
                f"the language {given!r} has no texts, so the page shows English ones. "
                f"Pass one of {known}, or a dict of your own texts."
            )
        return
    for name, text in given.items() if isinstance(given, dict) else ():
        # A name with a dot is that of a task.
        if name == "locale" or "." in name:
            continue
        if name not in labels.PLACEHOLDERS:
            similar = difflib.get_close_matches(name, labels.PLACEHOLDERS, n=1)
            hint = "The reference of LongJob lists all labels."
            if similar:
                hint = f"Did you mean {similar[0]!r}?"
            yield f"there is no label {name!r}. {hint}"
            continue
        if not isinstance(text, str):
            yield f"{name!r} is {text!r}, so the page shows its own text. Pass a str."
            continue
        allowed = labels.PLACEHOLDERS[name]
        used = {*re.findall(r"\{(\w+)\}", text)}
        for placeholder in sorted(used - {*allowed}):
            has = " and ".join(f"{{{each}}}" for each in allowed) or "none"
            yield (
                f"{name!r} has the placeholder {{{placeholder}}}, which has no value "
                f"there: {text!r}. It may have {has}."
            )
