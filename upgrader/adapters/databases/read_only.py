"""Reads SQLite files and leaves no trace beside them.

Tried with SQLite 3.40: opening a closed WAL database with `mode=ro` creates its -wal and -shm and leaves them there; with
`immutable=1` it creates nothing, but sees nothing of a -wal. So: open by somebody, `mode=ro`; open by nobody and without a
-wal, `immutable=1`; open by nobody and with a -wal (its owner was killed), a private copy of both.
"""

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import psutil

from upgrader.adapters.processes import proc_files
from upgrader.domain.pairing.ports import DatabaseUnreadable, Query, Rows

_ROWS = 20_000
_CELL_BYTES = 8 * 1024 * 1024
_COPY_BYTES = 4 * 1024 * 1024 * 1024
_TRIES = 3
_PROGRESS_STEPS = 20_000  # SQLite's virtual machine instructions between two looks at the time


@dataclass(frozen=True)
class ReadOnlyDatabases:
    """Port Databases. `limit` bounds one read, `busy` the wait for a writer; `temporary` is where private copies are made."""

    temporary: Path
    limit: timedelta = timedelta(seconds=20)
    busy: timedelta = timedelta(seconds=5)

    def read(self, path: Path, queries: tuple[Query, ...]) -> tuple[Rows, ...]:
        """One consistent read. An absent file gives rows that are not present. Raises DatabaseUnreadable."""
        if not path.is_file():
            return tuple(Rows(query.name, present=False) for query in queries)
        for _ in range(_TRIES):
            before = _state(path)
            with self._address(path) as (address, is_snapshot):
                answer = self._query(path, address, queries)
            if not is_snapshot or _state(path) == before:
                return answer
        raise _unreadable(path, "somebody changes it while it is read")

    @contextmanager
    def _address(self, path: Path) -> Iterator[tuple[str, bool]]:
        """The URI to open, and whether it is a moment that must be proven afterwards to have been the present one."""
        if _is_open_somewhere(path):
            yield _uri(path, "mode=ro"), False
        elif not _size(_wal(path)):
            yield _uri(path, "mode=ro&immutable=1"), True
        else:
            with tempfile.TemporaryDirectory(dir=self.temporary, prefix="read-") as folder:
                yield _uri(_private_copy(path, Path(folder)), "mode=ro"), True

    def _query(self, path: Path, address: str, queries: tuple[Query, ...]) -> tuple[Rows, ...]:
        deadline = time.monotonic() + self.limit.total_seconds()
        busy_s = self.busy.total_seconds()
        try:
            with closing(sqlite3.connect(address, uri=True, isolation_level=None, timeout=busy_s)) as connection:
                connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _CELL_BYTES)
                connection.set_progress_handler(lambda: int(time.monotonic() > deadline), _PROGRESS_STEPS)
                connection.execute("PRAGMA query_only = 1")
                connection.execute("BEGIN")
                return tuple(_rows(connection, path, query) for query in queries)
        except sqlite3.Error as error:
            raise _unreadable(path, str(error)) from error


def _rows(connection: sqlite3.Connection, path: Path, query: Query) -> Rows:
    try:
        cursor = connection.execute(query.sql)
    except sqlite3.OperationalError as error:
        if str(error).startswith("no such table"):
            return Rows(query.name, present=False)
        raise
    rows = cursor.fetchmany(_ROWS + 1)
    if len(rows) > _ROWS:
        raise _unreadable(path, f"{query.name} has more than {_ROWS} rows")
    return Rows(query.name, tuple(column[0] for column in cursor.description), tuple(tuple(row) for row in rows))


def _is_open_somewhere(path: Path) -> bool:
    """Whether any process we may look at has the file open. Ours never has: every connection here is closed at once."""
    if not psutil.LINUX:
        return any(_has_open(process, path) for process in psutil.process_iter() if process.pid != os.getpid())
    return any(_has_open_there(pid, path) for pid in psutil.pids() if pid != os.getpid())


def _has_open(process: psutil.Process, path: Path) -> bool:
    with suppress(psutil.Error, OSError):
        return any(Path(each.path) == path for each in process.open_files())
    return False


def _has_open_there(pid: int, path: Path) -> bool:
    """By device and inode: in another mount namespace the same file has another path, its name stays."""
    with suppress(OSError), os.scandir(f"/proc/{pid}/fd") as entries:
        for entry in entries:
            with suppress(OSError):
                # pathlib would cost more than the system call, for every descriptor of every process.
                if os.readlink(entry.path).endswith(path.name) and proc_files.same_file(pid, int(entry.name), path):  # noqa: PTH115
                    return True
    return False


def _private_copy(path: Path, folder: Path) -> Path:
    """The database with its -wal in a folder of our own (0700). Raises DatabaseUnreadable."""
    if _size(path) + _size(_wal(path)) > _COPY_BYTES:
        raise _unreadable(path, "its owner was killed and it is too large to be copied for reading")
    copy = folder / "copy.sqlite"
    try:
        shutil.copyfile(path, copy)
        shutil.copyfile(_wal(path), _wal(copy))
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    return copy


def _state(path: Path) -> tuple[tuple[int, int, int], ...]:
    """Size, times and inode of the database and its -wal."""
    found = []
    for each in (path, _wal(path)):
        with suppress(FileNotFoundError):
            status = each.stat()
            found.append((status.st_size, status.st_mtime_ns, status.st_ino))
    return tuple(found)


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _uri(path: Path, options: str) -> str:
    return f"file:{quote(os.fsencode(path.resolve()))}?{options}"


def _unreadable(path: Path, why: str) -> DatabaseUnreadable:
    return DatabaseUnreadable(f"cannot read {path}", why=why, hint="`openclaw doctor` checks the databases")
