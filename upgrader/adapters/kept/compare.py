"""Compares two stopped states: paths and bytes, and in databases schema, tables, rows and columns.

A database is compared by what it says, not by its pages: the same rows may lie in other places after a start and a stop.
Nothing is changed on either side.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from upgrader.adapters.databases.live import MAGIC, SIDE_FILES
from upgrader.adapters.files.filecopy import CHUNK, starts_with
from upgrader.adapters.files.trees import Pair, pairs
from upgrader.adapters.settling.sql import address_of
from upgrader.domain.kept.sameness import Difference, Exclusions, Sameness, without_keys
from upgrader.domain.kept.tree import EntryKind, TreeEntry
from upgrader.errors import UpgraderError

Row = tuple[object, ...]


class NotComparable(UpgraderError):
    """A database cannot be read, so nothing can be said."""

    default_code = "not_comparable"


@dataclass
class _Count:
    paths: int = 0
    rows: int = 0


@dataclass(frozen=True)
class Comparer:
    """Compares by one list of exclusions. `scratch` is a private directory for copies of databases with a log."""

    exclusions: Exclusions
    scratch: Path

    def compare(self, before: Path, after: Path) -> Sameness:
        """All differences but the excluded ones, sorted as a walk is. Raises NotComparable, TreeUnreadable."""
        count = _Count()
        found = tuple(self._walk(before, after, count))
        return Sameness(found, count.paths, count.rows)

    def _walk(self, before: Path, after: Path, count: _Count) -> Iterator[Difference]:
        databases: set[str] = set()
        gone: list[str] = []
        for step in pairs(before, after, lambda path: not self.exclusions.leaves_out(path)):
            if not isinstance(step, Pair):
                continue
            entry = step.source or step.destination
            assert entry is not None  # a pair has a side
            if self.exclusions.leaves_out(entry.path) or _is_side_file(entry.path, databases):
                continue
            count.paths += 1
            if step.source is None or step.destination is None:
                if not any(entry.path.startswith(f"{path}/") for path in gone):
                    yield Difference(entry.path, "appeared" if step.source is None else "is gone")
                    gone.append(entry.path)
                continue
            yield from self._entry(before, after, (step.source, step.destination), databases, count)

    def _entry(
        self, before: Path, after: Path, both: tuple[TreeEntry, TreeEntry], databases: set[str], count: _Count
    ) -> Iterator[Difference]:
        was, now = both
        if (was.kind, was.target) != (now.kind, now.target):
            yield Difference(was.path, "is of another kind or points elsewhere")
            return
        if was.mode != now.mode:
            yield Difference(was.path, f"mode {was.mode:o} became {now.mode:o}")
        if was.kind is not EntryKind.FILE:
            return
        first, second = before / was.path, after / was.path
        if starts_with(first, MAGIC) and starts_with(second, MAGIC):
            databases.add(was.path)
            yield from self._database(was.path, first, second, count)
        elif not _same_bytes(first, second) and not self._same_but_keys(was.path, first, second):
            yield Difference(was.path, "its bytes differ")

    def _same_but_keys(self, path: str, first: Path, second: Path) -> bool:
        keys = self.exclusions.keys_left_out(path)
        return bool(keys) and _same_json(first.read_bytes(), second.read_bytes(), keys)

    def _database(self, path: str, first: Path, second: Path, count: _Count) -> Iterator[Difference]:
        try:
            with ExitStack() as stack:
                one, two = (stack.enter_context(address_of(each, self.scratch)) for each in (first, second))
                connection = stack.enter_context(closing(sqlite3.connect(one, uri=True, isolation_level=None)))
                connection.execute("ATTACH ? AS later", (two,))
                yield from _DatabasePair(connection, path, self.exclusions, count).differences()
        except sqlite3.Error as error:
            raise NotComparable(f"cannot compare {path}", why=str(error)) from error


@dataclass(frozen=True)
class _DatabasePair:
    """One connection: the earlier database is `main`, the later one `later`."""

    connection: sqlite3.Connection
    path: str
    exclusions: Exclusions
    count: _Count

    def differences(self) -> Iterator[Difference]:
        versions = [self.connection.execute(f"PRAGMA {side}.user_version").fetchone() for side in ("main", "later")]
        if versions[0] != versions[1]:
            yield Difference(self.path, f"schema {versions[0][0]} became {versions[1][0]}")
        was, now = self._schema("main"), self._schema("later")
        for name in sorted(was.keys() | now.keys()):
            if "*" in self.exclusions.columns_left_out(self.path, name):
                continue
            if was.get(name) != now.get(name):
                change = "appeared" if name not in was else "is gone" if name not in now else "has another form"
                yield Difference(f"{self.path}: {name}", change)
            elif was[name][0] == "table" and not was[name][1].upper().startswith("CREATE VIRTUAL"):
                yield from self._table(name)

    def _schema(self, side: str) -> dict[str, tuple[str, str]]:
        rows = self.connection.execute(f"SELECT name, type, coalesce(sql, '') FROM {side}.sqlite_master")
        return {str(name): (str(kind), str(sql)) for name, kind, sql in rows}

    def _table(self, table: str) -> Iterator[Difference]:
        info = self.connection.execute(f'PRAGMA main.table_info("{table}")').fetchall()
        key = [str(row[1]) for row in sorted(info, key=lambda row: int(row[5])) if row[5]]
        left_out = self.exclusions.columns_left_out(self.path, table)
        wanted = [name for name in (str(row[1]) for row in info) if name not in left_out]
        self.count.rows += int(self.connection.execute(f'SELECT count(*) FROM main."{table}"').fetchone()[0])
        yield from self._changed_rows(table, wanted, key)
        yield from self._duplicates(table, wanted)

    def _changed_rows(self, table: str, wanted: list[str], key: list[str]) -> Iterator[Difference]:
        """Rows that are on one side only, paired by the table's key; without one, by all that is wanted of them."""
        gone, fresh = self._only(table, wanted, "main", "later"), self._only(table, wanted, "later", "main")
        places = [wanted.index(name) for name in key if name in wanted] or list(range(len(wanted)))
        was, now = ({tuple(row[p] for p in places): row for row in rows} for rows in (gone, fresh))
        for found in sorted({*was, *now}, key=repr):
            place = f"{self.path}: {table}[{_shown(found, keyed=bool(key))}]"
            if found in was and found in now:
                yield from self._row(place, table, zip(wanted, was[found], now[found], strict=False))
            else:
                yield Difference(place, "the row appeared" if found in now else "the row is gone")

    def _row(self, place: str, table: str, cells: Iterable[tuple[str, object, object]]) -> Iterator[Difference]:
        """What differs of one row; `cells` are the name of a column and what it held and holds."""
        for name, was, now in cells:
            if was != now and not self._same_json_column(table, name, was, now):
                yield Difference(place, f"{name} differs")

    def _only(self, table: str, columns: list[str], side: str, other: str) -> list[Row]:
        wanted = self._wanted(table, columns)
        query = f'SELECT {wanted} FROM {side}."{table}" {self._rows(table)}'
        return self.connection.execute(f'{query} EXCEPT SELECT {wanted} FROM {other}."{table}" {self._rows(table)}').fetchall()

    def _rows(self, table: str) -> str:
        """The condition of the rows that count."""
        whole = [rows for rows, column in self._conditions(table) if not column]
        return "WHERE " + " AND ".join(f"coalesce(NOT ({rows}), 1)" for rows in whole) if whole else ""

    def _conditions(self, table: str) -> Iterator[tuple[str, str]]:
        """Conditions this schema can answer; one on a column it has not leaves nothing out."""
        for rows, column in self.exclusions.rows_left_out(self.path, table):
            try:
                self.connection.execute(f'SELECT 1 FROM main."{table}" WHERE {rows} LIMIT 0')
            except sqlite3.OperationalError:
                continue
            yield rows, column

    def _wanted(self, table: str, columns: list[str]) -> str:
        """The columns that count; one that may differ in some rows counts as empty there."""
        listed = [f'"{name}"' for name in columns]
        for rows, column in self._conditions(table):
            if column in columns:
                place = columns.index(column)
                listed[place] = f"CASE WHEN {rows} THEN NULL ELSE {listed[place]} END"
        return ", ".join(listed) or "1"

    def _duplicates(self, table: str, columns: list[str]) -> Iterator[Difference]:
        """EXCEPT counts equal rows once: a table that only holds fewer copies is told by its size."""
        if not columns:
            return
        count = f'SELECT count(*) FROM %s."{table}" {self._rows(table)}'
        sizes = [self.connection.execute(count % side).fetchone()[0] for side in ("main", "later")]
        kinds = [self._distinct(table, columns, side) for side in ("main", "later")]
        if sizes[0] != sizes[1] and kinds[0] == kinds[1]:
            yield Difference(f"{self.path}: {table}", f"{sizes[0]} rows became {sizes[1]}")

    def _distinct(self, table: str, columns: list[str], side: str) -> int:
        wanted = self._wanted(table, columns)
        query = f'SELECT count(*) FROM (SELECT DISTINCT {wanted} FROM {side}."{table}" {self._rows(table)})'
        return int(self.connection.execute(query).fetchone()[0])

    def _same_json_column(self, table: str, column: str, was: object, now: object) -> bool:
        keys = self.exclusions.keys_left_out(self.path, table, column)
        return bool(keys) and _same_json(str(was).encode(), str(now).encode(), keys)


def _same_json(first: bytes, second: bytes, keys: frozenset[str]) -> bool:
    try:
        return without_keys(json.loads(first), keys) == without_keys(json.loads(second), keys)
    except ValueError:
        return False


def _same_bytes(first: Path, second: Path) -> bool:
    if first.stat().st_size != second.stat().st_size:
        return False
    with first.open("rb") as one, second.open("rb") as two:
        while block := one.read(CHUNK):
            if two.read(CHUNK) != block:
                return False
    return True


def _is_side_file(path: str, databases: set[str]) -> bool:
    return any(path.endswith(ending) and path.removesuffix(ending) in databases for ending in SIDE_FILES)


def _shown(key: Row, *, keyed: bool) -> str:
    """The key of a row; a table without a key shows none of its values."""
    return ", ".join(str(part)[:40] for part in key) if keyed else "no key"
