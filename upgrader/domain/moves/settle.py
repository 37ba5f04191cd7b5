"""What a rollback must settle before the old gateway starts: pure rules, before against after.

*Before* is the tree that comes in again (the state at the stop), *after* the tree that goes out (what the candidate left).
An effect on the world happens once: what is still untouched in *after* is kept pending, everything else counts as done.
A revocation only grows, and only when the gateway's own record shows the act; what vanished without one is the fault that
is being rolled back.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from upgrader.errors import UpgraderError


@dataclass(frozen=True)
class Settled:
    """One thing that was carried, marked settled, or could not be carried. `what` never holds content or secrets; `place` is
    where the newer one lies now, empty where nothing is left to look for."""

    action: str
    what: str
    why: str
    place: str = ""

    @property
    def in_words(self) -> str:
        """All of it in one line."""
        return f"{self.action}: {self.what} ({self.why}{f'; it lies in {self.place}' if self.place else ''})"


def moved_along(items: tuple[Settled, ...], tree: Path, now: Path) -> tuple[Settled, ...]:
    """The same, told of a tree that was renamed from `tree` to `now` since."""
    return tuple(
        replace(each, place=str(now / Path(each.place).relative_to(tree)))
        if each.place and Path(each.place).is_relative_to(tree)
        else each
        for each in items
    )


@dataclass(frozen=True)
class SettleReport:
    """All that was settled, in order; empty when nothing happened since the snapshot."""

    items: tuple[Settled, ...] = ()


class NotSettled(UpgraderError):
    """A database of the restored state could not be read or written while it was settled."""

    default_code = "not_settled"


class Action(Enum):
    """What was done with one thing; the `action` of a Settled."""

    SETTLED = "settled"
    CARRIED = "carried"
    REVOKED = "revoked"
    LISTED = "listed"


class Fate(Enum):
    """What became of a pending effect while the candidate ran."""

    UNTOUCHED = "untouched"
    TOUCHED = "touched"
    DONE = "done"
    GONE = "gone"


REASONS = {
    Fate.TOUCHED: "the newer release had begun it when it was stopped; whether it happened is unclear",
    Fate.DONE: "the newer release finished it",
    Fate.GONE: "it is gone from the newer state, so it was done or taken back there",
}


@dataclass(frozen=True)
class Pending:
    """One effect as a store shows it. `progress` are the values that move when work on it begins."""

    waiting: bool
    progress: tuple[object, ...]


def fate_of(before: Pending, after: Pending | None) -> Fate:
    """What became of an effect that was waiting before. Only an untouched one may be kept."""
    if after is None:
        return Fate.GONE
    if not after.waiting:
        return Fate.DONE
    return Fate.UNTOUCHED if after.progress == before.progress else Fate.TOUCHED


class Where(Enum):
    """Which database a table is in: the shared one, or that of each agent."""

    STATE = "state"
    AGENT = "agent"


@dataclass(frozen=True)
class OutboxTable:
    """A table whose rows cause effects. All strings but `what` are SQL of the release.

    `waiting` is the condition of a row that still waits; `progress` expressions that change when work on it begins;
    `settle` the assignments that make it settled (`:now` is milliseconds), empty: the row is deleted. `what` is a phrase.
    New waiting rows of the newer state that fit the condition `carries` (nobody has begun them) are inserted where both
    tables have the same columns; all others are listed.
    """

    where: Where
    table: str
    key: tuple[str, ...]
    waiting: str
    progress: tuple[str, ...]
    settle: str
    what: str
    carries: str = ""


@dataclass(frozen=True)
class MovingTable:
    """A table of things a remote party advances. `stamp` is the column with the time of change, empty where there is none.

    `only` is an SQL condition on the rows concerned.
    """

    where: Where
    table: str
    key: tuple[str, ...]
    stamp: str
    what: str
    only: str = "1"


@dataclass(frozen=True)
class Job:
    """One scheduled job. Times in ms since the epoch. `once` jobs run at one time; `managed` ones the release makes itself."""

    id: str
    once: bool
    enabled: bool
    managed: bool = False
    next_run_ms: int | None = None
    last_run_ms: int | None = None
    running: bool = False


class JobRuling(Enum):
    """What to do with a job of the incoming state."""

    KEEP = "keep"
    RETIRE = "retire"
    ADVANCE = "advance"


@dataclass(frozen=True)
class JobDecision:
    """`next_run_ms` and `last_run_ms` are what an advanced job gets; None clears, and the scheduler reckons anew from now."""

    ruling: JobRuling
    why: str = ""
    next_run_ms: int | None = None
    last_run_ms: int | None = None


def decide_job(before: Job, after: Job | None) -> JobDecision:
    """A due slot the candidate took, or may have taken, is not taken again.

    The scheduler catches up missed slots at its start, one-shot jobs always: a slot left in place would run twice.
    """
    return _once(before, after) if before.once else _recurring(before, after)


def _once(before: Job, after: Job | None) -> JobDecision:
    if after is None:
        return JobDecision(JobRuling.RETIRE, REASONS[Fate.GONE])
    if after.running:
        return JobDecision(JobRuling.RETIRE, REASONS[Fate.TOUCHED])
    if _ran(before, after) or (before.enabled and not after.enabled):
        return JobDecision(JobRuling.RETIRE, REASONS[Fate.DONE])
    return JobDecision(JobRuling.KEEP)


def _recurring(before: Job, after: Job | None) -> JobDecision:
    if after is None:
        return JobDecision(JobRuling.KEEP)
    if _ran(before, after) or (before.next_run_ms is not None and (after.next_run_ms or 0) > before.next_run_ms):
        return JobDecision(JobRuling.ADVANCE, REASONS[Fate.DONE], after.next_run_ms, after.last_run_ms)
    if after.running:
        return JobDecision(JobRuling.ADVANCE, REASONS[Fate.TOUCHED], None, after.last_run_ms)
    return JobDecision(JobRuling.KEEP)


def _ran(before: Job, after: Job) -> bool:
    return (after.last_run_ms or 0) > (before.last_run_ms or 0)


@dataclass(frozen=True)
class TokenActs:
    """The acts a gateway recorded on one token (ms since the epoch)."""

    revoked_ms: int | None
    rotated_ms: int | None


class TokenRuling(Enum):
    """What to do with a token of the incoming store."""

    KEEP = "keep"
    REVOKE = "revoke"
    REPLACE = "replace"


def decide_token(before: TokenActs, after: TokenActs | None) -> TokenRuling:
    """Acts after the snapshot stay: a revocation, or a rotation (the old token is dead for the client too).

    A token that changed or vanished with no act recorded is a fault: the restored one stands.
    """
    if after is None:
        return TokenRuling.KEEP
    if (after.rotated_ms or 0) > (before.rotated_ms or 0):
        return TokenRuling.REPLACE
    if after.revoked_ms is not None and before.revoked_ms is None:
        return TokenRuling.REVOKE
    return TokenRuling.KEEP


def removal_is_an_act(tombstone_before_ms: int | None, tombstone_after_ms: int | None) -> bool:
    """Whether the gateway itself recorded that a device was removed since: a tombstone that is new or newer."""
    return tombstone_after_ms is not None and tombstone_after_ms > (tombstone_before_ms or 0)


@dataclass(frozen=True)
class PairingStatements:
    """SQL on the pairing store. Parameters: `:device`, `:tokens` (JSON), `:at` (ms), `:role`, `:token`, `:scopes`."""

    table: str
    devices: str
    set_tokens: str
    remove: str
    tombstones: str
    entomb: str
    own_tokens: str
    set_own: str


@dataclass(frozen=True)
class JobStatements:
    """SQL on scheduled jobs. Parameters: `:store`, `:job`, `:state` (JSON)."""

    select: str
    retire: str
    advance: str


@dataclass(frozen=True)
class EffectFiles:
    """Globs and paths relative to the state directory, for the era of files."""

    queue: tuple[str, ...]
    jobs: str
    runs: str
    transcripts: str
    indexes: str
    paired: str
    moving: tuple[str, ...]


@dataclass(frozen=True)
class EffectKnowledge:
    """All that a service knows of effects: where they are, how a row is read, how it is settled."""

    state_database: str
    agent_databases: str
    outbox: tuple[OutboxTable, ...]
    moving: tuple[MovingTable, ...]
    pairing: PairingStatements
    jobs: JobStatements
    files: EffectFiles
    transcript_rows: str
    job_of: Callable[[str, object, object, str, str], Job]
    advanced_state: Callable[[str, int | None, int | None], str]
    token_acts: Callable[[object], TokenActs]
    is_moving_path: Callable[[str], bool]
