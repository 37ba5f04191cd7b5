"""What a person chose on the command line, as types."""

from dataclasses import dataclass
from enum import Enum


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


class Residue(Enum):
    """Whether the demo's directory stays."""

    KEEP = "keep"
    REMOVE = "remove"
