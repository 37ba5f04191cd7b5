"""Pairing on a clone: the store before the release touched it and after, and connects of every kind of client."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from upgrader.domain.canary.course import PairingSeen, Word
from upgrader.domain.canary.enclosure import Place, Site
from upgrader.domain.canary.report import CanaryRequest
from upgrader.domain.check import Judgement, Need, Verdict
from upgrader.domain.checks import live
from upgrader.domain.checks.pairing import judge_store
from upgrader.domain.checks.pairing_change import StoreChange, compare_stores
from upgrader.domain.installation.facts import AuthFacts
from upgrader.domain.kept.slot import Slot
from upgrader.domain.pairing.observation import Handshake, HandshakeResult, Observation, PairingStore, Reach
from upgrader.domain.pairing.ports import Attempt, Gateway, Knowledge, NoAnswer, Sockets
from upgrader.domain.ports import Clock
from upgrader.operations.diagnosis.pairing_store import StoreReader

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

    def judge(self, request: CanaryRequest, slot: Slot, site: Site, place: Place, port: int, word: Word | None) -> PairingSeen:
        """What the release made of the store, and how each kind of client is received."""
        rules = self.knowledge.rules(slot.version)
        store = self.reader.store(site.state)
        change = StoreChange(self._before.get(site.state, store), store, rules, Reach.CLONE)
        gateway = Gateway(slot.version, port, self.auth(request, site))
        now_ms = int(self.clock.now().timestamp() * 1000)
        attempts = self.knowledge.attempts(gateway, store, self.reader.credentials(site.state), Reach.CLONE, now_ms)
        sockets = self.sockets(place)
        seen = tuple(self._met(sockets, port, each, word) if isinstance(each, Attempt) else (each, None) for each in attempts)
        handshakes = tuple(handshake for handshake, _ in seen)
        looked = Observation(slot.version, store, running=True, ready=True, handshakes=handshakes, reach=Reach.CLONE)
        judged = (each for each in live.judge(looked, rules) if each.check not in _TOLD_BY_THE_COURSE)
        accepted = [(h.client, heard) for h, heard in seen if word and self.knowledge.may_read(h)]
        return PairingSeen(
            (*judged, *compare_stores(change)),
            tuple(f"live.handshake.{client}" for client, heard in accepted if heard),
            tuple(f"live.handshake.{client}" for client, heard in accepted if not heard),
        )

    def _met(self, sockets: Sockets, port: int, attempt: Attempt, word: Word | None) -> tuple[Handshake, bool | None]:
        """The outcome, and whether that gateway has heard the word; None where it was not asked."""
        seen: list[Handshake] = []

        def question(met: Handshake) -> bytes | None:
            seen.append(met)
            return self.knowledge.history_frame(word.session, word.text) if word and self.knowledge.may_read(met) else None

        def heard(frame: bytes) -> bool | None:
            return self.knowledge.history_holds(word.text, frame) if word else None

        try:
            return sockets.ask(port, attempt, question, heard)
        except NoAnswer as error:
            failed = Handshake(attempt.kind.value, HandshakeResult.ERROR, error.code, error.why)
        except ValueError as error:
            failed = Handshake(attempt.kind.value, HandshakeResult.ERROR, "identity_unusable", str(error))
        return (seen[0], False) if seen else (failed, None)
