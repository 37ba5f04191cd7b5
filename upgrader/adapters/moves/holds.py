"""Absence is held, not observed: OpenClaw's own locks and its port, taken while the state must stand still.

The locks lie in folders of /tmp with names that anybody can guess: one that is not our own is not written into.
"""

import os
import socket
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from upgrader.adapters.processes import proc_files
from upgrader.domain.installation.facts import Installation
from upgrader.domain.ports import Clock
from upgrader.errors import UpgraderError


class GatewayLeft(UpgraderError):
    """A gateway (or another OpenClaw process) owns the state although it must not."""

    default_code = "gateway_left"


_TRIES = 3
OwnerOf = Callable[[bytes], tuple[int, int | None] | None]


class _LockFile(Protocol):
    @property
    def path(self) -> Path: ...
    @property
    def payload(self) -> bytes: ...


class _Ownership(Protocol):
    @property
    def coordinators(self) -> tuple[Path, ...]: ...
    @property
    def lock_files(self) -> tuple[_LockFile, ...]: ...
    @property
    def port(self) -> int: ...


class OwnershipHolds:
    """Port Holds. `ownership(installation, pid, start_ticks, created)` says which locks there are.

    `owner_of(raw)` reads who holds a lock file: pid and start in clock ticks, None where it does not say.
    """

    def __init__(self, ownership: Callable[[Installation, int, int, str], _Ownership], owner_of: OwnerOf, clock: Clock) -> None:
        self._ownership = ownership
        self._owner_of = owner_of
        self._clock = clock

    @contextmanager
    def held(self, installation: Installation) -> Iterator[None]:
        """Own this state and its port while the block runs; no gateway can start on it. Raises GatewayLeft."""
        pid = os.getpid()
        wanted = self._ownership(installation, pid, proc_files.start_ticks(pid) or 0, self._clock.now().isoformat())
        with ExitStack() as stack:
            for path in wanted.coordinators:
                stack.enter_context(_coordinator(path))
            for lock in wanted.lock_files:
                stack.enter_context(_lock_file(lock, self._owner_of))
            stack.enter_context(_port(wanted.port))
            yield


@contextmanager
def _coordinator(path: Path) -> Iterator[None]:
    """An exclusive transaction on a lock database, as its owner would hold it; dies with this process. Raises GatewayLeft."""
    _must_be_ours(path.parent)
    connection = _exclusive(path)
    try:
        yield
    finally:
        connection.close()


def _exclusive(path: Path) -> sqlite3.Connection:
    connection = None
    try:
        connection = sqlite3.connect(path, timeout=2.0, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        owned = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
        raise GatewayLeft(
            "another OpenClaw process owns this state" if owned else "OpenClaw's lock on this state cannot be taken",
            why=f"{path if not owned else path.name}: {error}",
            hint="`upgrader status` shows what runs" if owned else "remove that file while no OpenClaw runs, then again",
            code="" if owned else "lock_unusable",
        ) from error
    return connection


@contextmanager
def _lock_file(lock: _LockFile, owner_of: OwnerOf) -> Iterator[None]:
    """The lock file of an old release, naming this process. One left by a dead process is replaced, as OpenClaw does.

    Raises GatewayLeft where a living one holds it.
    """
    path, payload = lock.path, lock.payload
    _must_be_ours(path.parent)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(payload)
        _take(path, temporary, owner_of)
    finally:
        temporary.unlink(missing_ok=True)
    try:
        yield
    finally:
        if path.exists() and path.read_bytes() == payload:
            path.unlink()


def _take(path: Path, ours: Path, owner_of: OwnerOf) -> None:
    """Give our file the lock's name, which only one can do; the file of a dead owner goes first."""
    for _ in range(_TRIES):
        try:
            path.hardlink_to(ours)
        except FileExistsError:
            owner = owner_of(path.read_bytes()) if path.is_file() else None
            if owner is not None and owner[0] != os.getpid() and _lives(*owner):
                raise GatewayLeft(
                    "another OpenClaw process owns this state",
                    why=f"process {owner[0]} holds {path.name}",
                    hint="`upgrader status` shows what runs",
                ) from None
            path.unlink(missing_ok=True)
        else:
            return
    raise GatewayLeft("OpenClaw's lock on this state cannot be taken", why=f"{path} comes back again and again")


def _lives(pid: int, ticks: int | None) -> bool:
    present = proc_files.start_ticks(pid)
    return present is not None and ticks in (None, present)


def _must_be_ours(folder: Path) -> None:
    """Make it, private; whose name somebody else has taken before is not written into. Raises GatewayLeft."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise GatewayLeft(
            "OpenClaw's locks cannot be taken",
            why=f"{folder} is not a folder of this user",
            hint="see who made it, and remove it",
            code="lock_folder",
        )


@contextmanager
def _port(number: int) -> Iterator[None]:
    """Bind the gateway's port on loopback without listening. Raises GatewayLeft when somebody has it.

    With SO_REUSEADDR left on, a gateway could bind it beside us and listen (tried with Node 24 on Linux 6).
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
        try:
            held.bind(("127.0.0.1", number))
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        except OSError as error:
            raise GatewayLeft(
                f"port {number} is taken",
                why=error.strerror or "",
                hint="`upgrader status` shows who listens",
                code="port_taken",
            ) from error
        yield
