"""What a rollback must settle before the old gateway starts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settled:
    """One thing that was carried, marked settled, or could not be carried. `what` never holds content or secrets."""

    action: str
    what: str
    why: str


@dataclass(frozen=True)
class SettleReport:
    """All that was settled, in order; empty when nothing happened since the snapshot."""

    items: tuple[Settled, ...] = ()
