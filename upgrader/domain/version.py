"""OpenClaw's version numbers, ordered as OpenClaw means them."""

import re
from dataclasses import dataclass
from functools import cached_property, total_ordering

from packaging.version import Version as Pep440

from upgrader.errors import UsageError

_NUMBER = r"(?:0|[1-9]\d{0,8})"
_SHAPE = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-(?:{_NUMBER}|(?:alpha|beta|rc|canary|next)(?:\.{_NUMBER})?))?", re.ASCII
)
# npm sorts 2026.9.6-1 before 2026.9.6. PEP 440 reads it as a post-release, as OpenClaw does: compare `Version` only.
# `-canary.N` and `-next.N` PEP 440 does not know: both are builds from before the betas.
_EARLY = re.compile(r"-(?:canary|next)(?:\.(\d+))?")


@total_ordering
@dataclass(frozen=True)
class Version:
    """One published version, as the registry spells it. Equal only when spelled alike.

    Total order: `0.0.1 < 2026.2.19-canary.3 < 2026.2.19-beta.1 < 2026.2.19 < 2026.2.19-2 < 2026.2.20`.
    Raises UsageError for a text that is none.
    """

    text: str

    def __post_init__(self) -> None:
        if not _SHAPE.fullmatch(self.text):
            raise UsageError(
                f"{self.text[:60]!r} is not an OpenClaw version",
                why="a version looks like 2026.9.6, 2026.2.19-2 or 2026.5.16-beta.7",
                hint="`upgrader plan` shows the releases it knows",
                code="bad_version",
            )

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Read what a person typed: blanks around it and a leading `v` are allowed. Raises UsageError."""
        return cls(text.strip().removeprefix("v"))

    @cached_property
    def order(self) -> tuple[Pep440, str]:
        """The sort key; the text breaks ties, so that no two versions are neither equal nor ordered."""
        early = _EARLY.search(self.text)
        if early:
            return Pep440(f"{self.text[: early.start()]}.dev{early.group(1) or 0}"), self.text
        return Pep440(self.text), self.text

    @property
    def is_prerelease(self) -> bool:
        """Whether this is an alpha, beta, canary, next or release candidate."""
        return self.order[0].is_prerelease

    @property
    def train(self) -> tuple[int, int, int]:
        """Year, month and number, without what follows the dash."""
        major, minor, micro = self.order[0].release
        return major, minor, micro

    def at_least(self, text: str) -> bool:
        """Whether this is the release `text` or a later one (betas of it count as earlier)."""
        return self >= Version(text)

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Version):
            return NotImplemented
        return self.order < other.order

    def __str__(self) -> str:
        return self.text


_TERM = re.compile(r"(<=|>=|<|>|=)?(\S+)")


@dataclass(frozen=True)
class Span:
    """A set of versions: comparisons that must all hold (`>=2026.2.12 <2026.2.19`), or one version by itself.

    Raises UsageError for a text that is none.
    """

    text: str

    def __post_init__(self) -> None:
        if not self._terms:
            raise UsageError("a span of versions is empty", why="write a version or `>=A <B`", code="bad_span")

    @cached_property
    def _terms(self) -> tuple[tuple[str, Version], ...]:
        return tuple((match[1] or "=", Version(match[2])) for match in _TERM.finditer(self.text))

    def holds(self, version: Version) -> bool:
        """Whether `version` belongs to it, by OpenClaw's order."""
        return all(_compare(version, sign, bound) for sign, bound in self._terms)

    @property
    def bounds(self) -> tuple[Version, ...]:
        """The versions it names."""
        return tuple(bound for _, bound in self._terms)

    def __str__(self) -> str:
        return self.text


def _compare(version: Version, sign: str, bound: Version) -> bool:
    return {
        "=": version == bound,
        "<": version < bound,
        "<=": version <= bound,
        ">": version > bound,
        ">=": version >= bound,
    }[sign]


def nearest(wanted: Version, known: tuple[Version, ...], count: int = 3) -> tuple[Version, ...]:
    """The versions closest to a mistyped one: of the same train first, then by distance; oldest first."""
    year, month, number = wanted.train

    def distance(other: Version) -> tuple[int, int]:
        far = abs((other.train[0] - year) * 12 + other.train[1] - month)
        return far, abs(other.train[2] - number)

    return tuple(sorted(sorted(known, key=distance)[:count]))
