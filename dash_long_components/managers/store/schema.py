"""The tables of a store, and how a store of another version is treated."""

from __future__ import annotations

import os
import sqlite3
import stat
import tempfile
from contextlib import suppress

from ...exceptions import StoreNewerError

#: Its column ``attempt`` holds the number of the run (``Record.run``): an attempt that
#: was handed over has several.
_JOBS = """
CREATE TABLE job (
    n INTEGER PRIMARY KEY,          -- grows with every job
    id TEXT NOT NULL UNIQUE,
    code TEXT NOT NULL,             -- version of the app's code
    task TEXT NOT NULL,
    key TEXT,                       -- equal calls have the same
    holds_key INTEGER,              -- 1: equal calls join this job
    waits_for_key INTEGER,          -- 1: queued again when the job that holds it ends
    status TEXT NOT NULL,
    owner TEXT,                     -- of the first requester; owned has all users
    title TEXT,                     -- unused
    queue TEXT,                     -- its name
    priority INTEGER NOT NULL DEFAULT 0,  -- in its queue; the highest comes first
    turn INTEGER,                   -- place in the queue; NULL: not in it
    queue_timeout REAL,             -- seconds
    submitted REAL NOT NULL,        -- by the monotonic clock
    submitted_wall REAL NOT NULL,   -- seconds since the epoch
    attempt INTEGER NOT NULL DEFAULT 1,  -- the present one, or the next
    next_try REAL,                  -- seconds since the epoch; not before then
    checkpoint BLOB,                -- unused; the table checkpoint has it
    trace TEXT,                     -- unused; the call has it
    dispatcher TEXT,                -- holds a worker slot for it; NULL: none does
    worker TEXT,                    -- the process that runs it
    deadline REAL,                  -- by the monotonic clock
    heartbeat REAL,                 -- unused
    ended REAL,                     -- by the monotonic clock
    ended_wall REAL,                -- seconds since the epoch
    record BLOB NOT NULL            -- JSON; last, since it may be large
);
CREATE INDEX job_in_queue ON job (code, turn) WHERE turn IS NOT NULL;
CREATE INDEX job_waiting ON job (code, n) WHERE status = 'queued';
CREATE INDEX job_in_slot ON job (n) WHERE dispatcher IS NOT NULL;
CREATE UNIQUE INDEX job_of_key ON job (code, key) WHERE holds_key = 1;
CREATE INDEX job_waiting_for_key ON job (code, key) WHERE waits_for_key = 1;
CREATE INDEX job_ended ON job (ended) WHERE ended IS NOT NULL;

CREATE TABLE call (
    job TEXT PRIMARY KEY,
    call BLOB NOT NULL              -- JSON; deleted when the job ends
);

CREATE TABLE result (
    job TEXT PRIMARY KEY,
    result BLOB NOT NULL            -- JSON
);
"""

_PEOPLE = """
CREATE TABLE requester (            -- of live jobs, until it cancels
    ticket TEXT PRIMARY KEY,
    job TEXT NOT NULL,
    owner TEXT,
    lane TEXT,
    seq INTEGER,
    position INTEGER,               -- in its lane
    waits INTEGER,                  -- 1: queued when its turn in the lane comes
    leave_timeout REAL,             -- seconds
    seen REAL                       -- by the monotonic clock
);
CREATE INDEX requester_in_lane ON requester (lane, position) WHERE lane IS NOT NULL;
CREATE INDEX requester_leaving ON requester (ticket) WHERE leave_timeout IS NOT NULL;

CREATE TABLE process (              -- servers and dispatchers
    role TEXT NOT NULL,
    code TEXT NOT NULL,
    process TEXT NOT NULL,
    host TEXT NOT NULL,
    port INTEGER,
    tasks TEXT,                     -- JSON; NULL: it has not imported the app
    heartbeat REAL NOT NULL,        -- seconds since the epoch; another one each time
    PRIMARY KEY (role, code, process)
) WITHOUT ROWID;

CREATE TABLE duration (             -- of successful runs
    n INTEGER PRIMARY KEY,
    task TEXT NOT NULL,
    seconds REAL NOT NULL
);
CREATE INDEX duration_of_task ON duration (task, n);

CREATE TABLE library (              -- component libraries that jobs have imported
    name TEXT PRIMARY KEY
) WITHOUT ROWID;

CREATE TABLE imported (             -- files of older versions that were read
    file TEXT PRIMARY KEY
) WITHOUT ROWID;

CREATE TABLE secret (               -- signs tokens; one row
    secret BLOB NOT NULL
);
"""

_SEARCHES = """
CREATE INDEX job_of_status ON job (status, n);
CREATE INDEX job_of_task ON job (task, status, n);

CREATE TABLE owned (                -- the jobs of each user
    owner TEXT NOT NULL,
    n INTEGER NOT NULL,             -- of the job
    PRIMARY KEY (owner, n)
) WITHOUT ROWID;
CREATE INDEX owned_job ON owned (n);
"""

_QUEUES = """
ALTER TABLE job RENAME COLUMN turn TO place;  -- in the queue; NULL: not in it
UPDATE job SET queue = 'default';
ALTER TABLE job ADD COLUMN concurrency INTEGER;  -- how many of its group run at once
ALTER TABLE job ADD COLUMN max_per_user INTEGER;  -- the same, for each user
ALTER TABLE job ADD COLUMN concurrency_group TEXT;  -- NULL: neither limits it
ALTER TABLE job ADD COLUMN round INTEGER;  -- NULL: users do not take turns
CREATE INDEX job_scheduled ON job (code) WHERE place IS NOT NULL
    AND (queue != 'default' OR priority != 0 OR concurrency_group IS NOT NULL);
"""

_CHECKPOINTS = """
CREATE TABLE checkpoint (           -- of live jobs; apart, since records change often
    job TEXT PRIMARY KEY,
    state TEXT NOT NULL
);
"""

_HOLDS = """
CREATE TABLE holds (                -- what operators hold back; one row
    holds TEXT NOT NULL             -- JSON
);
CREATE TABLE held (                 -- queued jobs of paused tasks
    n INTEGER PRIMARY KEY,          -- their order
    job TEXT NOT NULL UNIQUE
);
"""

_TALLY = """
CREATE TABLE tally (                -- how many jobs there are; triggers keep it
    task TEXT NOT NULL,
    status TEXT NOT NULL,
    queue TEXT NOT NULL,
    jobs INTEGER NOT NULL,
    PRIMARY KEY (task, status, queue)
) WITHOUT ROWID;
INSERT INTO tally SELECT task, status, coalesce(queue, 'default'), count(*)
    FROM job GROUP BY 1, 2, 3;
CREATE TRIGGER job_added AFTER INSERT ON job BEGIN
    INSERT INTO tally VALUES (new.task, new.status, coalesce(new.queue, 'default'), 1)
        ON CONFLICT (task, status, queue) DO UPDATE SET jobs = jobs + 1;
END;
CREATE TRIGGER job_deleted AFTER DELETE ON job BEGIN
    UPDATE tally SET jobs = jobs - 1 WHERE task = old.task AND status = old.status
        AND queue = coalesce(old.queue, 'default');
END;
CREATE TRIGGER job_changed AFTER UPDATE OF status ON job
WHEN old.status != new.status BEGIN
    UPDATE tally SET jobs = jobs - 1 WHERE task = old.task AND status = old.status
        AND queue = coalesce(old.queue, 'default');
    INSERT INTO tally VALUES (new.task, new.status, coalesce(new.queue, 'default'), 1)
        ON CONFLICT (task, status, queue) DO UPDATE SET jobs = jobs + 1;
END;
"""

_KEPT = """
CREATE TABLE kept (                 -- of jobs that have not succeeded, to retry them
    job TEXT PRIMARY KEY,
    call BLOB NOT NULL              -- JSON
);
"""

_HANDOVERS = """
CREATE TABLE handover (             -- jobs that go on with another dispatcher
    n INTEGER PRIMARY KEY,          -- their order
    job TEXT NOT NULL UNIQUE
);
"""

_HALTS = """
ALTER TABLE holds RENAME TO halts;
ALTER TABLE halts RENAME COLUMN holds TO halts;
ALTER TABLE held RENAME TO halted;
"""

#: A process of an older version does not know the newer tables. It may have the store
#: open, and delete jobs.
_CLEAN_UP = """
DELETE FROM checkpoint WHERE job NOT IN (SELECT id FROM job);
DELETE FROM halted WHERE job NOT IN (SELECT id FROM job);
DELETE FROM kept WHERE job NOT IN (SELECT id FROM job);
DELETE FROM handover WHERE job NOT IN (SELECT id FROM job);
CREATE TRIGGER job_gone AFTER DELETE ON job BEGIN
    DELETE FROM call WHERE job = old.id;
    DELETE FROM result WHERE job = old.id;
    DELETE FROM owned WHERE n = old.n;
    DELETE FROM checkpoint WHERE job = old.id;
    DELETE FROM halted WHERE job = old.id;
    DELETE FROM kept WHERE job = old.id;
    DELETE FROM handover WHERE job = old.id;
END;
"""

#: What the jobs of a kind have in common: their priority and all that limits them. The
#: highest priority comes first. An index has it: change it by a new migration alone.
KIND = (
    "printf('%d %s %s %s %s %s', 9 - priority, queue, concurrency_group, concurrency,"
    " max_per_user, CASE WHEN max_per_user IS NOT NULL THEN owner END)"
)

_KINDS = f"""
CREATE INDEX job_of_kind ON job (code, {KIND}, round, place) WHERE place IS NOT NULL;
CREATE INDEX job_sharing ON job (queue, priority, round)
    WHERE place IS NOT NULL AND round IS NOT NULL;
CREATE INDEX job_of_sharer ON job (queue, priority, owner, round)
    WHERE place IS NOT NULL AND round IS NOT NULL;
"""

_APPS = """
ALTER TABLE process ADD COLUMN app TEXT;  -- the same for all versions of its code
"""

_PAGES = """
ALTER TABLE process ADD COLUMN pages INTEGER;  -- 1: it has answered a page
"""

#: Scripts from each version to the next. Add one; never change one. Processes of older
#: code go on with the result: add tables, and columns that may be NULL. Rename nothing;
#: two old scripts did, before processes went on with newer versions.
MIGRATIONS = (
    _JOBS + _PEOPLE,
    _SEARCHES,
    _QUEUES,
    _CHECKPOINTS,
    _HOLDS,
    _TALLY,
    _KEPT,
    _HANDOVERS,
    _HALTS,
    _CLEAN_UP,
    _KINDS,
    _APPS,
    _PAGES,
)

VERSION = len(MIGRATIONS)


def make_private(path: str) -> None:
    """Make a database file and its directory that no other user can read.

    SQLite gives its log the mode of the file.

    Raises:
        OSError: the directory can't be used.
    """
    directory = os.path.dirname(path)
    os.makedirs(directory, mode=0o700, exist_ok=True)
    if not os.path.exists(path):
        _make(path)
    for each, mode in ((directory, 0o700), (path, 0o600)):
        if stat.S_IMODE(os.stat(each).st_mode) != mode:
            # They may be another user's, who shares them with this one.
            with suppress(PermissionError):
                os.chmod(each, mode)


def _make(path: str) -> None:
    # Under another name: to close a file takes away all locks on it that connections in
    # other threads of this process hold.
    descriptor, empty = tempfile.mkstemp(dir=os.path.dirname(path))
    os.close(descriptor)
    try:
        with suppress(FileExistsError):
            os.link(empty, path)
    finally:
        os.remove(empty)


def prepare(
    connection: sqlite3.Connection, path: str, *, is_in_use: bool = False
) -> None:
    """Bring a database to the version of this code.

    Args:
        connection: with it.
        path: of it.
        is_in_use: whether this process has opened it before. Then newer code may have
            migrated it since: jobs of the old code go on.

    Raises:
        StoreNewerError: newer code has made it.
        sqlite3.Error: it can't be read or written.
    """
    if is_in_use and _version(connection) >= VERSION:
        return
    if _check(connection, path) == VERSION:
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have done it meanwhile.
        migrate(connection, _check(connection, path))
        connection.execute("COMMIT")
    except BaseException:  # an interrupt too must not leave a transaction open
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring a database from a version to the newest. Call it in a transaction."""
    for script in MIGRATIONS[version:]:
        # executescript() would commit first.
        for statement in _statements(script):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _check(connection: sqlite3.Connection, path: str) -> int:
    version = _version(connection)
    if version > VERSION:
        raise StoreNewerError(
            f"A newer dash-long-components has written the job store {path} (version "
            f"{version}; this one knows {VERSION}). Install that one again, or give "
            "the manager another directory."
        )
    return version


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _statements(script: str) -> list[str]:
    statements: list[str] = []
    text = ""
    for line in script.splitlines(keepends=True):
        text += line
        if sqlite3.complete_statement(text):
            statements.append(text)
            text = ""
    return statements
