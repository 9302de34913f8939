"""How many rows the tables of a job store have."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from dash_long_components.managers.store.store import Store


def row_counts(store: Store) -> dict[str, int]:
    """Return the number of rows of each table, to see what is left over."""
    with closing(sqlite3.connect(store.path)) as database:
        names = [
            name
            for (name,) in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
                " AND name NOT LIKE 'sqlite_%'"
            )
        ]
        return {
            name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
            for name in names
        }
