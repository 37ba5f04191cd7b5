"""What a person chose on the command line, as types."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upgrader.domain.moves.quiet import Patience


@dataclass(frozen=True)
class Options:
    """The options that select an installation; empty where not given."""

    config: str = ""
    profile: str = ""
    state_dir: str = ""
    prefix: str = ""


class Answers(Enum):
    """Whether questions are asked or answered with yes beforehand."""

    ASK = "ask"
    YES = "yes"


class Reach(Enum):
    """Whether the registry may be asked."""

    ONLINE = "online"
    OFFLINE = "offline"


class LiveProbe(Enum):
    """Whether the live checks may ask the person's own model for a turn."""

    NONE = "none"
    TURN = "turn"


def _usual() -> Patience:
    from upgrader.domain.moves.quiet import Patience  # of those who move

    return Patience()


@dataclass(frozen=True)
class Conduct:
    """How a move treats the running gateway: how long agents at work are waited for, and whether one is asked for a turn."""

    patience: Patience = field(default_factory=_usual)
    probe: LiveProbe = LiveProbe.NONE


class Residue(Enum):
    """Whether the demo's directory stays."""

    KEEP = "keep"
    REMOVE = "remove"
