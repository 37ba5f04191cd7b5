"""What a transaction is opened with: all that finishing or undoing it needs, without a secret."""

from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from upgrader.domain.check import Judgement
from upgrader.domain.installation.facts import AuthFacts, Installation
from upgrader.domain.kept.slot import Slot


class Move(Enum):
    """Which way the transaction goes."""

    UPGRADE = "upgrade"
    ROLLBACK = "rollback"
    RESTORE = "restore"

    @property
    def brings_state_back(self) -> bool:
        """Whether an earlier state comes in; else the present one is brought into the release's form."""
        return self is Move.ROLLBACK


@dataclass(frozen=True)
class Opened:
    """One transaction at its start.

    `standby` is the sibling of the state directory that holds the tree to return to; `side` the sibling of the package
    pointer it is exchanged with; `before` what the checks said of the installation when it began.
    """

    transaction: str
    move: Move
    installation: Installation
    present: Slot
    target: Slot
    standby: Path
    side: Path
    was_running: bool
    before: tuple[Judgement, ...] = ()
    started: str = ""


def without_secrets(installation: Installation) -> Installation:
    """The same installation for a file: authentication keeps its mode only."""
    return replace(installation, auth=AuthFacts(installation.auth.mode))
