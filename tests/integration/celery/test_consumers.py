"""Workers that take no messages, though their processes live."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import celery
import pytest

from tests.integration import brokers
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


@pytest.mark.alone
def test_worker_outlives_the_consumer_timeout_of_rabbitmq(
    redis: Redis, tmp_path: Path
) -> None:
    """It has reserved a job for long, since another one takes long."""
    for name in ("broker", "web"):
        (tmp_path / name).mkdir()
    held = tmp_path / "held"
    with ExitStack() as stack:
        rabbitmq = stack.enter_context(
            brokers.rabbitmq(tmp_path / "broker", consumer_timeout=2)
        )
        setting = Setting.celery(rabbitmq.virtual_host(), redis.database(), LEASE)
        page = stack.enter_context(serving(setting.web(), tmp_path / "web")).page()
        command = setting.worker("-c", "1", "-n", "one@test")
        worker = stack.enter_context(working(command, tmp_path / "one"))
        job = page.start("hold", str(held))
        until(held.exists, TIMEOUT)
        reserved = page.start("echo", 1)
        until(lambda: worker.log.count("Connected to amqp") == 2, TIMEOUT)
        assert "PRECONDITION_FAILED" in worker.log
        Path(f"{held}.go").touch()
        page.wait_for("succeeded", job, reserved)
        assert page.run("echo", 2).result == 2
        assert worker.log.count("of tasks_app.echo has started") == 2
