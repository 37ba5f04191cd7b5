"""What a command returns: one frozen value, printed by one renderer."""

from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Status(Enum):
    """How a command ended, for people and for the envelope."""

    DONE = "done"
    UNCHANGED = "unchanged"
    BLOCKED = "blocked"
    ROLLED_BACK = "rolled_back"
    INCONCLUSIVE = "inconclusive"
    FAILED = "failed"


@dataclass(frozen=True)
class Failure:
    """One thing that went wrong: a stable `code`, what happened, why, the next command."""

    code: str
    message: str
    why: str = ""
    hint: str = ""
    unchanged: str = ""


@dataclass(frozen=True)
class Outcome(Generic[T_co]):
    """The result of one command. `exit_code` follows the table in docs/design.md; `notices` are for stderr."""

    command: str
    data: T_co
    status: Status = Status.DONE
    exit_code: int = 0
    failures: tuple[Failure, ...] = ()
    notices: tuple[str, ...] = ()
