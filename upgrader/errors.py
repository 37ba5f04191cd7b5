"""The errors of upgrader, one tree.

UpgraderError 1 ─┬─ UsageError 2
                 ├─ Blocked 3
                 ├─ RolledBack 4
                 ├─ RollbackIncomplete 5
                 ├─ Busy 6
                 └─ Inconclusive 7

Exit codes are few and stand on the class; `code` is the finer, stable name of the cause and is never reused.
Every error says what happened, why, what is unchanged, and the next command to type.
"""

from typing import ClassVar


class UpgraderError(Exception):
    """What happened (`message`), why (`why`), what stands as before (`unchanged`), what to type next (`hint`).

    No error is without a hint: where none is given that of its class counts.
    """

    exit_code: ClassVar[int] = 1
    default_code: ClassVar[str] = "error"
    default_hint: ClassVar[str] = "`upgrader status` shows what stands now"

    def __init__(
        self,
        message: str,
        *,
        why: str = "",
        hint: str = "",
        code: str = "",
        unchanged: str = "nothing was changed",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.why = why
        self.hint = hint or self.default_hint
        self.code = code or self.default_code
        self.unchanged = unchanged


class UsageError(UpgraderError):
    """The words of the command do not fit."""

    exit_code = 2
    default_code = "usage"
    default_hint = "`upgrader --help` shows the commands"


class Blocked(UpgraderError):
    """The plan forbids it, or a required check failed."""

    exit_code = 3
    default_code = "blocked"


class RolledBack(UpgraderError):
    """The upgrade failed and everything is as it was before."""

    exit_code = 4
    default_code = "rolled_back"


class RollbackIncomplete(UpgraderError):
    """The way back did not end where it should; the hint says what to do by hand."""

    exit_code = 5
    default_code = "rollback_incomplete"


class Busy(UpgraderError):
    """Another run holds the lock of this installation."""

    exit_code = 6
    default_code = "busy"


class Inconclusive(UpgraderError):
    """It could not be judged; nothing was changed."""

    exit_code = 7
    default_code = "inconclusive"
