"""What `upgrader watch` finds: values alone."""

from dataclasses import dataclass
from datetime import timedelta

from upgrader.domain.moves.drift import Drift


@dataclass(frozen=True)
class Pace:
    """How politely is watched: a glance every `glance` (a few stat calls), a whole look every `look`, news every `news`.

    `settle`: how long nothing must move before one look alone mends.
    """

    glance: timedelta = timedelta(seconds=30)
    look: timedelta = timedelta(minutes=10)
    news: timedelta = timedelta(hours=6)
    settle: timedelta = timedelta(seconds=2)


@dataclass(frozen=True)
class Look:
    """One whole look: the installed release, the one that was left (empty where upgrader left none yet), what differs."""

    version: str
    left: str
    drift: tuple[Drift, ...] = ()


@dataclass(frozen=True)
class WatchData:
    """What was found last: the release, what is not as it was left, which awaited fixes are out, what was done about it.

    `left` is the release that upgrader left: empty where there is none, so that nothing can be compared, None where nobody
    could look yet. `given_up` is what could not be mended.
    """

    version: str
    left: str | None = None
    drift: tuple[Drift, ...] = ()
    news: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    given_up: tuple[Drift, ...] = ()
