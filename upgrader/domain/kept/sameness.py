"""When two stopped states count as the same, and what is left out of that, each with its reason."""

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class PathExclusion:
    """Paths that may differ. `glob` over the path relative to the state; `*` crosses `/`."""

    glob: str
    reason: str


@dataclass(frozen=True)
class TableExclusion:
    """Rows or columns of a table that may differ. `database` is a glob of its path.

    `column` empty: whole rows. `rows` is the SQL condition of the rows concerned, empty: all of them.
    """

    database: str
    table: str
    reason: str
    column: str = ""
    rows: str = ""


@dataclass(frozen=True)
class KeyExclusion:
    """Keys, at any depth, that may differ inside a JSON file (`table` empty) or inside a JSON column."""

    path: str
    keys: frozenset[str]
    reason: str
    table: str = ""
    column: str = ""


@dataclass(frozen=True)
class Exclusions:
    """The whole list. Everything not on it must be equal."""

    paths: tuple[PathExclusion, ...] = ()
    tables: tuple[TableExclusion, ...] = ()
    keys: tuple[KeyExclusion, ...] = ()

    def leaves_out(self, path: str) -> bool:
        """Whether a path may differ."""
        return any(fnmatchcase(path, one.glob) for one in self.paths)

    def columns_left_out(self, database: str, table: str) -> frozenset[str]:
        """Columns of a table that may differ in any row; `*` among them means all of the table."""
        return frozenset(one.column or "*" for one in self._of(database, table) if not one.rows)

    def rows_left_out(self, database: str, table: str) -> tuple[tuple[str, str], ...]:
        """Conditions of rows that may differ, each with the column concerned (empty: the whole row)."""
        return tuple((one.rows, one.column) for one in self._of(database, table) if one.rows)

    def _of(self, database: str, table: str) -> tuple[TableExclusion, ...]:
        return tuple(one for one in self.tables if one.table == table and fnmatchcase(database, one.database))

    def keys_left_out(self, path: str, table: str = "", column: str = "") -> frozenset[str]:
        """JSON keys that may differ in a file, or in a column of a database."""
        found = [one.keys for one in self.keys if (one.table, one.column) == (table, column) and fnmatchcase(path, one.path)]
        return frozenset().union(*found)


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same: where (path, or path, table and key of the row) and in what. Never the values."""

    place: str
    what: str


@dataclass(frozen=True)
class Sameness:
    """What a comparison found. `paths`, `rows` are how many were compared; equal means no difference."""

    differences: tuple[Difference, ...]
    paths: int
    rows: int

    @property
    def holds(self) -> bool:
        """Whether both are the same but for the exclusions."""
        return not self.differences


def without_keys(value: object, keys: frozenset[str]) -> object:
    """A JSON value without the named keys, at any depth."""
    if isinstance(value, dict):
        return {key: without_keys(inner, keys) for key, inner in value.items() if key not in keys}
    if isinstance(value, list):
        return [without_keys(inner, keys) for inner in value]
    return value
