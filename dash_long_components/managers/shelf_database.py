"""A shelf in a database, by SQLAlchemy."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from typing import Any

import celery

from ..exceptions import StoreError
from .shelves import PENDING, STATE, Shelf, text_of


class DatabaseShelf(Shelf):
    """A shelf in Celery's own table of a database. The version is in the status."""

    def __init__(self, app: celery.Celery) -> None:
        super().__init__(app)
        self._engines: dict[int, Any] = {}

    @property
    def _engine(self) -> Any:
        """The engine of this process. Celery makes one for every single read."""
        engine = self._engines.get(os.getpid())
        if engine is None:
            session = self._backend.ResultSession()  # creates the table
            engine = self._engines[os.getpid()] = session.get_bind()
            session.close()
        return engine

    @property
    def _table(self) -> Any:
        return self._backend.task_cls.__table__

    def read(
        self, keys: Sequence[str], task_id: str | None = None
    ) -> tuple[list[str | None], dict[str, Any]]:
        rows = self._rows([*keys, *([task_id] if task_id else [])])
        meta = PENDING
        if task_id and task_id in rows:
            meta = self._meta(task_id)
        return [text_of(rows[key][1]) if key in rows else None for key in keys], meta

    def write(self, key: str, text: str) -> None:
        while not (self._update(key, text) or self._insert(key, text)):
            pass  # somebody else has inserted it, or a sweep has removed it

    def look(self, key: str) -> tuple[str | None, Any]:
        version, data = self._rows([key]).get(key, (None, None))
        return text_of(data), version

    def swap(self, key: str, version: Any, text: str) -> bool:
        if version is None:
            return self._insert(key, text)
        return self._update(key, text, version)

    def _rows(self, keys: Sequence[str]) -> dict[str, tuple[str, bytes]]:
        columns = self._table.c
        query = self._table.select().with_only_columns(
            columns.task_id, columns.status, columns.result
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query.where(columns.task_id.in_(keys)))
            return {row.task_id: (row.status, row.result) for row in rows}

    def _update(self, key: str, text: str, version: str | None = None) -> bool:
        columns = self._table.c
        query = self._table.update().where(columns.task_id == key)
        if version is not None:
            query = query.where(columns.status == version)
        return self._execute(query, text)

    def _insert(self, key: str, text: str) -> bool:
        from sqlalchemy.exc import IntegrityError

        try:
            return self._execute(self._table.insert().values(task_id=key), text)
        except IntegrityError:
            return False

    def _execute(self, query: Any, text: str) -> bool:
        from sqlalchemy.exc import DataError

        status = f"{STATE}:{secrets.token_urlsafe(12)}"
        query = query.values(status=status, result=text.encode())
        try:
            with self._engine.begin() as connection:
                return bool(connection.execute(query).rowcount)
        except DataError as error:
            raise StoreError(
                f"Celery's result backend takes no text of {len(text)} characters: "
                f"{error.orig}. Make the column {self._table.name}.result a larger one."
            ) from error
