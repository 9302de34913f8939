"""The rows of the table: measurements of both contenders, and their targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import TypeVar

from .machine import Noise, quantile
from .servers import Deployment, Kind, Servers, serving

K = TypeVar("K")


@dataclass
class Sample:
    """Values of one contender, or of a reference."""

    values: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def p95(self) -> float:
        return quantile(self.values, 0.95)

    def __len__(self) -> int:
        return len(self.values)


@dataclass
class Verdict:
    """One condition of a target, and whether it is met."""

    text: str
    is_met: bool


@dataclass
class Row:
    """One line of the table.

    Attributes:
        what: the name of the row.
        manager: which one; empty if there is none.
        unit: of all values.
        ours: values of this package.
        native: values of ``background=True``; None if it has no such thing.
        verdicts: on the targets.
        note: how it was measured, and why a target is not reached.
        digits: behind the point.
        is_rate: more is better.
    """

    what: str
    manager: str
    unit: str
    ours: Sample
    native: Sample | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    note: str = ""
    digits: int = 2
    is_rate: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times better than the native one ours is."""
        if self.native is None or not self.native.values:
            return None
        better, worse = self.ours.median, self.native.median
        if self.is_rate:
            better, worse = worse, better
        return worse / better if better > 0 else None

    def expect(self, text: str, is_met: bool) -> None:
        self.verdicts.append(Verdict(text, is_met))

    def expect_ratio(self, least: float) -> None:
        """Expect the native one to take at least so many times as much."""
        self.expect(f"native ≥ {least:g}x", (self.ratio or 0) >= least)

    def expect_within(self, most: float, of: Sample, name: str) -> None:
        """Expect it to take at most so many times as much as something else."""
        times = self.ours.median / of.median
        self.expect(f"≤ {most:g}x {name}: {times:.2f}x", times <= most)

    def expect_at_most(self, most: float) -> None:
        text = f"≤ {most:g} {self.unit}".rstrip()
        self.expect(text, self.ours.median <= most)


@dataclass
class Bench:
    """One run.

    Attributes:
        quick: fewer of everything, to see whether it works.
        noise: sampled all along.
        rows: the table so far.
        curves: points for the plots, by name and contender.
    """

    quick: bool
    noise: Noise = field(default_factory=Noise)
    rows: list[Row] = field(default_factory=list)
    curves: dict[str, dict[str, list[tuple[float, float]]]] = field(
        default_factory=dict
    )

    def times(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    @contextmanager
    def servers(self) -> Iterator[Servers]:
        with serving() as servers:
            yield servers

    def __post_init__(self) -> None:
        self.noise.sample()

    def alternate(
        self, contenders: Iterable[K], rounds: int, measure: Callable[[K], list[float]]
    ) -> dict[K, Sample]:
        """Measure contenders in turn, A B A B: a disturbance hits them all."""
        contenders = list(contenders)
        samples = {contender: Sample() for contender in contenders}
        for number in range(rounds):
            # No contender always comes after the same one.
            for contender in contenders if number % 2 == 0 else contenders[::-1]:
                self.noise.sample()
                samples[contender].values += measure(contender)
        return samples

    def point(self, curve: str, kind: Kind | str, x: float, y: float) -> None:
        self.curves.setdefault(curve, {}).setdefault(str(kind), []).append((x, y))

    def add(self, row: Row) -> Row:
        self.rows.append(row)
        native = f", native {row.native.median:.4g}" if row.native else ""
        print(
            f"{row.what}, {row.manager}: {row.ours.median:.4g} {row.unit}{native}",
            flush=True,
        )
        for verdict in row.verdicts:
            print(
                f"    {'ok ' if verdict.is_met else 'NOT'} {verdict.text}", flush=True
            )
        return row


def both(samples: dict[Deployment, Sample], manager: str) -> tuple[Sample, Sample]:
    """Return ours and the native one's, of one manager."""
    found = {
        deployment.kind.is_ours: sample
        for deployment, sample in samples.items()
        if deployment.kind.manager == manager
    }
    return found[True], found[False]
