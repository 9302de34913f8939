"""The tqdm bars of a job are bars of that job, and of no other."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import textwrap
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas
import pytest
import tqdm
import tqdm.asyncio
import tqdm.auto
import tqdm.contrib

from dash_long_components.exceptions import JobCancelled
from dash_long_components.running import current, tqdm_hook
from dash_long_components.running.current import CurrentJob
from tests.unit.fakes import job_of


def methods() -> list[Any]:
    return [vars(tqdm.tqdm)[name] for name in ("__init__", "refresh", "close")]


ORIGINALS = methods()


@pytest.fixture
def job() -> Iterator[CurrentJob]:
    job = job_of()
    with current.entered(job), tqdm_hook.catching():
        yield job
    assert methods() == ORIGINALS


def bars(job: CurrentJob) -> list[Any]:
    """Return the bars without their rates."""
    return [bar[:3] for bar in job.bars.to_wire()]


def extras(job: CurrentJob) -> dict[str, Any]:
    """Return what only some bars have, of the first one."""
    (_value, _total, _text, *rest), *_ = job.bars.to_wire()
    return dict(*rest)


@pytest.mark.parametrize(
    "loop",
    [
        lambda: tqdm.tqdm(range(3), mininterval=0),
        lambda: tqdm.trange(3, mininterval=0),
        lambda: tqdm.auto.tqdm(range(3), mininterval=0),
        lambda: tqdm.auto.trange(3, mininterval=0),
        lambda: tqdm.tqdm(iter(range(3)), total=3, mininterval=0),
        lambda: map(
            lambda item: item[0], tqdm.contrib.tenumerate("abc", mininterval=0)
        ),
    ],
)
def test_loop_is_a_bar(job: CurrentJob, loop: Any) -> None:
    seen = [(item, bars(job)) for item in loop()]
    assert seen == [(n, [[n, 3, None]]) for n in range(3)]
    assert bars(job) == [[3, 3, None]]


def test_nested_loops_are_bars_below_each_other(job: CurrentJob) -> None:
    for outer in tqdm.trange(2, desc="outer", mininterval=0):
        for inner in tqdm.trange(3, desc="inner", leave=False, mininterval=0):
            assert bars(job) == [[outer, 2, "outer"], [inner, 3, "inner"]]
        assert bars(job) == [[outer, 2, "outer"]]


def test_bar_that_is_updated_by_hand_is_shown(job: CurrentJob) -> None:
    with tqdm.tqdm(desc="rows", mininterval=0) as bar:
        bar.update(5)
        assert bars(job) == [[5, None, "rows"]]
        bar.total = 10
        bar.set_postfix(loss=0.25)
        assert bars(job) == [[5, 10, "rows, loss=0.25"]]
        bar.reset(total=20)
        bar.set_description("again")
        assert bars(job) == [[0, 20, "again, loss=0.25"]]
    assert bars(job) == [[0, 20, "again, loss=0.25"]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [200, 1000, {}]),
        ({"unit": " files"}, [200, 1000, {"unit": "files"}]),
        ({"unit_scale": True}, [200, 1000, {"base": 1000}]),
        (
            {"unit": "B", "unit_scale": 1, "unit_divisor": 1024},
            [200, 1000, {"unit": "B", "base": 1024}],
        ),
        # Any other factor is applied, as tqdm does.
        ({"unit": "m", "unit_scale": 0.5}, [100.0, 500.0, {"unit": "m"}]),
    ],
)
def test_units_of_a_bar_are_shown(
    job: CurrentJob, options: dict[str, Any], expected: list[Any]
) -> None:
    with tqdm.tqdm(total=1000, mininterval=0, **options) as bar:
        assert extras(job) == expected[2]
        bar.update(200)
        ((value, total, _text, extra),) = job.bars.to_wire()
        assert extra.pop("rate") > 0
        assert [value, total, extra] == expected


def test_rate_of_a_bar_is_the_one_that_tqdm_shows(job: CurrentJob) -> None:
    with tqdm.tqdm(total=10, mininterval=0, unit_scale=2) as bar:
        bar.update(3)
        bar.update(3)
        rate = 2 * bar.format_dict["rate"]
        assert extras(job)["rate"] == float(f"{rate:.3g}")
    with tqdm.tqdm(total=10, initial=4, miniters=100) as bar:
        assert extras(job)["start"] == 4
        # tqdm has no smoothed rate before its first refresh.
        bar.n, bar.start_t = 8, bar.start_t - 2
        bar.refresh()
        assert extras(job)["rate"] == pytest.approx(2, rel=0.1)


def test_pandas_applies_with_a_bar(job: CurrentJob) -> None:
    tqdm.tqdm.pandas(desc="rows", mininterval=0)
    seen: list[Any] = []
    frame: Any = pandas.DataFrame({"a": range(4)})
    frame["a"].progress_apply(lambda value: seen.append(bars(job)))
    assert seen[-1][0][1:] == [4, "rows"]
    assert bars(job) == [[4, 4, "rows"]]


def test_async_loop_is_a_bar(job: CurrentJob) -> None:
    async def numbers() -> Any:
        for number in range(3):
            yield number

    async def run() -> list[Any]:
        loop = tqdm.asyncio.tqdm(numbers(), total=3, mininterval=0)
        return [bars(job) async for _ in loop]

    assert asyncio.run(run()) == [[[n, 3, None]] for n in (1, 2, 3)]


def test_loop_that_is_left_closes_its_bar(job: CurrentJob) -> None:
    for outer in tqdm.trange(2):
        for _ in tqdm.trange(3):
            break
        assert len(bars(job)) == 1, outer


def test_tqdm_still_writes_to_its_stream(job: CurrentJob) -> None:
    file = io.StringIO()
    list(tqdm.tqdm(range(3), file=file))
    assert "3/3" in file.getvalue()


def test_disabled_bar_is_not_shown(job: CurrentJob) -> None:
    assert list(tqdm.tqdm(range(3), disable=True)) == [0, 1, 2]
    assert bars(job) == []


def test_numbers_out_of_range_are_left_out(job: CurrentJob) -> None:
    with tqdm.tqdm(total=float("inf")) as bar:
        assert bars(job) == [[0, None, None]]
        bar.n = float("nan")
        bar.refresh()
        assert bars(job) == [[0, None, None]]


def test_bars_outside_of_jobs_belong_to_no_job() -> None:
    job = job_of()
    with tqdm_hook.catching():
        list(tqdm.trange(3))
        with current.entered(job):
            list(tqdm.trange(4))
        list(tqdm.trange(5))
    assert bars(job) == [[4, 4, None]]


def test_cancelled_job_ends_at_its_next_step(job: CurrentJob) -> None:
    def check() -> None:
        raise JobCancelled

    loop = iter(tqdm.trange(100, mininterval=0))
    next(loop)
    job.bars.check = check
    with pytest.raises(JobCancelled):
        list(loop)


def test_two_jobs_at_once_show_each_its_own_bars() -> None:
    barrier = threading.Barrier(2, timeout=10)
    seen: dict[str, Any] = {}

    def run(name: str, total: int) -> None:
        job = job_of(name)
        with current.entered(job), tqdm_hook.catching():
            for _ in tqdm.trange(total, desc=name, mininterval=0):
                for _ in tqdm.trange(2, desc=f"in {name}", mininterval=0):
                    barrier.wait()
                    seen[name] = bars(job)
                    barrier.wait()

    threads = [threading.Thread(target=run, args=(name, 3)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {name: [[2, 3, name], [1, 2, f"in {name}"]] for name in ("a", "b")}
    assert methods() == ORIGINALS


@pytest.mark.parametrize(
    "how",
    [
        "from tqdm import trange",
        "from tqdm.auto import trange",
        "import tqdm.std; trange = tqdm.std.trange",
    ],
)
def test_import_while_the_job_runs_is_early_enough(how: str) -> None:
    script = f"""
        import sys
        job = job_of()
        finders = list(sys.meta_path)
        with current.entered(job), tqdm_hook.catching():
            assert "tqdm" not in sys.modules
            {how}
            for _ in trange(3):
                assert len(job.bars.to_wire()) == 1
        assert [bar[:3] for bar in job.bars.to_wire()] == [[3, 3, None]]
        assert sys.meta_path == finders
        with current.entered(job_of("other")) as job:
            list(trange(3))
        import tqdm
        assert not hasattr(tqdm.tqdm.refresh, "__wrapped__")
    """
    run_script(script)


def test_import_from_a_zip_file_is_early_enough_and_breaks_no_other(
    tmp_path: Path,
) -> None:
    archive = tmp_path / "packages.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for module in Path(tqdm.__file__).parent.glob("*.py"):
            file.write(module, f"tqdm/{module.name}")
        file.writestr("late.py", "")
        file.writestr("later.py", "")
    run_script(f"""
        import sys
        sys.path.insert(0, {str(archive)!r})
        job = job_of()
        with current.entered(job), tqdm_hook.catching():
            import tqdm
            assert tqdm.__file__.startswith({str(archive)!r})
            list(tqdm.trange(3))
            import late
        assert [bar[:3] for bar in job.bars.to_wire()] == [[3, 3, None]]
        import later
    """)


def test_import_that_ends_after_the_job_changes_nothing() -> None:
    run_script("""
        import importlib.util, sys
        import tqdm
        del sys.modules["tqdm.std"]
        with tqdm_hook.catching():
            spec = importlib.util.find_spec("tqdm.std")
        late = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(late)
        assert not hasattr(late.tqdm.refresh, "__wrapped__")
        sys.modules["tqdm.std"] = late
        job = job_of()
        with current.entered(job), tqdm_hook.catching(), tqdm_hook.catching():
            list(late.trange(3))
        assert [bar[:3] for bar in job.bars.to_wire()] == [[3, 3, None]]
    """)


def test_app_without_tqdm_is_left_alone() -> None:
    run_script("""
        import sys
        finders = list(sys.meta_path)
        with tqdm_hook.catching():
            sys.modules["tqdm"] = None
            try:
                import tqdm
            except ImportError:
                pass
        assert sys.meta_path == finders
        assert "tqdm.std" not in sys.modules
    """)


#: What every script begins with.
PRELUDE = """
from dash_long_components.core.records import Record
from dash_long_components.running import current, tqdm_hook

def job_of(job_id="job"):
    return current.CurrentJob(
        Record(id=job_id, task="module.task", code="", created=0.0, changed=0.0)
    )
"""


def run_script(text: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(text)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
