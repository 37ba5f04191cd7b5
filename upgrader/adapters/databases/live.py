"""Copies databases that somebody else is using, all as of one moment, without disturbing their owner.

POSIX locks belong to the process: closing any plain descriptor of a database drops the locks SQLite holds on it in this
process, and the owner then believes to be alone and deletes its write-ahead log under us (tried). So nothing here, and
nothing that runs while these connections are open, touches such a file except through SQLite or by stat.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from upgrader.adapters.files.filecopy import free_bytes
from upgrader.domain.kept.snapshot import SnapshotGivenUp, SnapshotLimits
from upgrader.domain.units import size

MAGIC = b"SQLite format 3\x00"
SIDE_FILES = ("-wal", "-shm", "-journal")


@dataclass(frozen=True)
class Opened:
    """How the read transactions began: seconds from the first to the last, and whether nobody wrote in between."""

    seconds: float
    one_instant: bool


class HeldDatabases:
    """Databases with an open read transaction each."""

    def __init__(
        self, root: Path, connections: dict[str, sqlite3.Connection], opened: "Opened", limits: SnapshotLimits
    ) -> None:
        self._root = root
        self._connections = connections
        self._limits = limits
        self._wal_at_first = {path: _size(self._wal(path)) for path in connections}
        self.opened = opened

    def back_up(self, path: str, destination: Path, advance: Callable[[int], None]) -> None:
        """Copy one database, as it was when its transaction opened, to the new file `destination`, in bounded steps.

        Raises SnapshotGivenUp when a WAL grew too far, the disk runs low, or SQLite cannot go on.
        """
        os.close(os.open(destination, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        done = 0

        def watch(_status: int, remaining: int, total: int) -> None:
            nonlocal done
            advance(max(0, total - remaining - done) * page)
            done = total - remaining
            self._check_limits(destination)

        try:
            page = int(self._connections[path].execute("PRAGMA page_size").fetchone()[0])
            with closing(sqlite3.connect(destination, isolation_level=None)) as target:
                target.execute("PRAGMA journal_mode=OFF")
                target.execute("PRAGMA synchronous=OFF")  # one syncfs makes the whole snapshot durable
                self._connections[path].backup(target, pages=self._limits.step_pages, progress=watch)
        except sqlite3.Error as error:
            raise _given_up(path, str(error)) from error
        for ending in SIDE_FILES:
            destination.with_name(destination.name + ending).unlink(missing_ok=True)

    def _check_limits(self, destination: Path) -> None:
        for path, at_first in self._wal_at_first.items():
            grown = _size(self._wal(path)) - at_first
            if grown > self._limits.wal_growth_bytes:
                raise _given_up(path, f"its write-ahead log grew by {size(grown)} while it was read")
        if free_bytes(destination.parent) < self._limits.reserve_bytes:
            raise _given_up(destination.name, "the disk is nearly full")

    def _wal(self, path: str) -> Path:
        return self._root / f"{path}-wal"


@contextmanager
def held(root: Path, paths: tuple[str, ...], limits: SnapshotLimits, monotonic: Callable[[], float]) -> Iterator[HeldDatabases]:
    """Open a read transaction on every database of `paths` (relative to `root`), hold them while the block runs.

    The connections are made first, so that only BEGIN and one read lie between the first and the last. A second connection
    to each tells whether anybody committed in between: tried again until nobody did, so that all are as of one instant. On
    a machine too busy for that, the last try counts if it stayed within the limit. Raises SnapshotGivenUp.
    """
    with ExitStack() as stack:
        connections = {path: stack.enter_context(_connection(root, path)) for path in paths}
        with ExitStack() as watching:
            witnesses = tuple(watching.enter_context(_connection(root, path)) for path in paths)
            opened = _begin_together(connections, witnesses, limits, monotonic)
        yield HeldDatabases(root, connections, opened, limits)


def _begin_together(
    connections: dict[str, sqlite3.Connection],
    witnesses: tuple[sqlite3.Connection, ...],
    limits: SnapshotLimits,
    monotonic: Callable[[], float],
) -> Opened:
    last = limits.opening_tries - 1
    for attempt in range(limits.opening_tries):
        before = _versions(witnesses)
        took = _begin_all(connections, monotonic)
        if _versions(witnesses) == before and took <= limits.opening_s:
            return Opened(took, one_instant=True)
        if attempt == last and took <= limits.opening_s:
            return Opened(took, one_instant=False)
        _end_all(connections)
    raise _given_up("the databases", f"opening them took longer than {limits.opening_s:.1f} s")


def _versions(witnesses: tuple[sqlite3.Connection, ...]) -> tuple[int, ...]:
    """A number per database that changes whenever somebody else commits to it."""
    return tuple(int(witness.execute("PRAGMA data_version").fetchone()[0]) for witness in witnesses)


@contextmanager
def _connection(root: Path, path: str) -> Iterator[sqlite3.Connection]:
    address = f"file:{quote(os.fsencode(root / path))}?mode=ro"
    try:
        opened = sqlite3.connect(address, uri=True, isolation_level=None, timeout=5)
    except sqlite3.Error as error:
        raise _given_up(path, str(error)) from error
    with closing(opened):
        try:
            opened.execute("PRAGMA schema_version").fetchone()  # opens the files and maps the WAL index now, not later
        except sqlite3.Error as error:
            raise _given_up(path, str(error)) from error
        yield opened


def _begin_all(connections: dict[str, sqlite3.Connection], monotonic: Callable[[], float]) -> float:
    began = monotonic()
    for path, connection in connections.items():
        try:
            connection.execute("BEGIN")
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        except sqlite3.Error as error:
            raise _given_up(path, str(error)) from error
    return monotonic() - began


def _end_all(connections: dict[str, sqlite3.Connection]) -> None:
    for connection in connections.values():
        connection.execute("ROLLBACK")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _given_up(path: str, why: str) -> SnapshotGivenUp:
    return SnapshotGivenUp(
        f"cannot take a snapshot of {path} while the gateway runs", why=why, hint="try again when the gateway is idle"
    )
