"""Databases are read as they are and nothing is left beside them."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from upgrader.adapters.databases.read_only import ReadOnlyDatabases
from upgrader.domain.pairing.ports import DatabaseUnreadable, Query

QUERY = (Query("t", "SELECT x FROM t ORDER BY x"), Query("none", "SELECT 1 FROM missing"))
# Opens the database, writes one more row, says so, and waits to be killed.
OWNER = """
import sqlite3, sys, threading
c = sqlite3.connect(sys.argv[1]); c.execute("INSERT INTO t VALUES (2)"); c.commit()
print("ready", flush=True); threading.Event().wait()
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A closed database in WAL mode with one row."""
    path = tmp_path / "state" / "a.sqlite"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (1)")
        connection.commit()
    return path


@pytest.fixture
def databases(tmp_path: Path) -> ReadOnlyDatabases:
    """The adapter under test, with a folder of its own for copies."""
    (tmp_path / "tmp").mkdir()
    return ReadOnlyDatabases(tmp_path / "tmp")


@contextmanager
def owned(database: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that has the database open and wrote a second row into its -wal."""
    with subprocess.Popen((sys.executable, "-c", OWNER, str(database)), stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "ready\n"
        yield owner
        owner.kill()


def beside(database: Path) -> dict[str, tuple[int, int]]:
    """Everything in its folder, with size and time."""
    return {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in database.parent.iterdir()}


def values(databases: ReadOnlyDatabases, database: Path) -> list[object]:
    found, missing = databases.read(database, QUERY)
    assert not missing.present
    assert found.columns == ("x",)
    return [row[0] for row in found.rows]


def test_a_closed_database_is_read_without_a_trace(databases: ReadOnlyDatabases, database: Path) -> None:
    before = beside(database)
    assert values(databases, database) == [1]
    assert beside(database) == before
    assert set(before) == {"a.sqlite"}


def test_a_database_in_use_is_read_with_what_is_only_in_its_wal(databases: ReadOnlyDatabases, database: Path) -> None:
    with owned(database):
        names = set(beside(database))
        assert values(databases, database) == [1, 2]
        assert set(beside(database)) == names


def test_a_database_whose_owner_was_killed_is_read_with_its_wal_and_without_a_trace(
    databases: ReadOnlyDatabases, database: Path, tmp_path: Path
) -> None:
    with owned(database) as owner:
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
        before = beside(database)
        assert "a.sqlite-wal" in before
        assert values(databases, database) == [1, 2]
        assert beside(database) == before
    assert list((tmp_path / "tmp").iterdir()) == [], "the private copy is gone"


def test_a_database_that_is_not_there_is_not_made(databases: ReadOnlyDatabases, tmp_path: Path) -> None:
    found = databases.read(tmp_path / "none.sqlite", QUERY)
    assert [rows.present for rows in found] == [False, False]
    assert not (tmp_path / "none.sqlite").exists()


def test_a_file_that_is_no_database_is_an_error_with_its_name(databases: ReadOnlyDatabases, tmp_path: Path) -> None:
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"no database" * 100)
    with pytest.raises(DatabaseUnreadable, match=r"broken\.sqlite"):
        databases.read(broken, QUERY)


def test_nothing_can_be_written_through_it(databases: ReadOnlyDatabases, database: Path) -> None:
    with pytest.raises(DatabaseUnreadable):
        databases.read(database, (Query("t", "INSERT INTO t VALUES (9)"),))


def test_a_query_that_does_not_end_is_ended(database: Path, tmp_path: Path) -> None:
    endless = Query("t", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
    with pytest.raises(DatabaseUnreadable, match="cannot read"):
        ReadOnlyDatabases(tmp_path, timedelta(seconds=0.2)).read(database, (endless,))
