"""Looks at what a clone holds: rows of every table, names of stored accounts and plugins, configuration by path."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from upgrader.adapters.databases.unchanged import open_unchanged
from upgrader.adapters.files.shown import shown
from upgrader.domain.canary.contents import Contents, ContentsRules, NamedColumn, Plugin, Rows, Skill

_PIECE, _OVERLAP = 1 << 20, 64  # bytes read at once, and shared with the piece before


def look(state: Path, databases: tuple[Path, ...], config: Path, package: Path, rules: ContentsRules) -> Contents:
    """One look, nothing written. A database that cannot be read counts as one without tables."""
    schemas: list[tuple[str, int]] = []
    rows: list[Rows] = []
    plugins: list[Plugin] = []
    credentials = set(_file_names(state, rules))
    for path in databases:
        name = shown(path.relative_to(state))
        try:
            with closing(open_unchanged(path)) as connection:
                schemas.append((name, int(connection.execute("PRAGMA user_version").fetchone()[0])))
                rows.extend(_rows(connection, name))
                for column in rules.credential_columns:
                    credentials.update(name for text in _texts(connection, column) for name in rules.credential_names(text))
                plugins.extend(plugin for text in _texts(connection, rules.plugin_column) for plugin in rules.plugins(text))
        except sqlite3.DatabaseError:
            schemas.append((name, -1))
    leaves = rules.config_leaves(config.read_bytes()) if config.is_file() else ()
    skills = tuple(_skills(state, package, rules))
    return Contents(tuple(schemas), tuple(rows), tuple(sorted(credentials)), tuple(plugins), leaves, skills)


def _rows(connection: sqlite3.Connection, database: str) -> Iterator[Rows]:
    """Ordinary tables; full-text shadows are an index of others."""
    listed = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT GLOB '*_fts*'"
        " AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
    ).fetchall()
    for (table,) in listed:
        yield Rows(database, str(table), int(connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]))


def _texts(connection: sqlite3.Connection, where: NamedColumn) -> Iterator[bytes]:
    known = connection.execute("SELECT 1 FROM pragma_table_info(?) WHERE name = ?", (where.table, where.column)).fetchone()
    if known is None:
        return
    condition = f" WHERE {where.rows}" if where.rows else ""
    for (text,) in connection.execute(f'SELECT "{where.column}" FROM "{where.table}"{condition}'):
        yield str(text).encode()


def _file_names(state: Path, rules: ContentsRules) -> Iterator[str]:
    for pattern in rules.credential_files:
        for path in sorted(p for p in state.glob(pattern) if p.is_file() and not p.is_symlink()):
            yield from rules.credential_names(path.read_bytes())


def _skills(state: Path, package: Path, rules: ContentsRules) -> Iterator[Skill]:
    for pattern in rules.skill_files:
        for path in sorted(p for p in state.glob(pattern) if p.is_file()):
            yield rules.skill(shown(path.relative_to(state)), path.read_bytes())
    for path in sorted(package.glob(rules.bundled_skills)):
        yield replace(rules.skill(str(path.relative_to(package)), path.read_bytes()), place="", bundled=True)


def words_in(root: Path, words: tuple[str, ...], since: float) -> frozenset[str]:
    """Which words are found as bytes in files changed since then; read in pieces, so that size does not matter."""
    wanted = {word: word.encode() for word in words}
    found: set[str] = set()
    for path in _changed_files(root, since):
        for piece in _pieces(path):
            found.update(word for word, data in wanted.items() if data in piece)
        if len(found) == len(wanted):
            break
    return frozenset(found)


def _changed_files(root: Path, since: float) -> Iterator[Path]:
    """Regular files changed since then; one directory in memory at a time."""
    for folder, _, names in os.walk(root):
        for path in (Path(folder, name) for name in names):
            seen = path.lstat()
            if stat.S_ISREG(seen.st_mode) and seen.st_mtime >= since:
                yield path


def _pieces(path: Path) -> Iterator[bytes]:
    """A file in overlapping pieces."""
    tail = b""
    with path.open("rb") as file:
        while block := file.read(_PIECE):
            yield tail + block
            tail = block[-_OVERLAP:]
