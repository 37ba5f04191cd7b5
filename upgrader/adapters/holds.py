"""Absence is held, not observed: OpenClaw's own locks and its port, taken while the state must stand still."""

import os
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from upgrader.adapters import proc_files
from upgrader.domain.facts import Installation
from upgrader.domain.ports import Clock
from upgrader.errors import UpgraderError


class GatewayLeft(UpgraderError):
    """A gateway (or another OpenClaw process) owns the state although it must not."""

    default_code = "gateway_left"


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
    """Port Holds. `ownership(installation, pid, start_ticks, created)` says which locks there are."""

    def __init__(self, ownership: Callable[[Installation, int, int, str], _Ownership], clock: Clock) -> None:
        self._ownership = ownership
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
                stack.enter_context(_lock_file(lock.path, lock.payload))
            stack.enter_context(_port(wanted.port))
            yield


@contextmanager
def _coordinator(path: Path) -> Iterator[None]:
    """An exclusive transaction on a lock database, as its owner would hold it; dies with this process."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    connection = sqlite3.connect(path, timeout=2.0, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        yield
    except sqlite3.OperationalError as error:
        raise GatewayLeft(
            "another OpenClaw process owns this state", why=f"{path.name}: {error}", hint="`upgrader status` shows what runs"
        ) from error
    finally:
        connection.close()


@contextmanager
def _lock_file(path: Path, payload: bytes) -> Iterator[None]:
    """The lock file of an old release, naming this process. One left by a dead process is replaced, as OpenClaw does."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(payload)
    temporary.replace(path)
    try:
        yield
    finally:
        if path.exists() and path.read_bytes() == payload:
            path.unlink()


@contextmanager
def _port(number: int) -> Iterator[None]:
    """Bind the gateway's port on loopback without listening. Raises GatewayLeft when somebody has it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
        try:
            held.bind(("127.0.0.1", number))
        except OSError as error:
            raise GatewayLeft(
                f"port {number} is taken",
                why=error.strerror or "",
                hint="`upgrader status` shows who listens",
                code="port_taken",
            ) from error
        yield
