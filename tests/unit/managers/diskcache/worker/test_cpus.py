"""The number of jobs at once fits the CPUs that a container has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dash_long_components.managers.diskcache.worker import cpus


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with eight CPUs, and its folder of control groups."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    monkeypatch.setattr(cpus, "CGROUPS", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("quota", "count"),
    [("max 100000", 8), ("50000 100000", 1), ("250000 100000", 3), ("broken", 8)],
)
def test_quota_of_version_two_counts(
    machine: Path, quota: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpus, "own_groups", lambda: "0::/")
    (machine / "cpu.max").write_text(quota)
    assert cpus.available() == count


def test_quota_of_a_group_above_counts(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpus, "own_groups", lambda: "0::/system.slice/app.service")
    (machine / "system.slice" / "app.service").mkdir(parents=True)
    (machine / "system.slice" / "app.service" / "cpu.max").write_text("400000 100000")
    assert cpus.available() == 4
    (machine / "system.slice" / "cpu.max").write_text("200000 100000")
    assert cpus.available() == 2


@pytest.mark.parametrize(("quota", "count"), [("-1", 8), ("150000", 2)])
def test_quota_of_version_one_counts(
    machine: Path, quota: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpus, "own_groups", lambda: "4:memory:/\n3:cpu,cpuacct:/")
    (machine / "cpu,cpuacct").mkdir()
    (machine / "cpu,cpuacct" / "cpu.cfs_quota_us").write_text(quota)
    (machine / "cpu,cpuacct" / "cpu.cfs_period_us").write_text("100000")
    assert cpus.available() == count


def test_affinity_counts(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {5}, raising=False)
    monkeypatch.setattr(cpus, "own_groups", lambda: "")
    assert cpus.available() == 1
    assert cpus.default_concurrency() == 2
