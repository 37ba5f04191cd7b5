"""Carries out what is planned for the databases of a clone, and reads them without leaving a file beside them."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from upgrader.adapters.databases.unchanged import open_unchanged
from upgrader.domain.canary.clone import Edit, PathMove, Statement
from upgrader.domain.kept.tree import DiskFull, TreeUnreadable

_SHADOW = re.compile(r"_fts(_|$)|^sqlite_")
_QUERY_S = 30.0
_AT_ONCE = 200  # paths of one expression; SQLite takes a depth of 1000
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def schema_of(database: Path) -> int | None:
    """`user_version` of a database, None where there is none. The file is not written, and no -wal is made beside it.

    Raises sqlite3.DatabaseError.
    """
    if not database.is_file():
        return None
    with closing(open_unchanged(database)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def edit_database(
    database: Path,
    place: str,
    statements: tuple[Statement, ...],
    moves: tuple[PathMove, ...],
    inert: Callable[[str], str],
) -> tuple[Edit, ...]:
    """Carry out the plan in one database; `place` names it. One that is none, or damaged, is told and left as it is: no
    release can open it either. Raises DiskFull, TreeUnreadable: a clone that is edited in part is never run.
    """
    if not database.is_file():
        return ()
    try:
        with closing(sqlite3.connect(database, timeout=_QUERY_S)) as connection, connection:
            connection.create_function("inert", 1, lambda text: None if text is None else inert(str(text)))
            return tuple(_edits(connection, place, statements, moves))
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in _DAMAGED:
            return (Edit(place, f"it cannot be read ({error}), and lies in the clone as it is"),)
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
            raise DiskFull("there is no room for the clone", why=f"the disk filled up at {place}") from error
        raise TreeUnreadable(f"{place} could not be edited in the clone", why=str(error)) from error


def table_rows(database: Path, table: str) -> tuple[str, ...] | None:
    """All rows of a table as text; None where there is no such table, or none that can be read."""
    if not database.is_file():
        return None
    try:
        with closing(open_unchanged(database)) as connection:
            if not _columns(connection, table):
                return None
            return tuple(repr(row) for row in connection.execute(f'SELECT * FROM "{table}"'))
    except sqlite3.DatabaseError:
        return None


def _edits(
    connection: sqlite3.Connection, place: str, statements: tuple[Statement, ...], moves: tuple[PathMove, ...]
) -> Iterator[Edit]:
    for statement in statements:
        if set(statement.columns) <= (columns := _columns(connection, statement.table)) and columns:
            count = connection.execute(statement.sql).rowcount
            if count:
                yield Edit(f"{place}: {statement.table}", f"{count} row(s): {statement.why}")
    if count := sum(_move_paths(connection, moves[at : at + _AT_ONCE]) for at in range(0, len(moves), _AT_ONCE)):
        yield Edit(f"{place}: absolute paths", f"{count} row(s) now lead into the clone")


def _move_paths(connection: sqlite3.Connection, moves: tuple[PathMove, ...]) -> int:
    """Replace the old paths in every text column of every ordinary table, each column in one pass.

    Full-text tables are left: they are an index.
    """
    count, pairs = 0, [(str(move.old), str(move.new)) for move in moves]
    values = (*(word for pair in pairs for word in pair), *(old for old, _ in pairs))
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")
    for (table,) in found.fetchall():
        for column in () if _SHADOW.search(table) else sorted(_text_columns(connection, table)):
            moved = "replace(" * len(pairs) + f'"{column}"' + ", ?, ?)" * len(pairs)
            named = " OR ".join([f'instr("{column}", ?)'] * len(pairs))
            count += connection.execute(f'UPDATE "{table}" SET "{column}" = {moved} WHERE {named}', values).rowcount
    return count


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    """The stored columns of a table; generated ones cannot be set."""
    return {name for name, _ in _typed_columns(connection, table)}


def _text_columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {name for name, kind in _typed_columns(connection, table) if kind.upper() in ("TEXT", "ANY", "")}


def _typed_columns(connection: sqlite3.Connection, table: str) -> list[tuple[str, str]]:
    found = connection.execute("SELECT name, type FROM pragma_table_xinfo(?) WHERE hidden = 0", (table,))
    return [(str(name), str(kind)) for name, kind in found]
