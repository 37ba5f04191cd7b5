"""What a log tells of pairing, condensed: how often, how fast, which device, from and to which scopes. Bounded memory."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

_KINDS = 400  # different sightings kept; what comes beyond is counted under one name
_OTHERS = "others"
_BURST = timedelta(minutes=1)


@dataclass(frozen=True)
class LogEvent:
    """One line of a log that means something. `device` is a whole device id or empty; `detail` the gateway's own reason;
    `agent` the agent it is about, where that matters."""

    signature: str
    at: datetime
    device: str = ""
    client: str = ""
    detail: str = ""
    scopes_from: tuple[str, ...] = ()
    scopes_to: tuple[str, ...] = ()
    sample: str = ""
    agent: str = ""


@dataclass(frozen=True)
class Sighting:
    """All events of one kind by one device and client. `peak_per_minute` is the largest number within any one minute."""

    signature: str
    device: str
    client: str
    detail: str
    scopes_from: tuple[str, ...]
    scopes_to: tuple[str, ...]
    count: int
    first: datetime
    last: datetime
    peak_per_minute: int
    sample: str = ""
    agent: str = ""

    @property
    def short(self) -> str:
        """The device's first 12 digits, or that none was named."""
        return self.device[:12] or "no device named"


@dataclass
class _Tally:
    """The growing numbers of one kind."""

    event: LogEvent
    first: datetime
    last: datetime
    count: int = 0
    peak: int = 0
    in_burst: int = 0
    burst_began: datetime | None = None

    def add(self, at: datetime) -> None:
        self.count += 1
        self.first, self.last = min(self.first, at), max(self.last, at)
        if self.burst_began is None or not timedelta(0) <= at - self.burst_began < _BURST:
            self.burst_began, self.in_burst = at, 0
        self.in_burst += 1
        self.peak = max(self.peak, self.in_burst)


def condense(events: Iterable[LogEvent]) -> tuple[Sighting, ...]:
    """Events in their order, condensed by signature, device, client and scopes; the most frequent first."""
    tallies: dict[tuple[object, ...], _Tally] = {}
    for event in events:
        key = _key(event)
        if key not in tallies and len(tallies) >= _KINDS:
            event = LogEvent(_OTHERS, event.at)
            key = (_OTHERS,)
        if key not in tallies:
            tallies[key] = _Tally(event, event.at, event.at)
        tallies[key].add(event.at)
    found = (_sighting(each) for each in tallies.values())
    return tuple(sorted(found, key=lambda each: (-each.count, each.signature, each.device)))


def _key(event: LogEvent) -> tuple[object, ...]:
    return (event.signature, event.device, event.client, event.detail, event.scopes_from, event.scopes_to, event.agent)


def _sighting(tally: _Tally) -> Sighting:
    event = tally.event
    return Sighting(
        signature=event.signature,
        device=event.device,
        client=event.client,
        detail=event.detail,
        scopes_from=event.scopes_from,
        scopes_to=event.scopes_to,
        count=tally.count,
        first=tally.first,
        last=tally.last,
        peak_per_minute=tally.peak,
        sample=event.sample,
        agent=event.agent,
    )
