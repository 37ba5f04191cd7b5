"""What changed behind our back since the last move: the release, its tree, a directory in the place of our link. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from upgrader.domain.installation.facts import Installation, Obstacle
from upgrader.domain.installation.surroundings import OTHER_TREE
from upgrader.domain.kept.slot import Slot, SlotOrigin


class DriftKind(Enum):
    """What is not as the last move left it."""

    RELEASE = "release"
    PACKAGE = "package"
    TREE = "tree"
    GATEWAY = "gateway"


@dataclass(frozen=True)
class Drift:
    """One change nobody told us of: what, probably by whom, how to keep it and how to return (commands; empty: none)."""

    kind: DriftKind
    what: str
    cause: str
    adopt: str
    restore: str

    def in_words(self) -> str:
        """All of it in one line."""
        ways = [f"`{self.adopt}` keeps it"] if self.adopt else []
        ways += [f"`{self.restore}` returns to what was"] if self.restore else []
        return f"{self.what} ({self.cause}){': ' + ', '.join(ways) if ways else ''}"


@dataclass(frozen=True)
class LeftAs:
    """How the last move or `upgrader adopt` left the package: the slot that was active, and where its tree lies now."""

    slot: Slot
    root: Path | None


RESTORE = "upgrader restore"
_BY_HAND = "by `npm i -g`, `npm update -g` or `openclaw update`"


def drifts(found: Installation, left: LeftAs | None) -> tuple[Drift, ...]:
    """Everything about package and gateway that is not as it was left; nothing where there was no move yet."""
    return () if left is None else (*_package(found, left), *_gateway(found))


def _package(found: Installation, left: LeftAs) -> Iterator[Drift]:
    present, was = found.package.version, left.slot.version
    if present != was:
        what = f"{present} is installed, and upgrader left {was}"
        other = f"upgrader upgrade {was}" if was > present else "upgrader rollback"
        yield Drift(DriftKind.RELEASE, what, _BY_HAND, "upgrader adopt", RESTORE if left.root else other)
    elif found.package.root != left.root:
        staged = left.slot.origin is SlotOrigin.STAGED
        place = "the link to its slot was replaced by a directory" if staged else "its directory was replaced by another"
        what = f"{present} is what upgrader left, but {place}"
        yield Drift(DriftKind.PACKAGE, what, _BY_HAND, "upgrader adopt", RESTORE if left.root else "")


def _gateway(found: Installation) -> Iterator[Drift]:
    for each in found.gateways:
        if each.version is not None and each.version != found.package.version:
            what = f"the gateway (pid {each.identity.pid}) runs {each.version}, and {found.package.version} is on disk"
            yield Drift(DriftKind.GATEWAY, what, "it was not restarted since the package was replaced", "", "")


def damaged_tree(slot: Slot, why: str) -> Drift:
    """The tree of the active slot has another digest than its record."""
    what = f"the tree of {slot.version} is not the one that was recorded: {why}"
    return Drift(DriftKind.TREE, what, "something wrote into a tree that is kept read-only", "", RESTORE)


def needs_restart(found: Installation, left: LeftAs) -> bool:
    """Whether a gateway runs another tree than the one that was left: putting the link back is not enough for it.

    One without a version was started before what lies there now was put there: by the link, as it was left.
    """
    return any(each.package_root != left.root and each.version is not None for each in found.gateways)


def still_in_the_way(found: Installation, left: LeftAs) -> tuple[Obstacle, ...]:
    """The obstacles that putting the package back does not mend: a gateway that runs the kept tree is what is wanted."""
    runs_kept = all(each.package_root in (None, left.root) for each in found.gateways)
    return tuple(each for each in found.obstacles if not (each.code == OTHER_TREE and runs_kept))


def cannot_open(found: Installation, left: LeftAs, opens: int | None) -> str:
    """Why the release that was left cannot have the state as it is now; empty when it can. `opens`: its highest schema."""
    schema, same = found.state.state_schema, found.package.version == left.slot.version
    if not schema or same or (opens is not None and schema <= opens):
        return ""
    if opens is None:
        return f"nobody knows whether {left.slot.version} opens schema {schema}"
    return f"the state was taken to schema {schema}, and {left.slot.version} opens {opens} at most"
