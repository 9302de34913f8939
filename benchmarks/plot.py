"""The curves of ``docs/scaling.md``."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot

_AXES = {
    "server CPU of a tick (ms)": "jobs on a page",
    "bytes up of a poll": "bytes in a State with ALL",
    "click to result (ms)": "bytes of the result",
}

_COLOURS = {"ours": "tab:blue", "native": "tab:orange", "ordinary callback": "tab:gray"}


def draw(curves: dict[str, dict[str, list[tuple[float, float]]]], path: Path) -> None:
    """Draw the curves that have axes, side by side, into an SVG file."""
    mpl.rcParams["svg.hashsalt"] = "the same at every run"
    names = [name for name in _AXES if name in curves]
    if not names:
        return
    figure, plots = pyplot.subplots(
        1, len(names), figsize=(4.5 * len(names), 3.6), squeeze=False
    )
    for plot, name in zip(plots[0], names, strict=True):
        for contender, points in curves[name].items():
            package, _, manager = contender.partition(", ")
            plot.plot(
                *zip(*sorted(points), strict=True),
                marker="o",
                label=contender,
                color=_COLOURS[package],
                linestyle="--" if manager == "celery" else "-",
            )
        plot.set_xscale("log")
        plot.set_yscale("log")
        plot.set_xlabel(_AXES[name])
        plot.set_title(name, fontsize=10)
        plot.grid(alpha=0.3)
        plot.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
