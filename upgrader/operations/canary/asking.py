"""Turns asked for on a clone without a command of OpenClaw: one connection, the same request that its command line makes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from upgrader.domain.canary.contents import SkillsListed
from upgrader.domain.canary.enclosure import Place, Site
from upgrader.domain.canary.report import CanaryRequest
from upgrader.domain.canary.turns import TurnEnded, TurnProbe
from upgrader.domain.installation.facts import AuthFacts
from upgrader.domain.kept.slot import Slot
from upgrader.domain.pairing.ports import Attempt, Gateway, NoAnswer, Sockets
from upgrader.domain.version import Version

_MOMENT = timedelta(seconds=30)


class TurnLore(Protocol):
    """What is known of asking for a turn over a connection."""

    def asks_apart(self, version: Version, auth_mode: str) -> bool:
        """Whether such a connection is the same as the command line's, and nothing is recorded of it."""

    def turn_attempt(self, gateway: Gateway) -> Attempt:
        """The connect."""

    def turn_frame(self, probe: TurnProbe, seconds: float) -> bytes:
        """The request."""

    def skills_frame(self) -> bytes:
        """The request for the list of skills."""

    def skills_listed(self, frame: bytes) -> SkillsListed | None:
        """Their names, None for any other frame."""

    def turn_ended(self, probe: TurnProbe, frame: bytes) -> TurnEnded | None:
        """How it ended, None for any other frame."""


@dataclass(frozen=True)
class CloneAsker:
    """Port TurnAsker. `sockets(place, limit)` connects over the place's own loopback, `auth(request, site)` is the clone's."""

    sockets: Callable[[Place, timedelta], Sockets]
    auth: Callable[[CanaryRequest, Site], AuthFacts]
    lore: TurnLore

    def gateway(self, request: CanaryRequest, slot: Slot, site: Site, port: int) -> Gateway | None:
        """See TurnAsker.gateway."""
        auth = self.auth(request, site)
        return Gateway(slot.version, port, auth) if self.lore.asks_apart(slot.version, auth.mode) else None

    def ask(self, place: Place, gateway: Gateway, probe: TurnProbe, limit: timedelta) -> TurnEnded:
        """See TurnAsker.ask."""
        attempt, frame = self.lore.turn_attempt(gateway), self.lore.turn_frame(probe, limit.total_seconds())
        sockets = self.sockets(place, limit)
        try:
            met, ended = sockets.ask(gateway.port, attempt, lambda _: frame, lambda answer: self.lore.turn_ended(probe, answer))
        except NoAnswer as error:
            return TurnEnded(None if error.code == "gateway_timeout" else 1, error.why)
        return ended or TurnEnded(1, f"gateway refused the connect: {met.code} {met.reason}")

    def skills(self, place: Place, gateway: Gateway) -> SkillsListed:
        """See TurnAsker.skills."""
        attempt, frame = self.lore.turn_attempt(gateway), self.lore.skills_frame()
        try:
            _, listed = self.sockets(place, _MOMENT).ask(gateway.port, attempt, lambda _: frame, self.lore.skills_listed)
        except NoAnswer:
            return SkillsListed()
        return listed or SkillsListed()
