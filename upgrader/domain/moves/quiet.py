"""Making a gateway idle before it is stopped: what it answers, and how long one waits."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum


class Quietness(Enum):
    """How a gateway answered the wish to become idle. It admits no new work while READY or DRAINING."""

    READY = "ready"
    DRAINING = "draining"
    NOT_OFFERED = "not offered"


@dataclass(frozen=True)
class Suspension:
    """The answer: `id` releases it again, `work` names in words what still runs."""

    quietness: Quietness
    id: str = ""
    work: tuple[str, ...] = ()


@dataclass(frozen=True)
class GatewayIdentity:
    """The serving process as it names itself."""

    pid: int
    instance: str


class AtLimit(Enum):
    """What happens to work that is still running when the wait is over."""

    POSTPONE = "postpone"
    INTERRUPT = "interrupt"


@dataclass(frozen=True)
class Patience:
    """How long running work is waited for, and what comes then."""

    limit: timedelta = timedelta(minutes=2)
    at_limit: AtLimit = AtLimit.POSTPONE
