"""The decision on a move: what it is, why, what would change it, what will happen."""

from dataclasses import dataclass
from enum import Enum

from upgrader.domain.decisions.history import Outage
from upgrader.domain.decisions.pin import Pin
from upgrader.domain.decisions.settings import Override
from upgrader.domain.plan.facts import RegistryState, ReturnPoint
from upgrader.domain.plan.release import Release
from upgrader.domain.table.evidence import Confidence, Evidence, Fix, Judged, Truth, Verdict
from upgrader.domain.version import Version


class Rule(Enum):
    """The rules of the policy. The value is the stable code that `--accept` takes and the JSON carries."""

    KNOWN_BAD = "known_bad"
    BAD_EDGE = "bad_edge"
    BAD_START = "bad_start"
    STOP_FIRST = "stop_first"
    CAUTION = "caution"
    UNKNOWN_EVIDENCE = "unknown_evidence"
    ENGINES = "engines"
    ENGINES_UNKNOWN = "engines_unknown"
    PRIVATE_NODE = "private_node"
    SCHEMA = "schema"
    SCHEMA_LEFT = "schema_left"
    SCHEMA_UNKNOWN = "schema_unknown"
    ONE_WAY = "one_way"
    CONFIG_NEWER = "config_newer"
    OLDER = "older"
    PRERELEASE = "prerelease"
    DEPRECATED = "deprecated"
    UNPUBLISHED = "unpublished"
    INTEGRITY_CHANGED = "integrity_changed"
    INTEGRITY_UNKNOWN = "integrity_unknown"
    FROM_CACHE = "from_cache"
    KIND = "kind"
    SUPERVISOR = "supervisor"
    GATEWAYS = "several_gateways"
    HIDDEN = "hidden_openclaw"
    OBSTACLE = "obstacle"
    UPDATES_ITSELF = "updates_itself"
    DISK = "disk"
    DISK_UNKNOWN = "disk_unknown"
    PINNED = "pinned"
    PIN_ENDED = "pin_ended"
    TOO_YOUNG = "too_young"
    AGE_UNKNOWN = "age_unknown"
    SIGNATURE_WRONG = "signature_wrong"
    SIGNATURE_UNKNOWN = "signature_unknown"
    PATH_NODE = "path_node"
    PLUGIN_LEFT = "plugin_left"
    PLUGIN_UNKNOWN = "plugin_unknown"


# What no word of the user can make possible: there is no code for it, or OpenClaw itself would refuse to start.
IMPOSSIBLE = frozenset({Rule.SCHEMA, Rule.KIND, Rule.SUPERVISOR, Rule.UNPUBLISHED, Rule.OBSTACLE, Rule.SIGNATURE_WRONG})


# What holds a move back and no trial of it on a copy.
ONLY_FOR_MOVES = frozenset(each.value for each in (Rule.PINNED, Rule.UNKNOWN_EVIDENCE, Rule.TOO_YOUNG, Rule.AGE_UNKNOWN))


@dataclass(frozen=True)
class Block:
    """A rule that forbids the move. `change` says what would change the answer, `hint` is the next command, if any."""

    rule: Rule
    why: str
    change: str
    hint: str = ""
    evidence: tuple[Evidence, ...] = ()

    @property
    def can_be_accepted(self) -> bool:
        """Whether `--accept CODE` overrides it."""
        return self.rule not in IMPOSSIBLE


@dataclass(frozen=True)
class PlanWarning:
    """A rule that speaks and forbids nothing."""

    rule: Rule
    why: str
    change: str = ""
    hint: str = ""
    evidence: tuple[Evidence, ...] = ()


class Answer(Enum):
    """The plan in one word."""

    GO = "go"
    BLOCKED = "blocked"
    STAY = "stay"
    THERE = "already_there"


class ExitStyle(Enum):
    """How `plan` ends when an upgrade is available: 0 as any success, or 10 so that scripts can tell."""

    PLAIN = "plain"
    DETAILED = "detailed"


class Direction(Enum):
    """Which way the target lies."""

    NEWER = "newer"
    OLDER = "older"
    SAME = "same"


class NodeSource(Enum):
    """Which Node will run the target."""

    PRESENT = "present"
    PRIVATE = "private"
    NONE = "none"


@dataclass(frozen=True)
class NodeChoice:
    """The Node for the target and the range the target wants (empty: the registry does not say)."""

    source: NodeSource
    version: str
    engines: str


@dataclass(frozen=True)
class PlannedStep:
    """One thing that will happen. `in_outage`: no gateway answers meanwhile."""

    name: str
    what: str
    in_outage: bool = False


@dataclass(frozen=True)
class Need:
    """Bytes needed at the worst moment on one file system, and those that are free."""

    volume: str
    needed_bytes: int
    free_bytes: int

    @property
    def fits(self) -> bool:
        """Whether there is room."""
        return self.needed_bytes <= self.free_bytes


@dataclass(frozen=True)
class Plan:
    """The decision for one target. `release` is None where the registry cannot deliver it.

    `accepted` are blocks the user overrode by name, with their reasons; they count no more, and stay recorded.
    """

    present: Version
    target: Version
    direction: Direction
    answer: Answer
    judged: Judged
    release: Release | None = None
    blocks: tuple[Block, ...] = ()
    accepted: tuple[Block, ...] = ()
    warnings: tuple[PlanWarning, ...] = ()
    node: NodeChoice | None = None
    steps: tuple[PlannedStep, ...] = ()
    needs: tuple[Need, ...] = ()
    retained: str = ""

    @property
    def verdict(self) -> Verdict:
        """The table's verdict on this move."""
        return self.judged.verdict


@dataclass(frozen=True)
class Advice:
    """A release worth going to, or back to, with the command that goes there."""

    version: Version
    verdict: Verdict
    sentence: str
    truth: Truth
    confidence: Confidence
    command: str


@dataclass(frozen=True)
class PlanData:
    """What `upgrader plan` tells. With nowhere to go and no target named, `plan` answers STAY and its target is the present.

    `present` is the table's opinion of the release that runs; `mended_by` the fixes known for it. `forward` and `back`
    are the advised releases (never one the registry lacks), `returns` the snapshots to go back to; `newer_unknown` is the
    registry's newest, when the table does not know it. `next_command` is what to type now; empty: nothing to do.
    `route` are the releases on the way to the target, it included, where one step does not lead there. `fix_out` are the fixes
    that the pin or the present bad release waits for and that can be had. `outage` is what earlier moves here took.
    `overrides` are the rules a person overrides, with the reasons. `held_here` is the release that would be worth going to,
    were something of this machine not in its way; None where the plan has somewhere to go.
    """

    present_version: Version
    present: Judged
    plan: Plan
    named: Version | None = None
    forward: Advice | None = None
    back: Advice | None = None
    returns: tuple[ReturnPoint, ...] = ()
    mended_by: tuple[Fix, ...] = ()
    newer_unknown: Version | None = None
    registry: RegistryState = RegistryState.ANSWERED
    table: str = ""
    notes: tuple[str, ...] = ()
    next_command: str = ""
    pin: Pin | None = None
    route: tuple[Version, ...] = ()
    fix_out: tuple[Fix, ...] = ()
    outage: Outage | None = None
    overrides: tuple[Override, ...] = ()
    held_here: Version | None = None

    @property
    def answer(self) -> Answer:
        """The plan in one word."""
        return self.plan.answer
