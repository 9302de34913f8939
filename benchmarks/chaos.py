"""``python -m benchmarks.chaos``: many jobs with checkpoints, and many kills.

Says how many steps were done twice. Fails if a job has another end than its result.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.integration import brokers, chaos
from tests.integration.deployment import Setting, deployed

MANAGERS = ["diskcache", "redis", "rabbitmq"]


def main() -> None:
    """Run it with the manager and the numbers of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--manager", choices=MANAGERS, required=True)
    parser.add_argument("--group", action="store_true", help="four jobs at once")
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=0.1, help="of a step")
    parser.add_argument("--interval", type=float, default=1.0, help="between kills, s")
    parser.add_argument("--timeout", type=float, default=1800.0, help="of all, s")
    parser.add_argument("--mains", action="store_true", help="kill those too")
    parser.add_argument(
        "--kill-for", type=float, default=math.inf, help="seconds; then no more kills"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.manager == "diskcache":
            report(Setting({"max_concurrency": 8}), folder, given)
            return
        with ExitStack() as stack:
            server = stack.enter_context(brokers.redis(_made(folder / "redis")))
            broker = server.database()
            if given.manager == "rabbitmq":
                rabbitmq = brokers.rabbitmq(_made(folder / "rabbitmq"))
                broker = stack.enter_context(rabbitmq).virtual_host()
            report(Setting.celery(broker, server.database()), folder, given)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def report(setting: Setting, folder: Path, given: argparse.Namespace) -> None:
    """Run the jobs, check their account, and print it."""
    with deployed(setting, folder, 1, "-c", "8") as deployment:
        account = chaos.run(
            deployment.page(),
            folder / "ledger",
            task="chaos-group" if given.group else "chaos",
            jobs=given.jobs,
            steps=given.steps,
            seconds=given.seconds,
            interval=given.interval,
            timeout=given.timeout,
            kill_main=deployment.kill_main if given.mains else None,
            kill_for=given.kill_for,
        )
    account.check(given.jobs, given.steps)
    repeated = sum(account.steps.values()) - len(account.steps)
    print(
        f"{given.manager}: {given.jobs} jobs of {given.steps} steps, "
        f"{sum(account.kills.values())} kills, {repeated} steps done twice, "
        f"{account.after:.1f} s from the last kill to the last end"
    )


if __name__ == "__main__":
    main()
