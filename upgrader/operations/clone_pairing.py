"""Pairing on a clone: the store before the release touched it and after, and connects of every kind of client."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from upgrader.domain.canary import CanaryRequest
from upgrader.domain.check import Judgement, Need, Verdict
from upgrader.domain.checks import live
from upgrader.domain.checks.pairing import judge_store
from upgrader.domain.checks.pairing_change import StoreChange, compare_stores
from upgrader.domain.enclosure import Place, Site
from upgrader.domain.facts import AuthFacts
from upgrader.domain.observation import Handshake, HandshakeResult, Observation, PairingStore, Reach
from upgrader.domain.observing import Attempt, Gateway, Knowledge, NoAnswer, Sockets
from upgrader.domain.ports import Clock
from upgrader.domain.slot import Slot
from upgrader.operations.pairing_store import StoreReader

_TOLD_BY_THE_COURSE = ("live.ready", "live.untouched")


@dataclass(frozen=True)
class ClonePairing:
    """Port PairingProbe. `sockets(place)` connects over the place's own loopback, `auth(request, site)` is the clone's."""

    reader: StoreReader
    sockets: Callable[[Place], Sockets]
    auth: Callable[[CanaryRequest, Site], AuthFacts]
    knowledge: Knowledge
    clock: Clock
    _before: dict[Path, PairingStore] = field(default_factory=dict)

    def broken(self, request: CanaryRequest) -> tuple[Judgement, ...]:
        """What the present release refuses of the store as it is in the snapshot."""
        rules = self.knowledge.rules(request.present.version)
        judged = judge_store(self.reader.store(request.snapshot.tree), rules)
        return tuple(j for j in judged if j.verdict is Verdict.FAIL and j.need is Need.REQUIRED)

    def before(self, request: CanaryRequest, site: Site) -> None:  # noqa: ARG002 - the port's signature
        """Remember the clone's store before its first start."""
        self._before[site.state] = self.reader.store(site.state)

    def judge(self, request: CanaryRequest, slot: Slot, site: Site, place: Place, port: int) -> tuple[Judgement, ...]:
        """What the release made of the store, and how each kind of client is received."""
        rules = self.knowledge.rules(slot.version)
        store = self.reader.store(site.state)
        change = StoreChange(self._before.pop(site.state, store), store, rules, Reach.CLONE)
        gateway = Gateway(slot.version, port, self.auth(request, site))
        now_ms = int(self.clock.now().timestamp() * 1000)
        attempts = self.knowledge.attempts(gateway, store, self.reader.credentials(site.state), Reach.CLONE, now_ms)
        sockets = self.sockets(place)
        seen = tuple(_attempt(sockets, port, each) if isinstance(each, Attempt) else each for each in attempts)
        looked = Observation(slot.version, store, running=True, ready=True, handshakes=seen, reach=Reach.CLONE)
        judged = (each for each in live.judge(looked, rules) if each.check not in _TOLD_BY_THE_COURSE)
        return (*judged, *compare_stores(change))


def _attempt(sockets: Sockets, port: int, attempt: Attempt) -> Handshake:
    try:
        return sockets.converse(port, attempt.reply, attempt.read, attempt.origin)
    except NoAnswer as error:
        return Handshake(attempt.kind.value, HandshakeResult.ERROR, error.code, error.why)
    except ValueError as error:
        return Handshake(attempt.kind.value, HandshakeResult.ERROR, "identity_unusable", str(error))
