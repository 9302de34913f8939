"""The settings of a dispatcher, which the server that starts it sends."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from ....core.queueing import Sizes
from ..worker.app_code import AppCode


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings that a new dispatcher gets, as JSON on its standard input.

    Attributes:
        directory: of the store.
        result_ttl: seconds for which the record of an ended job is stored.
        code: version of the app's code.
        sizes: how many jobs of each queue may run at once, over all code versions.
        start_method: ``fork`` or ``spawn``.
        results: the user's cache, where results are cached, as ``ResultCache.dumps``.
        app: what to import.
    """

    directory: str
    result_ttl: float
    code: str
    sizes: Sizes
    start_method: str
    results: str
    app: AppCode

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Settings:
        fields = json.loads(data)
        app, sizes = AppCode.from_dict(fields["app"]), Sizes(**fields["sizes"])
        return cls(**{**fields, "app": app, "sizes": sizes})
