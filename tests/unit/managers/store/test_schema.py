"""The rows of a job in all tables of a store."""

from __future__ import annotations

from dash_long_components.managers.store import schema
from dash_long_components.managers.store.store import Store
from tests.unit.managers.store.made import submit

#: Tables with rows of jobs that go before their job, or stay for others.
OTHERS = ("job", "duration", "requester")


def test_all_rows_of_a_job_go_with_it_whichever_process_deletes_it(
    store: Store,
) -> None:
    database = store._database

    def columns(table: str) -> list[str]:
        return [row[1] for row in database.query(f"PRAGMA table_info({table})")]

    found = database.query("SELECT name FROM sqlite_master WHERE type = 'table'")
    tables = [
        name
        for (name,) in found
        if name not in OTHERS and {"job", "n"} & {*columns(name)}
    ]
    assert {"call", "result", "owned", "halted", "kept"} <= {*tables}
    with database.transaction():
        for job_id in ("a", "b"):
            submit(store, job_id)
            n = database.value("SELECT n FROM job WHERE id = ?", job_id)
            for table in tables:
                names = columns(table)
                values = [job_id if name == "job" else n for name in names]
                marks = ", ".join("?" for _ in names)
                database.run(
                    f"INSERT OR REPLACE INTO {table} VALUES ({marks})", *values
                )
        # An older version does not know all tables.
        database.run("DELETE FROM job WHERE id = 'a'")
    for table in tables:
        assert database.value(f"SELECT count(*) FROM {table}") == 1, table


def test_newer_versions_leave_what_older_code_uses() -> None:
    # Version 9 has renamed tables, before processes went on with newer versions.
    for script in schema.MIGRATIONS[10:]:
        for statement in schema._statements(script):
            words = statement.upper().split()
            assert not {"RENAME", "DROP"} & {*words}, statement
            assert "ADD" not in words or "NOT" not in words, statement
