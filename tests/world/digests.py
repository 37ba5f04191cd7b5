"""What a tree, a database or a file is, as values that can be compared and shown when they differ."""

import hashlib
import os
import sqlite3
import stat
from pathlib import Path


def tree(root: Path, leave_out: tuple[str, ...] = ()) -> dict[str, str]:
    """Relative path -> kind, mode and SHA-256 (or link target) of everything below `root`.

    `leave_out` are relative paths; what lies below them is left out too.
    """
    found: dict[str, str] = {}
    for folder, folders, files in os.walk(root):
        for name in sorted([*folders, *files]):
            path = Path(folder) / name
            relative = path.relative_to(root).as_posix()
            if any(relative == out or relative.startswith(f"{out}/") for out in leave_out):
                continue
            found[relative] = entry(path)
    return found


def entry(path: Path) -> str:
    """One file, directory or link."""
    status = path.lstat()
    mode = f"{stat.S_IMODE(status.st_mode):04o}"
    if stat.S_ISLNK(status.st_mode):
        return f"link {path.readlink()}"
    if stat.S_ISDIR(status.st_mode):
        return f"directory {mode}"
    if not stat.S_ISREG(status.st_mode):
        return f"other {mode}"
    return f"file {mode} {hashlib.sha256(path.read_bytes()).hexdigest()}"


def tree_digest(root: Path) -> str:
    """One digest over all of `tree`: to prove that nothing below `root` was touched."""
    return hashlib.sha256("\n".join(f"{name}\0{what}" for name, what in sorted(tree(root).items())).encode()).hexdigest()


def rows(database: Path) -> dict[str, tuple[str, ...]]:
    """Table -> its rows as sorted text, with `user_version` and the schema under names of their own."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)
    try:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
        found = {name: tuple(sorted(repr(row) for row in connection.execute(f'SELECT * FROM "{name}"'))) for name in tables}
        found["(user_version)"] = (str(connection.execute("PRAGMA user_version").fetchone()[0]),)
        found["(schema)"] = tuple(str(row[0]) for row in connection.execute("SELECT sql FROM sqlite_master ORDER BY name"))
        return found
    finally:
        connection.close()


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """One line for each entry that is gone, new or changed."""
    names = sorted({*before, *after})
    return [f"{n}: {before.get(n, 'absent')} -> {after.get(n, 'absent')}" for n in names if before.get(n) != after.get(n)]
