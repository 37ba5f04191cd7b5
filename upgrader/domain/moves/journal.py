"""The journal of a transaction: states, entries and undos as data.

An upgrade is a list of steps. Before each effect an `intend` entry is made durable that carries the whole undo of that
effect; after it a `done`. Undos are a small frozen vocabulary of primitives, each safe to run twice and safe to run when
the effect never happened: each names what it must find, and does nothing when it finds the undone state already.
Format: docs/journal-format.md.
"""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from upgrader.domain.fileid import FileId as FileId

FORMAT = 1


class Step(Enum):
    """The steps of a move, in order. An upgrade runs the doctor on the state, a rollback restores it."""

    STANDBY = "standby"
    FENCE = "fence"
    STOP = "stop"
    FINAL = "final-snapshot"
    SWITCH = "switch"
    DOCTOR = "doctor"
    RESTORE = "restore"
    INSTALL = "install"
    START = "start"
    VERIFY = "verify"


class Mark(Enum):
    """What an entry says of its step."""

    OPEN = "open"
    INTEND = "intend"
    DONE = "done"
    ROLLBACK = "rollback"
    UNDONE = "undone"
    COMMITTED = "committed"
    CLOSED = "closed"


@dataclass(frozen=True)
class ExchangeBack:
    """Undo of an exchange of `live` and `side`: done again if the object that was live (`was_live`) now lies at `side`."""

    live: Path
    side: Path
    was_live: FileId


@dataclass(frozen=True)
class RestoreState:
    """Put the state back: set the present tree aside at `standby` by exchange, bring workspaces along, settle effects.

    `standby_id` is the tree made before the risk; nothing is done when it is live already.
    """

    live: Path
    standby: Path
    standby_id: FileId
    workspaces: tuple[Path, ...]


@dataclass(frozen=True)
class RestoreFile:
    """Write the bytes kept under `digest` back to `path` with `mode`; a digest of None means: remove it."""

    path: Path
    digest: str | None
    mode: int


@dataclass(frozen=True)
class RemoveTree:
    """Remove a directory that only this transaction made; never the tree `keep`, which may have been exchanged to `path`."""

    path: Path
    keep: FileId


@dataclass(frozen=True)
class LowerFence:
    """Let the gateway start again."""


@dataclass(frozen=True)
class StopGateways:
    """End every gateway on this state, by identity, and prove that none is left."""

    state: Path


@dataclass(frozen=True)
class StartGateway:
    """Start the gateway as it was started before (`launch` names the kept launch record)."""

    launch: str


Undo = ExchangeBack | RestoreState | RestoreFile | RemoveTree | LowerFence | StopGateways | StartGateway


@dataclass(frozen=True)
class Entry:
    """One durable line of the journal. `undos` are in the order in which they must be run."""

    sequence: int
    mark: Mark
    step: Step | None = None
    undos: tuple[Undo, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Undoing:
    """One step that still has to be undone."""

    sequence: int
    step: Step
    undos: tuple[Undo, ...]


def is_open(entries: tuple[Entry, ...]) -> bool:
    """Whether the transaction still owes an end: neither closed nor empty."""
    return bool(entries) and entries[-1].mark is not Mark.CLOSED


def is_committed(entries: tuple[Entry, ...]) -> bool:
    """Whether the point of no automatic return is passed: the new release stays, only tidying is left.

    A rollback begun after it counts more: its undos have run, in part or all of them.
    """
    last = next((entry.mark for entry in reversed(entries) if entry.mark in (Mark.COMMITTED, Mark.ROLLBACK)), None)
    return last is Mark.COMMITTED


def owed(entries: tuple[Entry, ...]) -> tuple[Undoing, ...]:
    """The undos still to run, last intention first. An intention without `done` counts: its effect may have happened."""
    undone = {entry.note for entry in entries if entry.mark is Mark.UNDONE}
    return tuple(
        Undoing(entry.sequence, entry.step, entry.undos)
        for entry in reversed(entries)
        if entry.mark is Mark.INTEND and entry.step is not None and str(entry.sequence) not in undone
    )
