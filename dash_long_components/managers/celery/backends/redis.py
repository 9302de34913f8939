"""Texts in Redis."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

from .base import Announcements, KeyValueBackend, text_of

_CHANNEL = "dash-long-jobs.changed"


class RedisBackend(KeyValueBackend):
    """Texts in Redis. The version of a text is the text itself."""

    #: redis-py reads a large text in half the time if it comes in fewer parts.
    room = 1024 * 1024

    #: Seconds without a byte after which Redis counts as unavailable. Celery waits
    #: for two minutes, during which a server has a thread less for other requests.
    TIMEOUT = 5.0

    _SWAP = """
        if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
            return 0
        end
        if ARGV[3] == '' then
            redis.call('SET', KEYS[1], ARGV[2])
        else
            redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
        end
        return 1
    """

    @cached_property
    def client(self) -> Any:
        """A client with Celery's settings and a shorter timeout."""
        settings = dict(self._backend.connparams)
        # A Unix socket has no time to connect in.
        for name in {"socket_timeout", "socket_connect_timeout"} & settings.keys():
            settings[name] = min(float(settings[name] or self.TIMEOUT), self.TIMEOUT)
        return self._backend._create_client(**settings)

    def _get(self, names: list[Any]) -> list[bytes | None]:
        found: list[bytes | None] = self.client.mget(names)
        return found

    def write(self, key: str, text: str) -> None:
        self.client.set(self._name(key), text.encode(), ex=self.expires)

    def write_many(self, texts: Mapping[str, str]) -> None:
        pipeline = self.client.pipeline(transaction=False)
        for key, text in texts.items():
            pipeline.set(self._name(key), text.encode(), ex=self.expires)
        pipeline.execute()

    def delete(self, keys: Sequence[str]) -> None:
        if keys:
            self.client.delete(*map(self._name, keys))

    def keep(self, keys: Sequence[str]) -> None:
        if self.expires is None:
            return
        pipeline = self.client.pipeline(transaction=False)
        for key in keys:
            pipeline.expire(self._name(key), self.expires)
        pipeline.execute()

    def list_in(self, keys: Sequence[str], name: str, at: float) -> None:
        pipeline = self.client.pipeline(transaction=False)
        for key in map(self._name, keys):
            pipeline.zadd(key, {name: at})
            if self.expires:
                # Some names have a place in the future.
                last = min(at, time.time()) - 2 * self.expires
                pipeline.zremrangebyscore(key, "-inf", last)
                pipeline.expire(key, 2 * self.expires)
        pipeline.execute()

    def keep_listed(self, keys: Sequence[str], name: str, at: float) -> None:
        # At its place, the next process that lists a name would remove it. So names
        # that are kept for long are the first in the list.
        oldest = time.time() - 1.5 * self.expires if self.expires else at
        self.list_in(keys, name, max(at, oldest))

    def move(self, key: str, places: Mapping[str, float]) -> None:
        pipeline = self.client.pipeline(transaction=False)
        pipeline.zadd(self._name(key), places)
        if self.expires:
            pipeline.expire(self._name(key), 2 * self.expires)
        pipeline.execute()

    def unlist(self, key: str, *names: str) -> None:
        self.client.zrem(self._name(key), *names)

    def listed(
        self, key: str, start: int, count: int, *, newest_first: bool = True
    ) -> list[str]:
        last = start + count - 1
        names = self.client.zrange(self._name(key), start, last, desc=newest_first)
        return [name.decode() for name in names]

    def listed_until(self, key: str, at: float, count: int) -> list[str]:
        names = self.client.zrangebyscore(self._name(key), "-inf", at, 0, count)
        return [name.decode() for name in names]

    def length(self, key: str) -> int:
        return int(self.client.zcard(self._name(key)))

    def look(self, key: str) -> tuple[str | None, Any]:
        data = self.client.get(self._name(key))
        return text_of(data), data or b""

    def swap(self, key: str, version: Any, text: str) -> bool:
        expires = self.expires or ""
        return bool(
            self.client.eval(
                self._SWAP, 1, self._name(key), version, text.encode(), expires
            )
        )

    def announce(self, text: str) -> None:
        self.client.publish(self._name(_CHANNEL), text.encode())

    def announcements(self) -> Announcements:
        return _Subscription(self.client, self._name(_CHANNEL))


class _Subscription(Announcements):
    """A subscription to a channel of Redis.

    Args:
        client: of a Redis.
        channel: name of the channel.
    """

    def __init__(self, client: Any, channel: bytes) -> None:
        self._client = client
        self._channel = channel
        self._pubsub: Any = None

    def take(self) -> set[str] | None:
        if self._pubsub is None:
            pubsub = self._client.pubsub()
            pubsub.subscribe(self._channel)
            self._pubsub = pubsub
            return None
        found = set()
        try:
            # The first message confirms the subscription.
            while (message := self._pubsub.get_message(timeout=0)) is not None:
                if message["type"] == "message":
                    found.add(message["data"].decode())
        except Exception:
            self.close()
            raise
        return found

    def close(self) -> None:
        pubsub, self._pubsub = self._pubsub, None
        if pubsub is not None:
            with suppress(Exception):  # the connection may be broken
                pubsub.close()
