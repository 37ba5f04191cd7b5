"""Port LoginsProbe: auth profiles out of files or agents' databases, of the live state and of the newest snapshot."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from upgrader.domain.diagnosis.logins import KeptLogins, Login, LoginsSeen
from upgrader.domain.installation.facts import Installation
from upgrader.domain.kept.snapshot import Snapshot
from upgrader.domain.pairing.ports import Databases, DatabaseUnreadable, FileUnreadable, Query, SmallFiles

_AGENTS = 200


@dataclass(frozen=True)
class ProfilesProbe:
    """`file` and `database` are globs below a state directory; `read` takes agent, store and state; `newest` is a snapshot."""

    databases: Databases
    small: SmallFiles
    file: str
    database: str
    queries: tuple[Query, ...]
    read: Callable[[str, bytes, bytes], tuple[Login, ...]]
    newest: Callable[[Installation], Snapshot | None]

    def logins(self, installation: Installation) -> LoginsSeen:
        """Both; what cannot be read holds none."""
        snapshot = self.newest(installation)
        now = self._below(installation.state.path)
        if snapshot is None:
            return LoginsSeen(now)
        return LoginsSeen(now, KeptLogins(snapshot.id, snapshot.created, snapshot.version, self._below(snapshot.tree)))

    def _below(self, state: Path) -> tuple[Login, ...]:
        found: dict[tuple[str, str], Login] = {}
        for agent, store, usage in (*self._files(state), *self._databases(state)):
            found.update({(each.agent, each.profile): each for each in self.read(agent, store, usage)})
        return tuple(found.values())

    def _files(self, state: Path) -> Iterator[tuple[str, bytes, bytes]]:
        for path in sorted(state.glob(self.file))[:_AGENTS]:
            try:
                raw = self.small.read(path) or b""
            except FileUnreadable:
                continue
            yield path.relative_to(state).parts[1], raw, raw

    def _databases(self, state: Path) -> Iterator[tuple[str, bytes, bytes]]:
        for path in sorted(state.glob(self.database))[:_AGENTS]:
            try:
                store, usage = self.databases.read(path, self.queries)
            except DatabaseUnreadable:
                continue
            for (text,) in store.rows:
                yield path.relative_to(state).parts[1], str(text).encode(), str(usage.rows[0][0] if usage.rows else "").encode()
