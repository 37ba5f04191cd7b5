"""Reads the pairing data of a state directory, whichever era it is of, without changing it."""

from dataclasses import dataclass
from pathlib import Path

from upgrader.domain.installation.facts import PairingEra
from upgrader.domain.pairing.observation import PairingStore
from upgrader.domain.pairing.ports import (
    Credentials,
    Databases,
    DatabaseUnreadable,
    FileUnreadable,
    Knowledge,
    Query,
    Rows,
    SmallFiles,
)


@dataclass(frozen=True)
class StoreReader:
    """The pairing data of a state directory, and apart from it what this machine's clients present."""

    databases: Databases
    files: SmallFiles
    knowledge: Knowledge

    def store(self, state: Path) -> PairingStore:
        """All pairing data; what cannot be read is among its problems."""
        try:
            return self.knowledge.store(self._rows(state, self.knowledge.store_queries), self._files(state))
        except (DatabaseUnreadable, FileUnreadable) as error:
            return PairingStore(PairingEra.FILES, None, (), (), (f"{error.message}: {error.why}",))

    def credentials(self, state: Path) -> Credentials | None:
        """Identity and device tokens, None where there is no identity or it cannot be read."""
        try:
            return self.knowledge.credentials(self._rows(state, self.knowledge.credential_queries), self._files(state))
        except (DatabaseUnreadable, FileUnreadable):
            return None

    def _rows(self, state: Path, queries: tuple[Query, ...]) -> tuple[Rows, ...]:
        return self.databases.read(state / self.knowledge.database, queries)

    def _files(self, state: Path) -> dict[str, bytes | None]:
        return {name: self.files.read(state / name) for name in self.knowledge.files}
