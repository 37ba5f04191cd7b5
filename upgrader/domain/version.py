"""OpenClaw's version numbers, ordered as OpenClaw means them."""

import re
from dataclasses import dataclass
from functools import total_ordering

from packaging.version import Version as Pep440

from upgrader.errors import UsageError

_SHAPE = re.compile(r"^v?\d+\.\d+\.\d+(?:-(?:\d+|(?:alpha|beta|rc|canary|next)(?:\.\d+)?))?$")
# PEP 440 reads `-2` as a post-release, as OpenClaw does; `-canary.N` and `-next.N` it does not know: both are early builds.
_EARLY = re.compile(r"-(?:canary|next)(?:\.(\d+))?$")


@total_ordering
@dataclass(frozen=True)
class Version:
    """One published version. Total order: `2026.2.19 < 2026.2.19-2 < 2026.2.20`; betas before their release."""

    text: str

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Read a version. Raises UsageError naming what was expected."""
        cleaned = text.strip().removeprefix("v")
        if not _SHAPE.match(cleaned):
            raise UsageError(
                f"{text!r} is not an OpenClaw version",
                why="a version looks like 2026.9.6, 2026.2.19-2 or 2026.5.16-beta.7",
                hint="`upgrader plan` shows the releases it knows",
                code="bad_version",
            )
        return cls(cleaned)

    @property
    def order(self) -> tuple[Pep440, str]:
        """The sort key; the text breaks ties so that the order is total."""
        early = _EARLY.search(self.text)
        if early:
            return Pep440(f"{self.text[: early.start()]}.dev{early.group(1) or 0}"), self.text
        return Pep440(self.text), self.text

    @property
    def is_prerelease(self) -> bool:
        """Whether this is a beta, canary, next or release candidate."""
        return self.order[0].is_prerelease

    def at_least(self, text: str) -> bool:
        """Whether this is the release `text` or a later one (betas of it count as earlier)."""
        return self >= Version(text)

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Version):
            return NotImplemented
        return self.order < other.order

    def __str__(self) -> str:
        return self.text
