"""Reads databases without touching them, changes them in one transaction: what the planners of a rollback share."""

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from upgrader.adapters.files.durable import make_private
from upgrader.adapters.files.filecopy import Copier
from upgrader.domain.moves.settle import Action, NotSettled, Settled

Row = tuple[object, ...]


@dataclass(frozen=True)
class Change:
    """One statement for a database of the incoming tree, and what to tell of it.

    `row` is what it replaces and `key` the table and key of an effect it settles, both for the record.
    """

    sql: str
    parameters: dict[str, object] = field(repr=False)
    item: Settled
    row: str = field(default="", repr=False)
    key: Row = ()


@dataclass(frozen=True)
class RowPlan:
    """What has to be changed in one database, and what can only be told."""

    changes: tuple[Change, ...]
    listed: tuple[Settled, ...]


@contextmanager
def address_of(path: Path, scratch_root: Path) -> Iterator[str]:
    """The SQLite address by which `path` can be read without changing anything beside it.

    A database that still has a write-ahead log or journal (its gateway was killed) is read from a scratch copy: opening
    it in place would roll the log in. The copy lies in a new directory below `scratch_root` while the block runs.
    """
    sides = [path.with_name(path.name + ending) for ending in ("-wal", "-journal")]
    if not any(side.exists() and side.stat().st_size for side in sides):
        yield f"file:{quote(os.fsencode(path))}?mode=ro&immutable=1"
        return
    with tempfile.TemporaryDirectory(prefix="reading-", dir=make_private(scratch_root)) as scratch:
        for source in (path, *sides):
            if source.exists():
                Copier().copy(source, Path(scratch) / source.name)
        yield f"file:{quote(os.fsencode(Path(scratch) / path.name))}"


@contextmanager
def reading(path: Path, scratch_root: Path) -> Iterator[sqlite3.Connection | None]:
    """A connection that reads `path` and changes nothing beside it; None where there is no such file. Raises NotSettled."""
    if not path.exists():
        yield None
        return
    with address_of(path, scratch_root) as address:
        try:
            with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise NotSettled(f"cannot read {path}", why=str(error), unchanged="the database was not changed") from error


def perform(path: Path, changes: tuple[Change, ...]) -> None:
    """Make the changes in one transaction. Raises NotSettled; then none of them was made."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as connection:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            for change in changes:
                connection.execute(change.sql, change.parameters)
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise NotSettled(f"cannot settle {path}", why=str(error), unchanged="the database was not changed") from error


def told(action: Action, what: str, why: str, place: Path | None = None) -> Settled:
    """One line of the report; `place` is where the newer one lies."""
    return Settled(action.value, what, why, str(place or ""))


def shown_key(key: Row) -> str:
    """A key as it may be shown: ids only."""
    return "/".join(str(part) for part in key)


def columns_of(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    """The columns of a table in order; empty where there is no such table."""
    return tuple(str(row[1]) for row in connection.execute(f'PRAGMA table_info("{table}")'))


def match(names: tuple[str, ...], key: Row) -> tuple[str, dict[str, object]]:
    """A condition on a key, and its parameters."""
    where = " AND ".join(f"{name} = :k{number}" for number, name in enumerate(names))
    return where, {f"k{number}": part for number, part in enumerate(key)}


def insert(table: str, columns: tuple[str, ...], row: Row) -> tuple[str, dict[str, object]]:
    """The statement that puts a whole row in place, and its parameters."""
    names = ", ".join(columns)
    marks = ", ".join(f":c{number}" for number in range(len(columns)))
    return f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", {f"c{n}": value for n, value in enumerate(row)}


def row_json(connection: sqlite3.Connection, table: str, where: str, parameters: dict[str, object]) -> str:
    """The row as it was, for the private record of what was settled."""
    cursor = connection.execute(f"SELECT * FROM {table} WHERE {where}", parameters)
    names = [column[0] for column in cursor.description]
    return json.dumps([dict(zip(names, row, strict=True)) for row in cursor.fetchall()], default=lambda value: value.hex())


def mapping(text: str) -> dict[str, object]:
    """A JSON object; anything else counts as empty."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
