"""Workers that take no messages, though their processes live."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import celery

from tests.integration.brokers import Redis
from tests.integration.deployment import Setting, working
from tests.integration.page import TIMEOUT
from tests.integration.servers import serving
from tests.promises import promised
from tests.waiting import until

LEASE = 1.0

#: What a worker says when it has recovered.
AGAIN = "one@test takes messages again"


def test_worker_that_takes_no_messages_is_noticed(redis: Redis, tmp_path: Path) -> None:
    """It connects again if it can, and otherwise other workers take its jobs."""
    broker = redis.database()
    setting = Setting.celery(broker, redis.database(), lease=LEASE)

    def start(name: str) -> list[str]:
        return setting.worker("-c", "1", "-n", name, app="stuck_app:celery_app")

    held, hangs = tmp_path / "held", tmp_path / "hangs"
    (tmp_path / "web").mkdir()
    with ExitStack() as stack:
        web = stack.enter_context(serving(setting.web(), tmp_path / "web"))
        page = web.page()
        worker = stack.enter_context(working(start("one@test"), tmp_path / "one"))
        app = stack.enter_context(celery.Celery("app", broker=broker))
        with promised("3 × lease + 20 s", lease=LEASE):
            app.control.broadcast("deafen")
            until(lambda: "deaf now" in worker.log, TIMEOUT)
            assert page.run("echo", 1).result == 1
        assert "takes no messages. It has a free process" in worker.log
        until(lambda: worker.log.count(AGAIN) == 1, TIMEOUT)

        running = page.start("hold", str(held))
        until(held.exists, TIMEOUT)
        reserved = page.start("echo", 2)
        until(lambda: "tasks_app.echo" in worker.log.rpartition(AGAIN)[2], TIMEOUT)
        hangs.touch()
        with promised("6 × lease + 20 s", lease=LEASE):
            app.control.broadcast("hang", arguments={"name": str(hangs)})
            Path(f"{held}.go").touch()
            page.wait_for("succeeded", running)
            stack.enter_context(working(start("two@test"), tmp_path / "two"))
            page.wait_for("succeeded", reserved)
        assert "takes no messages. Its main thread" in worker.log
        hangs.unlink()
        until(lambda: worker.log.count(AGAIN) == 2, TIMEOUT)
