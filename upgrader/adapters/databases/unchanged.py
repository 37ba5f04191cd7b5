"""Opens a clone's database to read it, leaving no file beside it."""

import sqlite3
from pathlib import Path

_QUERY_S = 30.0


def open_unchanged(database: Path) -> sqlite3.Connection:
    """A complete single file with nobody else on it: `immutable` keeps SQLite from making -wal and -shm."""
    sidecar = database.with_name(database.name + "-wal")
    mode = "mode=ro" if sidecar.exists() else "mode=ro&immutable=1"
    return sqlite3.connect(f"{database.absolute().as_uri()}?{mode}", uri=True, timeout=_QUERY_S)
