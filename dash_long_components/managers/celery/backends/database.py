"""Texts in a database, by SQLAlchemy."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import celery

from ....exceptions import StoreError
from .base import PENDING, STATE, Backend, text_of

#: Values in one condition. Oracle takes the fewest of all databases.
_MANY = 1000


class DatabaseBackend(Backend):
    """Texts in Celery's own table of a database. The status column has the version."""

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
        self, keys: Sequence[str], task_ids: Sequence[str] = ()
    ) -> tuple[list[str | None], list[dict[str, Any]]]:
        rows = self._rows([*keys, *task_ids])
        texts = [text_of(rows[key][1]) if key in rows else None for key in keys]
        metas = [self._task(key) if key in rows else PENDING for key in task_ids]
        return texts, metas

    def write(self, key: str, text: str) -> None:
        while not (self._update(key, text) or self._insert(key, text)):
            pass  # another process has inserted it, or a sweep has removed it

    def write_many(self, texts: Mapping[str, str]) -> None:
        from sqlalchemy.exc import IntegrityError

        try:
            # One transaction takes SQLite's lock once, and lets leases through.
            with self._transaction() as connection:
                for key, text in texts.items():
                    query = self._table.insert().values(task_id=key)
                    connection.execute(self._filled(query, text))
        except IntegrityError:
            # A first try has written them, and its answer was lost.
            super().write_many(texts)

    def delete(self, keys: Sequence[str]) -> None:
        query = self._table.delete().where(self._table.c.task_id.in_(keys))
        with self._transaction() as connection:
            connection.execute(query)

    def keep(self, keys: Sequence[str]) -> None:
        column = self._table.c.task_id
        for at in range(0, len(keys), _MANY):
            self._keep(column.in_(keys[at : at + _MANY]))

    def _keep(self, condition: Any) -> None:
        # Any update sets Celery's own time, and this one leaves the version alone.
        query = self._table.update().where(condition)
        with self._transaction() as connection:
            connection.execute(query.values(task_id=self._table.c.task_id))

    def look(self, key: str) -> tuple[str | None, Any]:
        version, data = self._rows([key]).get(key, (None, None))
        return text_of(data), version

    def swap(self, key: str, version: Any, text: str) -> bool:
        if version is None:
            return self._insert(key, text)
        return self._update(key, text, version)

    def list_in(self, keys: Sequence[str], name: str, at: float) -> None:
        for key in keys:
            # The keys of a list are in the order of time.
            self.write(f"{key}.{_place(at)}.{name}", "")

    def move(self, key: str, places: Mapping[str, float]) -> None:
        column = self._table.c.task_id
        for name, at in places.items():
            # First the new place: a process that dies now leaves the name in the list.
            self.list_in([key], name, at)
            is_it = column.endswith(f".{name}", autoescape=True)
            is_old = is_it & (column != f"{key}.{_place(at)}.{name}")
            with self._transaction() as connection:
                connection.execute(self._table.delete().where(self._in(key), is_old))

    def keep_list(self, key: str) -> None:
        self._keep(self._in(key))

    def unlist(self, key: str, *names: str) -> None:
        with self._transaction() as connection:
            for name in names:
                is_it = self._table.c.task_id.endswith(f".{name}", autoescape=True)
                connection.execute(self._table.delete().where(self._in(key), is_it))

    def listed(
        self, key: str, start: int, count: int, *, newest_first: bool = True
    ) -> list[str]:
        column = self._table.c.task_id
        order = column.desc() if newest_first else column.asc()
        query = self._names(key).order_by(order).offset(start)
        return self._some(query, count)

    def listed_until(self, key: str, at: float, count: int) -> list[str]:
        column = self._table.c.task_id
        is_due = column < f"{key}.{_place(at + 1e-6)}"
        return self._some(self._names(key).where(is_due).order_by(column), count)

    def _names(self, key: str) -> Any:
        query = self._table.select().with_only_columns(self._table.c.task_id)
        return query.where(self._in(key))

    def _some(self, query: Any, count: int) -> list[str]:
        with self._engine.connect() as connection:
            rows = connection.execute(query.limit(count)).all()
        return [row.task_id.rpartition(".")[2] for row in rows]

    def length(self, key: str) -> int:
        from sqlalchemy import func

        query = self._table.select().with_only_columns(func.count())
        with self._engine.connect() as connection:
            return int(connection.execute(query.where(self._in(key))).scalar_one())

    def _in(self, key: str) -> Any:
        """Return the condition of the rows of a list."""
        column = self._table.c.task_id
        if self._engine.dialect.name == "sqlite":
            # Its LIKE ignores case, and so the index.
            return column.between(f"{key}.0", f"{key}.:")
        return column.startswith(f"{key}.", autoescape=True)

    def _rows(self, keys: Sequence[str]) -> dict[str, tuple[str, bytes]]:
        columns = self._table.c
        query = self._table.select().with_only_columns(
            columns.task_id, columns.status, columns.result
        )
        found = {}
        with self._engine.connect() as connection:
            for at in range(0, len(keys), _MANY):
                some = columns.task_id.in_(keys[at : at + _MANY])
                for row in connection.execute(query.where(some)):
                    found[row.task_id] = (row.status, row.result)
        return found

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
        with self._transaction() as connection:
            return bool(connection.execute(self._filled(query, text)).rowcount)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Any]:
        from sqlalchemy.exc import DataError

        try:
            with self._engine.begin() as connection:
                yield connection
        except DataError as error:
            raise StoreError(
                f"Celery's result backend refuses a text: {error.orig}. Give the "
                f"column {self._table.name}.result a larger type."
            ) from error

    def _filled(self, query: Any, text: str) -> Any:
        status = f"{STATE}:{secrets.token_urlsafe(12)}"
        return query.values(status=status, result=text.encode())


def _place(at: float) -> str:
    """Return a text that is in the order of time, to the microsecond."""
    return f"{int(at * 1e6):017d}"
