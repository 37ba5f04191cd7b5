"""Port StateProbe: pairing files as files, dates of devices, and the gateway's token in places where it does not belong."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from upgrader.adapters.probes.machine import lives
from upgrader.domain.diagnosis.scene import DeviceDates, FileSeen, LockSeen, SessionsSeen
from upgrader.domain.installation.configuration import Configuration
from upgrader.domain.installation.facts import Installation, PairingEra
from upgrader.domain.pairing.ports import Cell, Databases, DatabaseUnreadable, FileUnreadable, Query, Rows, SmallFiles

_RECORDS_BYTES = 16 * 1024 * 1024
_SEARCHED_BYTES = 64 * 1024 * 1024
_AGENTS = 200
_SHORTEST = 12  # characters: a shorter token may stand anywhere by chance
_HISTORIES = (".bash_history", ".zsh_history", ".bashrc", ".zshrc", ".profile", ".bash_profile")


@dataclass(frozen=True)
class PairingFilesProbe:
    """Over a state directory. `names` are the pairing files, `records_in`, `of_rows` and `of_file` read them."""

    databases: Databases
    small: SmallFiles
    names: tuple[str, ...]
    database: str
    paired: str
    dates_query: Query
    records_in: Callable[[bytes], int | None]
    of_rows: Callable[[Rows], tuple[DeviceDates, ...]]
    of_file: Callable[[bytes | None], tuple[DeviceDates, ...]]
    owners_query: Query
    owner_in: Callable[[Cell], int | None]
    session_folders: str
    session_index: str

    def files(self, installation: Installation) -> tuple[FileSeen, ...]:
        """Those that exist; one that cannot be read counts without its records."""
        found = []
        for name in self.names:
            path = installation.state.path / name
            with suppress(OSError):
                status = path.stat()
                found.append(FileSeen(name, status.st_size, status.st_mode & 0o777, self._records(path)))
        return tuple(found)

    def dates(self, installation: Installation) -> tuple[DeviceDates, ...]:
        """Out of the store of this installation's era."""
        state = installation.state
        try:
            if state.era is PairingEra.FILES:
                return self.of_file(self.small.read(state.path / self.paired))
            return self.of_rows(self.databases.read(state.path / self.database, (self.dates_query,))[0])
        except (DatabaseUnreadable, FileUnreadable):
            return ()

    def owners(self, installation: Installation) -> tuple[LockSeen, ...]:
        """Owners in the state database (8.1 and later), whether they live."""
        if installation.state.era is PairingEra.FILES:
            return ()
        try:
            rows = self.databases.read(installation.state.path / self.database, (self.owners_query,))[0]
        except DatabaseUnreadable:
            return ()
        pids = (self.owner_in(row[0]) for row in rows.rows)
        return tuple(LockSeen(f"{self.database}: {self.owners_query.name}", pid, lives(pid)) for pid in pids if pid is not None)

    def sessions(self, installation: Installation) -> tuple[SessionsSeen, ...]:
        """Transcripts and index of each agent (file era); later releases keep both in the agent's database."""
        if installation.state.era is not PairingEra.FILES:
            return ()
        folders = sorted(installation.state.path.glob(self.session_folders))[:_AGENTS]
        return tuple(
            SessionsSeen(folder.parent.name, sum(1 for _ in folder.glob("*.jsonl")), (folder / self.session_index).exists())
            for folder in folders
        )

    def token_in(self, installation: Installation, configuration: Configuration) -> tuple[str, ...]:
        """Log and shell files with the token in clear, with the number of times; the token itself is never shown."""
        token = installation.auth.token.reveal()
        if len(token) < _SHORTEST:
            return ()
        wanted = [installation.home / name for name in _HISTORIES]
        wanted += [configuration.log_file] if configuration.log_file else []
        counted = ((path, _count(path, token.encode())) for path in wanted)
        return tuple(f"{path}: {count} times" for path, count in counted if count)

    def _records(self, path: Path) -> int | None:
        try:
            raw = self.small.read(path)
        except FileUnreadable:
            return None
        return self.records_in(raw) if raw else None


def _count(path: Path, wanted: bytes) -> int:
    """How often these bytes stand in the end of a file, read in pieces."""
    found, kept = 0, b""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _SEARCHED_BYTES))
            while chunk := file.read(1024 * 1024):
                data = kept + chunk
                found += data.count(wanted)
                kept = data[-(len(wanted) - 1) :]
    return found
