"""The evidence table: what is known of each release, and what it means for one move on one machine. Pure.

Verdicts come from here and nowhere else. docs/known-versions.md describes the file, known_versions.toml.
The idea of declared risks on edges, asked of the installation, is that of OpenShift's update graph.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from functools import cached_property

from upgrader.domain.table.concern import Circumstances, Concern, Conditions
from upgrader.domain.version import Span, Version


class Verdict(Enum):
    """What is thought of a release, an edge or a starting point."""

    GOOD = "good"
    CAUTION = "caution"
    BAD = "bad"
    UNKNOWN = "unknown"


class Truth(Enum):
    """How a statement is known, weakest first."""

    CLAIMED = "claimed"  # somebody said so: a changelog, a patch
    RELEASED = "released"  # the change is in a published release
    CONFIRMED = "confirmed"  # users reported it
    MEASURED = "measured"  # this project ran it


class Confidence(Enum):
    """How much independent evidence stands behind a statement."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class StartFault(Enum):
    """Why a release is bad to start from. Its own updater takes no part in what upgrader does; its state does."""

    UPDATER = "updater"
    STATE = "state"


class Origin(Enum):
    """Which table an entry comes from."""

    SHIPPED = "shipped"
    TAKEN = "update"
    OVERLAY = "overlay"


@dataclass(frozen=True)
class Fix:
    """The release that mends it. `what` names the part that is mended, empty means all; `areas` what that part concerns."""

    version: Version
    truth: Truth
    what: str = ""
    areas: tuple[str, ...] = ()


@dataclass(frozen=True)
class Edge:
    """What holds for this release only when coming from one of `sources_of`: an OpenShift-style declared risk."""

    coming_from: tuple[Span, ...]
    verdict: Verdict
    sentence: str
    sources: tuple[str, ...] = ()
    truth: Truth = Truth.CONFIRMED
    conditions: Conditions = field(default_factory=Conditions)

    def matches(self, version: Version) -> bool:
        """Whether a move from `version` is this edge."""
        return any(span.holds(version) for span in self.coming_from)


@dataclass(frozen=True)
class Special:
    """What holds for this release only under conditions (an operating system, a channel, a Node)."""

    conditions: Conditions
    verdict: Verdict
    sentence: str
    sources: tuple[str, ...] = ()
    truth: Truth = Truth.CONFIRMED


@dataclass(frozen=True)
class Start:
    """This release as a place to leave from."""

    verdict: Verdict
    fault: StartFault
    sentence: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stop:
    """On the way here from one of `coming_from`, go to `via` first."""

    coming_from: tuple[Span, ...]
    via: Version
    sentence: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """All that the table says of one release.

    `next_` and `back` are where to go from here, best first. `expires`: after this day a good or cautious opinion counts
    as unknown; a bad one stays. `unlisted`: seen in the field, but no longer (or never) an ordinary stable release.
    """

    version: Version
    verdict: Verdict
    sentence: str
    areas: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    truth: Truth = Truth.CONFIRMED
    confidence: Confidence = Confidence.MEDIUM
    reviewed: date | None = None
    expires: date | None = None
    unlisted: bool = False
    fixes: tuple[Fix, ...] = ()
    edges: tuple[Edge, ...] = ()
    specials: tuple[Special, ...] = ()
    stops: tuple[Stop, ...] = ()
    start: Start | None = None
    next_: tuple[Version, ...] = ()
    back: tuple[Version, ...] = ()
    origin: Origin = Origin.SHIPPED

    @property
    def name(self) -> str:
        """The release, with a word where the entry is the user's own."""
        return f"{self.version} (your own entry)" if self.origin is Origin.OVERLAY else str(self.version)


class Aspect(Enum):
    """Which part of the table a piece of evidence comes from."""

    RELEASE = "release"
    EDGE = "edge"
    SPECIAL = "conditions"
    START = "starting-point"
    ABSENT = "no-entry"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Evidence:
    """One statement behind a judgement. `concern`: whether this machine is known to be concerned."""

    aspect: Aspect
    about: str
    verdict: Verdict
    sentence: str
    sources: tuple[str, ...] = ()
    truth: Truth = Truth.CONFIRMED
    confidence: Confidence = Confidence.MEDIUM
    concern: Concern = Concern.YES

    @property
    def felt(self) -> Verdict:
        """The verdict as it counts here: a bad one that only may concern this machine is a reason for care."""
        if self.concern is Concern.UNKNOWN and self.verdict is Verdict.BAD:
            return Verdict.CAUTION
        return self.verdict


@dataclass(frozen=True)
class Judged:
    """The verdict on one move, the evidence for it (what decided first), fixes known for it, a stop on the way."""

    verdict: Verdict
    evidence: tuple[Evidence, ...]
    fixes: tuple[Fix, ...] = ()
    stop: Stop | None = None
    start: Start | None = None
    passed_over: tuple[Evidence, ...] = ()


_RANK = {Verdict.GOOD: 0, Verdict.UNKNOWN: 1, Verdict.CAUTION: 2, Verdict.BAD: 3}


@dataclass(frozen=True)
class Table:
    """The entries, oldest first. `source` names the file for messages; `revised` is the day of its last change."""

    entries: tuple[Entry, ...]
    source: str = ""
    revised: date | None = None

    def entry(self, version: Version) -> Entry | None:
        """The entry of a release, or None: unknown by rule."""
        return self._by_version.get(version.text)

    @cached_property
    def _by_version(self) -> Mapping[str, Entry]:
        return {entry.version.text: entry for entry in reversed(self.entries)}

    def overlaid(self, own: "Table") -> "Table":
        """This table with the entries of the user's own in the place of its own."""
        mine = {entry.version: replace(entry, origin=Origin.OVERLAY) for entry in own.entries}
        kept = (entry for entry in self.entries if entry.version not in mine)
        entries = tuple(sorted((*kept, *mine.values()), key=lambda entry: entry.version))
        return Table(entries, f"{self.source} and {own.source}", self.revised)

    def judge(self, current: Version, target: Version, conditions: Circumstances, today: date) -> Judged:
        """The verdict on moving from `current` to `target` on this machine, today.

        The worst of the release, the conditions that may concern this machine and the edge decides; where it is not known
        whether a condition holds, bad counts as caution. A good edge turns an
        unknown release into a good one (somebody made exactly this move), never a bad or cautious one. What cannot
        concern this machine is passed over and told.
        """
        entry = self.entry(target)
        if entry is None:
            return Judged(Verdict.UNKNOWN, (_nothing(target),), start=self._start(current))
        edges = tuple(_edge_evidence(edge, entry, current, conditions) for edge in entry.edges if edge.matches(current))
        stop = next((stop for stop in entry.stops if any(span.holds(current) for span in stop.coming_from)), None)
        return _weigh(entry, edges, conditions, today, stop, self._start(current))

    def standing(self, version: Version, conditions: Circumstances, today: date) -> Judged:
        """What is thought of running `version`, however one came to it."""
        entry = self.entry(version)
        if entry is None:
            return Judged(Verdict.UNKNOWN, (_nothing(version),))
        return _weigh(entry, (), conditions, today, None, entry.start)

    def _start(self, current: Version) -> Start | None:
        entry = self.entry(current)
        return entry.start if entry else None


def is_stale(entry: Entry, today: date) -> bool:
    """Whether the opinion is past its day."""
    return entry.expires is not None and today > entry.expires


def _release_evidence(entry: Entry, today: date) -> Evidence:
    stale = is_stale(entry, today)
    if stale and entry.verdict in (Verdict.GOOD, Verdict.CAUTION):
        sentence = f"the opinion '{entry.verdict.value}' expired on {entry.expires}: {entry.sentence}"
        about = entry.name
        return Evidence(Aspect.EXPIRED, about, Verdict.UNKNOWN, sentence, entry.sources, entry.truth, Confidence.LOW)
    return Evidence(Aspect.RELEASE, entry.name, entry.verdict, entry.sentence, entry.sources, entry.truth, entry.confidence)


def _nothing(version: Version) -> Evidence:
    return Evidence(Aspect.ABSENT, str(version), Verdict.UNKNOWN, "the table has no entry for this release")


def _weigh(
    entry: Entry,
    edges: tuple[Evidence, ...],
    conditions: Circumstances,
    today: date,
    stop: Stop | None,
    start: Start | None,
) -> Judged:
    release = _release_evidence(entry, today)
    asked = (*edges, *(_special_evidence(special, entry, conditions) for special in entry.specials))
    concerning = tuple(one for one in asked if one.concern is not Concern.NO)
    verdict = max((release.verdict, *(one.felt for one in concerning)), key=_RANK.__getitem__)
    proven = any(one.verdict is Verdict.GOOD and one.concern is Concern.YES for one in edges)
    if verdict is Verdict.UNKNOWN and proven:
        verdict = Verdict.GOOD
    return Judged(
        verdict,
        tuple(sorted((release, *concerning), key=lambda one: one.felt is not verdict)),
        entry.fixes,
        stop,
        start,
        tuple(one for one in asked if one.concern is Concern.NO),
    )


def _edge_evidence(edge: Edge, entry: Entry, current: Version, conditions: Circumstances) -> Evidence:
    about = f"{current} → {entry.name}"
    return Evidence(
        Aspect.EDGE,
        about,
        edge.verdict,
        edge.sentence,
        edge.sources,
        edge.truth,
        entry.confidence,
        edge.conditions.concern(conditions),
    )


def _special_evidence(special: Special, entry: Entry, conditions: Circumstances) -> Evidence:
    return Evidence(
        Aspect.SPECIAL,
        f"{entry.name} with {special.conditions.in_words()}",
        special.verdict,
        special.sentence,
        special.sources,
        special.truth,
        entry.confidence,
        special.conditions.concern(conditions),
    )
