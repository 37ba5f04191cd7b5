"""Port PairingEditor over files and SQLite. Callers see to it that no gateway runs."""

import os
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from upgrader.adapters.files.durable import make_private, remove_durably, replace_durably
from upgrader.domain.diagnosis.repairing import KeptPairing, StepFailed
from upgrader.domain.installation.facts import Installation, PairingEra
from upgrader.domain.pairing.ports import Cell, FileUnreadable, SmallFiles
from upgrader.domain.ports import Clock

_LOOK = "`upgrader diagnose` says what is wrong with them"
Statement = tuple[str, tuple[object, ...]]
Files = Mapping[str, bytes | None]


class EditKnowledge(Protocol):
    """What is known of the stores (services/openclaw/pairing/pairing_edits.py)."""

    OWN_FILES: tuple[str, ...]
    OWN_TABLES: tuple[tuple[str, str], ...]

    def synced(self, files: Files, device_id: str, now_ms: int) -> dict[str, bytes]:
        """The cache with what the record holds."""

    def widened(self, files: Files, device_id: str, scopes: tuple[str, ...]) -> dict[str, bytes]:
        """The record with these scopes."""

    def forgotten(self, files: Files, device_id: str) -> dict[str, bytes]:
        """The files without this device."""

    def has_record(self, kept: KeptPairing) -> bool:
        """Whether the record is among what was kept."""

    def restored(self, now: Files, before: Files, device_id: str) -> dict[str, bytes | None]:
        """This device as it was, among what is there now."""

    def sync_statements(self, device_id: str, now_ms: int) -> tuple[Statement, ...]:
        """The same on tables."""

    def widen_statements(self, device_id: str, scopes: tuple[str, ...]) -> tuple[Statement, ...]:
        """The same on tables."""

    def forget_statements(self, device_id: str) -> tuple[Statement, ...]:
        """The same on tables."""


@dataclass(frozen=True)
class StoreEditor:
    """Edits by `knowledge`; `database` is the state database's place, relative to the state directory."""

    knowledge: EditKnowledge
    small: SmallFiles
    database: str
    clock: Clock

    def keep(self, installation: Installation, device_id: str) -> KeptPairing:
        """What an undo needs. Raises StepFailed."""
        era = installation.state.era
        if era is PairingEra.FILES:
            return KeptPairing(era, device_id, files=self._files(installation))
        rows: dict[str, tuple[tuple[str, Cell], ...] | None] = {}
        with self._connection(installation) as connection:
            for table, column in self.knowledge.OWN_TABLES:
                where = f" WHERE {column} = ?" if column else ""
                cursor = connection.execute(f"SELECT * FROM {table}{where}", (device_id,) if column else ())
                names = [each[0] for each in cursor.description]
                for number, row in enumerate(cursor.fetchall()):
                    rows[f"{table}#{number}"] = tuple(zip(names, row, strict=True))
        return KeptPairing(era, device_id, rows=rows)

    def has_record(self, kept: KeptPairing) -> bool:
        """Whether the gateway's record of this machine is among what was kept; False for what cannot be read."""
        return self.knowledge.has_record(kept)

    def restore(self, installation: Installation, kept: KeptPairing) -> None:
        """Put this device's part back. Raises StepFailed."""
        if kept.era is PairingEra.FILES:
            self._edit(installation, lambda now: self.knowledge.restored(now, kept.files, kept.device_id))
            return
        statements: list[Statement] = []
        for table, column in self.knowledge.OWN_TABLES:
            where = f" WHERE {column} = ?" if column else ""
            statements.append((f"DELETE FROM {table}{where}", (kept.device_id,) if column else ()))
        for name, row in kept.rows.items():
            if row is not None:
                columns, marks = ", ".join(key for key, _ in row), ", ".join("?" * len(row))
                sql = f"INSERT INTO {name.partition('#')[0]} ({columns}) VALUES ({marks})"
                statements.append((sql, tuple(value for _, value in row)))
        self._run(installation, tuple(statements))

    def sync(self, installation: Installation, device_id: str) -> None:
        """Cache from record. Raises StepFailed."""
        now_ms = int(self.clock.now().timestamp() * 1000)
        if installation.state.era is PairingEra.FILES:
            self._edit(installation, lambda now: dict(self.knowledge.synced(now, device_id, now_ms)))
        else:
            self._run(installation, self.knowledge.sync_statements(device_id, now_ms))

    def widen(self, installation: Installation, device_id: str, scopes: tuple[str, ...]) -> None:
        """Full scopes into the record. Raises StepFailed."""
        if installation.state.era is PairingEra.FILES:
            self._edit(installation, lambda now: dict(self.knowledge.widened(now, device_id, scopes)))
        else:
            self._run(installation, self.knowledge.widen_statements(device_id, scopes))

    def forget(self, installation: Installation, device_id: str) -> None:
        """Delete record and requests. Raises StepFailed."""
        if installation.state.era is PairingEra.FILES:
            self._edit(installation, lambda now: dict(self.knowledge.forgotten(now, device_id)))
        else:
            self._run(installation, self.knowledge.forget_statements(device_id))

    def _files(self, installation: Installation) -> dict[str, bytes | None]:
        try:
            return {name: self.small.read(installation.state.path / name) for name in self.knowledge.OWN_FILES}
        except FileUnreadable as error:
            raise StepFailed(error.message, why=error.why, hint=_LOOK) from error

    def _edit(self, installation: Installation, change: Callable[[Files], Mapping[str, bytes | None]]) -> None:
        """Write what `change` makes of the files; what it cannot read is left as it is."""
        try:
            changed = change(self._files(installation))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise StepFailed("the pairing files cannot be edited", why=str(error)[:120], hint=_LOOK) from error
        try:
            for name, data in changed.items():
                path = installation.state.path / name
                if data is None:
                    remove_durably(path) if path.exists() else None
                else:
                    make_private(path.parent)
                    replace_durably(path, data)
        except OSError as error:
            raise StepFailed("the pairing files cannot be written", why=error.strerror or str(error), hint=_LOOK) from error

    def _run(self, installation: Installation, statements: tuple[Statement, ...]) -> None:
        with self._connection(installation) as connection:
            connection.execute("BEGIN IMMEDIATE")
            for sql, values in statements:
                connection.execute(sql, values)
            connection.execute("COMMIT")

    def _connection(self, installation: Installation) -> "_Guarded":
        return _Guarded(installation.state.path / self.database)


class _Guarded:
    """A connection whose errors are StepFailed; an open transaction is rolled back by its closing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> sqlite3.Connection:
        address = f"file:{quote(os.fsencode(self._path))}?mode=rw"
        try:
            self._open = sqlite3.connect(address, uri=True, isolation_level=None, timeout=10)
        except sqlite3.Error as error:
            raise _failed(error) from error
        return self._open

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._open.close()
        if isinstance(error, sqlite3.Error):
            raise _failed(error) from error


def _failed(error: sqlite3.Error) -> StepFailed:
    return StepFailed("the state database cannot be edited", why=str(error), hint=_LOOK)
