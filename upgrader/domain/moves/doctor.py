"""How a release's doctor is called on the way from one release to another."""

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class DoctorCall:
    """Arguments after the entry script, extra environment, and which exit codes mean it worked.

    `mandatory`: without it the target does not start, or starts without what it did not import. `source` says where that
    is known from, `crash` the line (regular expression) that a doctor leaves which an error ended that nobody caught.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    accepted: tuple[int, ...] = (0,)
    mandatory: bool = False
    source: str = ""
    crash: str = ""

    def went_well(self, exit_code: int, stderr: bytes) -> bool:
        """Whether it ended as a doctor does: one that died of an error nobody caught ends with 1, as one with warnings does."""
        crashed = bool(self.crash) and re.search(self.crash.encode(), stderr, re.MULTILINE) is not None
        return exit_code in self.accepted and not crashed
