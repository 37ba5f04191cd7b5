"""Whether a statement about some machines concerns this one: yes, no, or unknown."""

import re
from dataclasses import dataclass
from enum import Enum


class Concern(Enum):
    """The answer of a condition on this machine."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Circumstances:
    """This machine, as far as it is known.

    `os` is linux, wsl, macos or windows; `node` the version that would run the target; `install` an InstallKind value or
    docker; `channels` the chat channels in use, `uses` further features (codex, cron, …): None where not looked at.
    """

    os: str = ""
    node: str = ""
    install: str = ""
    channels: tuple[str, ...] | None = None
    uses: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Conditions:
    """All that is given must hold; nothing given holds everywhere. `node` is an npm range, the others are any-of."""

    os: tuple[str, ...] = ()
    node: str = ""
    install: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()

    def concern(self, machine: Circumstances) -> Concern:
        """NO as soon as one condition cannot hold; UNKNOWN when one is not known; else YES."""
        answers = (
            _one(self.os, machine.os),
            _node(self.node, machine.node),
            _one(self.install, machine.install),
            _any(self.channels, machine.channels),
            _any(self.uses, machine.uses),
        )
        if Concern.NO in answers:
            return Concern.NO
        return Concern.UNKNOWN if Concern.UNKNOWN in answers else Concern.YES

    def in_words(self) -> str:
        """The conditions as a phrase."""
        words = (
            " or ".join(self.os),
            f"Node {self.node}" if self.node else "",
            " or ".join(self.install),
            " or ".join(self.channels),
            " or ".join(self.uses),
        )
        return ", ".join(word for word in words if word) or "any machine"


def _one(wanted: tuple[str, ...], found: str) -> Concern:
    if not wanted:
        return Concern.YES
    if not found:
        return Concern.UNKNOWN
    return Concern.YES if found in wanted else Concern.NO


def _any(wanted: tuple[str, ...], found: tuple[str, ...] | None) -> Concern:
    if not wanted:
        return Concern.YES
    if found is None:
        return Concern.UNKNOWN
    return Concern.YES if set(wanted) & set(found) else Concern.NO


def _node(wanted: str, found: str) -> Concern:
    if not wanted:
        return Concern.YES
    if not found:
        return Concern.UNKNOWN
    return Concern.YES if satisfies(found, wanted) else Concern.NO


def satisfies(node: str, engines: str) -> bool:
    """Whether a Node version lies in an npm range; a range or version that cannot be read is not satisfied.

    Ranges of `>=` and `<` alone, which is how OpenClaw writes them, are read here: npm's whole grammar takes 20 ms to load.
    """
    plain = _PLAIN_VERSION.match(node)
    alternatives = [[_PLAIN_BOUND.match(word) for word in each.split()] for each in engines.split("||")]
    if plain and all(bounds and all(bounds) for bounds in alternatives):
        version = _numbers(plain)
        return any(all(_within(version, bound) for bound in bounds if bound) for bounds in alternatives)
    import nodesemver

    try:
        return bool(nodesemver.satisfies(node, engines, loose=True))
    except ValueError:
        return False


_PLAIN_VERSION = re.compile(r"()(\d{1,9})\.(\d{1,9})\.(\d{1,9})\Z", re.ASCII)
_PLAIN_BOUND = re.compile(r"(>=|<)(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?\Z", re.ASCII)


def _numbers(found: re.Match[str]) -> tuple[int, ...]:
    return tuple(int(number or 0) for number in found.groups()[1:])


def _within(version: tuple[int, ...], bound: re.Match[str]) -> bool:
    return version >= _numbers(bound) if bound[1] == ">=" else version < _numbers(bound)
