"""What `upgrader known` tells of the table, and what one table has that another has not. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path

from upgrader.domain.table.evidence import Entry, Table, Verdict, is_stale
from upgrader.domain.version import Version, nearest


@dataclass(frozen=True)
class KnownList:
    """The entries asked for, oldest first, and the areas they name, as columns of the heat map."""

    source: str
    revised: date | None
    entries: tuple[Entry, ...]
    areas: tuple[str, ...]


@dataclass(frozen=True)
class Declared:
    """What the package itself declares, read from the registry or from a retained install (`source`), never by hand.

    `bundled` are the plugins in the package, `left_out` those of its source that are kept out of it; None: it does not say.
    """

    source: str
    engines: str = ""
    state_schema: int | None = None
    agent_schema: int | None = None
    shrinkwrapped: bool | None = None
    bundled: tuple[str, ...] | None = None
    left_out: tuple[str, ...] | None = None
    deprecated: str = ""


@dataclass(frozen=True)
class KnownShow:
    """All of one release. Without an entry it is unknown by rule; `near` are the entries close to it. `stale`: expired.

    `declared` is None where neither registry nor a retained install could be asked.
    """

    version: Version
    entry: Entry | None
    stale: bool = False
    near: tuple[Version, ...] = ()
    declared: Declared | None = None


@dataclass(frozen=True)
class Finding:
    """Something in a sound table that deserves a look: which release, what."""

    version: Version
    what: str


@dataclass(frozen=True)
class KnownCheck:
    """A table that can be used, and what in it deserves a look."""

    source: str
    entries: int
    findings: tuple[Finding, ...]


class Change(Enum):
    """What a newer table does to an entry."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True)
class Difference:
    """One entry that is not the same: the verdicts before and after (None: no entry) and the sentence now."""

    version: Version
    change: Change
    before: Verdict | None
    after: Verdict | None
    sentence: str


@dataclass(frozen=True)
class TableUpdate:
    """A table that was fetched and found genuine, not yet taken. `proof` says how that is known, `digest` is its SHA-256."""

    source: str
    proof: str
    digest: str
    present: date | None
    revised: date | None
    differences: tuple[Difference, ...]
    taken: bool = False


@dataclass(frozen=True)
class KnownAdd:
    """An entry that was written into the user's own table, in `file`; `before` is the verdict that counted until now."""

    entry: Entry
    file: Path
    before: Verdict | None


def listed(table: Table, area: str, verdict: Verdict | None) -> KnownList:
    """The entries of one area and one verdict, or all."""
    chosen = tuple(
        entry for entry in table.entries if (not area or area in entry.areas) and (verdict is None or entry.verdict is verdict)
    )
    found = {one for entry in chosen for one in entry.areas}
    counted = sorted(found, key=lambda one: (-sum(one in entry.areas for entry in chosen), one))
    return KnownList(table.source, table.revised, chosen, tuple(counted))


def shown(table: Table, version: Version, today: date) -> KnownShow:
    """One release as the table has it."""
    entry = table.entry(version)
    if entry is None:
        return KnownShow(version, None, near=nearest(version, tuple(each.version for each in table.entries)))
    return KnownShow(version, entry, is_stale(entry, today))


def findings(table: Table, today: date) -> tuple[Finding, ...]:
    """Opinions past their day, edges no release can take, stops and fixes that lead nowhere."""
    return tuple(found for entry in table.entries for found in _findings(table, entry, today))


def _findings(table: Table, entry: Entry, today: date) -> Iterator[Finding]:
    known = {each.version for each in table.entries}
    if is_stale(entry, today):
        yield Finding(entry.version, f"the opinion '{entry.verdict.value}' expired on {entry.expires}")
    for edge in entry.edges:
        if not any(edge.matches(version) for version in known):
            spans = ", ".join(str(span) for span in edge.coming_from)
            yield Finding(entry.version, f"a dead edge: no release of the table is among {spans}")
    for stop in entry.stops:
        if stop.via not in known:
            yield Finding(entry.version, f"the stop {stop.via} has no entry")
    for fix in entry.fixes:
        if fix.version not in known:
            yield Finding(entry.version, f"the fix {fix.version} has no entry: is it published?")


def differences(before: Table, after: Table) -> tuple[Difference, ...]:
    """What `after` has otherwise, oldest release first."""
    versions = sorted({entry.version for entry in (*before.entries, *after.entries)})
    found = (_difference(version, before.entry(version), after.entry(version)) for version in versions)
    return tuple(each for each in found if each is not None)


def _difference(version: Version, before: Entry | None, after: Entry | None) -> Difference | None:
    if before is not None and after is not None:
        same = before == after
        return None if same else Difference(version, Change.CHANGED, before.verdict, after.verdict, after.sentence)
    if after is not None:
        return Difference(version, Change.ADDED, None, after.verdict, after.sentence)
    return Difference(version, Change.REMOVED, before.verdict, None, before.sentence) if before else None
