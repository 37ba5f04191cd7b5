"""A pin: stay on one release, for a reason, until a day or until something is mended. Pure."""

from dataclasses import dataclass
from datetime import date
from enum import Enum

from upgrader.domain.table.evidence import Fix, Table, Truth, Verdict
from upgrader.domain.version import Version


@dataclass(frozen=True)
class Pin:
    """Stay on `version`. `until` is the last day it holds, `until_fixed` the area whose mending ends it."""

    version: Version
    reason: str
    since: date
    until: date | None = None
    until_fixed: str = ""

    def in_words(self) -> str:
        """The pin as a phrase, with what ends it."""
        ends = [f"until {self.until}"] if self.until else []
        ends += [f"until a release mends {self.until_fixed}"] if self.until_fixed else []
        return f"pinned to {self.version} since {self.since}{' ' + ' or '.join(ends) if ends else ''}: {self.reason}"


class Grip(Enum):
    """What a pin says of one move."""

    HOLDS = "holds"
    LAPSED = "lapsed"
    MENDED = "mended"


def grip(pin: Pin, table: Table, target: Version, today: date) -> Grip:
    """Whether the pin still forbids to go to `target`."""
    if pin.until is not None and today > pin.until:
        return Grip.LAPSED
    if pin.until_fixed and mending(table, pin.until_fixed, pin.version, target):
        return Grip.MENDED
    return Grip.HOLDS


def mending(table: Table, area: str, start: Version, target: Version) -> tuple[Fix, ...]:
    """The published fixes of `area` between `start` and `target` that `target` has; empty where it is not known to be whole.

    A fix that is only claimed counts for nothing, and a target of which the table knows nothing, or itself names a fault
    in that area, has none.
    """
    entry = table.entry(target)
    if entry is None or (entry.verdict in (Verdict.BAD, Verdict.CAUTION) and area in entry.areas):
        return ()
    return tuple(fix for fix in published_fixes(table, area, start) if fix.version <= target)


def published_fixes(table: Table, area: str, start: Version) -> tuple[Fix, ...]:
    """Every fix of `area` that the table knows to be published, of `start` and of what came after it; oldest first."""
    found = (fix for entry in table.entries if entry.version >= start for fix in entry.fixes if area in fix.areas)
    return tuple(sorted({fix for fix in found if fix.truth is not Truth.CLAIMED}, key=lambda fix: fix.version))


def threads(table: Table, area: str, start: Version) -> tuple[str, ...]:
    """The issue threads to follow while waiting for `area`: those of every entry from `start` on that names a fault in it."""
    entries = (entry for entry in table.entries if entry.version >= start and area in entry.areas)
    found = (source for entry in entries if entry.verdict is not Verdict.GOOD for source in entry.sources if "#" in source)
    return tuple(dict.fromkeys(found))
