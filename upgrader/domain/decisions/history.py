"""What was done to one installation, and what was overridden: one event a line, never rewritten."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class EventKind(Enum):
    """What happened."""

    UPGRADE = "upgrade"
    ROLLBACK = "rollback"
    RECOVERY = "recovery"
    OVERRIDE = "override"
    PIN = "pin"
    UNPIN = "unpin"
    CONFIG = "config"
    ADOPT = "adopt"
    RESTORE = "restore"
    PRUNE = "prune"


@dataclass(frozen=True)
class Event:
    """One line. `at` is ISO 8601, UTC; `rule` the code of an overridden rule, `why` what it said, `reason` a person's words.

    `result` is how a move ended (done, rolled_back, …); `outage_seconds` how long nobody answered, where a gateway ran.
    """

    at: str
    kind: EventKind
    present: str = ""
    target: str = ""
    result: str = ""
    rule: str = ""
    why: str = ""
    reason: str = ""
    outage_seconds: float | None = None
    transaction: str = ""


class History(Protocol):
    """The events of one installation."""

    def append(self, event: Event) -> None:
        """Make one more durable. Raises OSError."""

    def events(self) -> tuple[Event, ...]:
        """All that can be read, oldest first."""


@dataclass(frozen=True)
class HistoryData:
    """What `upgrader history` tells: newest last."""

    events: tuple[Event, ...]


@dataclass(frozen=True)
class Outage:
    """What earlier moves of this installation took: `seconds` is the middle one of `moves`."""

    seconds: float
    moves: int


def expected_outage(events: tuple[Event, ...]) -> Outage | None:
    """The outage to expect, from the moves that went through; None where there was none yet."""
    done = (each for each in events if each.kind in (EventKind.UPGRADE, EventKind.ROLLBACK) and each.result == "done")
    took = sorted(each.outage_seconds for each in done if each.outage_seconds is not None)
    return Outage(took[len(took) // 2], len(took)) if took else None
