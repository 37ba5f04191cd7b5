"""What a diagnosis says: causes with their evidence and the next command, likeliest first; and what mends them."""

from dataclasses import dataclass
from enum import Enum

from upgrader.domain.pairing.sighting import Sighting


class Likelihood(Enum):
    """How sure a cause is: CERTAIN is read from data, LIKELY fits all that was seen, POSSIBLE is one of several."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Impact(Enum):
    """What a cause does: something is refused NOW, it will be LATER (after an update, a restart), or it is only TOLD."""

    NOW = "breaks now"
    LATER = "breaks later"
    TOLD = "told"


class Nature(Enum):
    """What kind of trouble it is; a LOOKALIKE reads like a pairing error and is none."""

    PAIRING = "device pairing"
    DATA = "unreadable data"
    SERVICE = "service and processes"
    LOOKALIKE = "not device pairing"


class Rung(Enum):
    """The ladder of a repair, least first; after approving and rotating the cache is synchronised again."""

    REISSUE = "let the client cache be issued anew"
    SYNC = "copy token and scopes of the gateway's record into the client cache"
    APPROVE = "approve the waiting request"
    ROTATE = "rotate the token with full scopes"
    PAIR_AGAIN = "remove this machine's record and pair again"
    WIDEN = "write the full scopes into the record"


@dataclass(frozen=True)
class Cause:
    """One cause. `code` is its stable name, `title` a sentence, `evidence` what was seen, `remedy` the exact next command.

    `device` is the short device id it is about, `place` the file or table, both empty where it is about neither. `rungs` are
    the steps of a repair that can mend it, none where a person has to.
    """

    code: str
    title: str
    likelihood: Likelihood
    impact: Impact
    evidence: tuple[str, ...]
    remedy: str
    nature: Nature = Nature.PAIRING
    device: str = ""
    place: str = ""
    rungs: tuple[Rung, ...] = ()


@dataclass(frozen=True)
class Truth:
    """One thing two sides may see differently: what a client here goes by, and what the gateway goes by."""

    what: str
    client: str
    gateway: str

    @property
    def agrees(self) -> bool:
        """Whether both say the same; an unknown side contradicts nothing."""
        return not self.client or not self.gateway or self.client == self.gateway


class Standing(Enum):
    """The verdict on one kind of client."""

    LET_IN = "let in"
    REFUSED = "refused"
    NOT_HELD = "not held against the record"
    UNKNOWN = "cannot be said"


@dataclass(frozen=True)
class ClientLine:
    """One kind of client: what it asks for, what it may have, and whether it gets it; `why` in one phrase."""

    kind: str
    asks: tuple[str, ...]
    may_have: tuple[str, ...]
    standing: Standing
    why: str


@dataclass(frozen=True)
class DiagnosisData:
    """A whole diagnosis. `version` is empty where no release could be told; `unread` are sentences about what was not seen."""

    version: str
    running: bool
    causes: tuple[Cause, ...]
    clients: tuple[ClientLine, ...] = ()
    truths: tuple[Truth, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    unread: tuple[str, ...] = ()


_LIKELIHOOD = {Likelihood.CERTAIN: 0, Likelihood.LIKELY: 1, Likelihood.POSSIBLE: 2}
_IMPACT = {Impact.NOW: 0, Impact.LATER: 1, Impact.TOLD: 2}


def ranked(causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """What breaks now before what will, the certain before the likely, else in the rules' order; one a code and device."""
    single = {(each.code, each.device, each.place, each.title): each for each in reversed(causes)}
    order = {id(each): place for place, each in enumerate(causes)}
    return tuple(
        sorted(single.values(), key=lambda each: (_IMPACT[each.impact], _LIKELIHOOD[each.likelihood], order[id(each)]))
    )


def broken(causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """Those that break something now or will."""
    return tuple(each for each in causes if each.impact is not Impact.TOLD)
