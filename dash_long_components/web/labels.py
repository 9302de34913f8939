"""The labels of the components: their names, placeholders and languages."""

from __future__ import annotations

#: Languages with texts of their own.
LANGUAGES = ("en", "de", "fr", "es", "zh", "ja")

#: The placeholders of each label.
PLACEHOLDERS: dict[str, tuple[str, ...]] = {
    "job": (),
    "starting": (),
    "queued": (),
    "running": (),
    "succeeded": (),
    "failed": (),
    "cancelled": (),
    "timed_out": (),
    "lost": (),
    "rejected": (),
    "cached": (),
    "saved": ("time",),
    "of": ("value", "total"),
    "seconds": ("h", "m", "s"),
    "minutes": ("h", "m", "s"),
    "hours": ("h", "m", "s"),
    "eta": ("time",),
    "soon": (),
    "took": ("time",),
    "after": ("time",),
    "next": ("position", "ordinal"),
    "position": ("position", "ordinal"),
    "wait": ("time",),
    "reconnecting": (),
    "offline": (),
    "cancel": (),
    "retry": (),
    "log": (),
    "details": (),
    "more": (),
    "less": (),
    "copy": (),
    "copied": (),
    "jobs": (),
    "none": (),
    "visit": (),
    "clear": (),
    "notify": (),
    "close": (),
}
