"""`upgrader known update`: fetch, know it to be genuine, check, show what changes, and only then take it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from upgrader.domain.outcome import Outcome, Status
from upgrader.domain.table.evidence import Origin, Table
from upgrader.domain.table.known import TableUpdate, differences
from upgrader.errors import Blocked


class Genuine(Protocol):
    """A table that is known to be genuine."""

    @property
    def raw(self) -> bytes:
        """Its bytes."""

    @property
    def source(self) -> str:
        """Where it comes from."""

    @property
    def proof(self) -> str:
        """How it is known to be genuine."""

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes."""


@dataclass(frozen=True)
class UpdateTable:
    """`parse` checks the bytes strictly; `take` lets them count; `consent` shows the differences and asks."""

    present: Callable[[], Table]
    parse: Callable[[bytes, str], Table]
    take: Callable[[bytes], None]
    consent: Callable[[TableUpdate], None]

    def run(self, fetched: Genuine) -> Outcome[TableUpdate]:
        """Done, or unchanged where there is nothing new. Raises TableInvalid, Blocked (`table_older`), what consent raises."""
        present, table = self.present(), self.parse(fetched.raw, fetched.source)
        if (table.revised or date.min) < (present.revised or date.min):
            raise Blocked(
                f"the table of {fetched.source} is older than the one that counts",
                why=f"revised on {table.revised}, the present one on {present.revised}",
                hint="`upgrader known list` shows what counts now",
                code="table_older",
            )
        found = differences(_bare(present), _bare(table))
        update = TableUpdate(fetched.source, fetched.proof, fetched.digest, present.revised, table.revised, found)
        if not found and table.revised == present.revised:
            return Outcome("known update", update, Status.UNCHANGED)
        self.consent(update)
        self.take(fetched.raw)
        return Outcome("known update", replace(update, taken=True))


def _bare(table: Table) -> Table:
    """The table without where its entries come from and when they were looked at: that alone is no change."""
    plain = (replace(each, origin=Origin.SHIPPED, reviewed=None, expires=None) for each in table.entries)
    return replace(table, entries=tuple(plain))
