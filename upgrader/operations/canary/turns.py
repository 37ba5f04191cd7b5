"""Agent turns on a clone: asked through the gateway, seen at the stand-in model."""

from dataclasses import replace
from datetime import timedelta

from upgrader.domain.canary.course import Skipped
from upgrader.domain.canary.turns import MOMENTS, Saw, TurnEnded, TurnKind, TurnProbe, TurnSeen
from upgrader.domain.pairing.ports import Gateway
from upgrader.domain.process import CommandTimedOut
from upgrader.domain.said import last_words
from upgrader.domain.units import span
from upgrader.operations.canary.site import Grounds
from upgrader.operations.canary.tools import CourseTools

_POLL = timedelta(seconds=0.1)
_RETURN = timedelta(seconds=30)  # it took 1 s on 9.6; it never decides, so nobody waits long for it


class TurnTaker:
    """Takes turns of one slot in one open place.

    `gateway` None: all by OpenClaw's own command line. Else only the plain one: the others ask as it does, without a process
    of it, that opens the state beside the gateway (docs/openclaw-canary.md says what came of that).
    """

    def __init__(self, tools: CourseTools, at: Grounds, gateway: Gateway | None) -> None:
        self._tools, self._lore, self._clock = tools, tools.lore, tools.clock
        self._at, self._gateway = at, gateway

    def take(self, kinds: tuple[TurnKind, ...]) -> tuple[tuple[TurnSeen, ...], tuple[Skipped, ...]]:
        """One turn of each kind, in this order; skipped is what the person's own tool policy forbids."""
        seen, skipped = [], []
        for kind in kinds:
            reason = self._lore.not_applicable(kind, self._at.config, self._at.slot.version)
            if reason:
                skipped.append(Skipped(kind, reason, self._taken_by(kind)))
                continue
            probe = self._lore.turn_probe(kind, self._tools.nonce(), self._at.config, self._at.slot.version)
            with self._tools.progress.step(f"an agent's turn on the clone: {probe.tool or 'an answer'}"):
                seen.append(self._settled(kind, self._turn(probe)))
        return tuple(seen), tuple(skipped)

    def _taken_by(self, kind: TurnKind) -> str:
        """This release, where the present one lets an agent take the turn by the same configuration; else nothing."""
        there = self._lore.not_applicable(kind, self._at.config, self._at.request.present.version)
        return "" if there else str(self._at.slot.version)

    def _settled(self, kind: TurnKind, seen: TurnSeen) -> TurnSeen:
        """The same turn anew, a moment later, while it fails only by what the release itself calls passing."""
        for moment in MOMENTS:
            word = self._passing(seen)
            if not word:
                break
            self._tools.progress.note(f"turned away by OpenClaw's own processes; once more in {span(moment.total_seconds())}")
            self._clock.wait(moment)
            again = self._turn(self._lore.turn_probe(kind, self._tools.nonce(), self._at.config, self._at.slot.version))
            seen = replace(again, passed_over=word)
        return replace(seen, held_up=bool(self._passing(seen)))

    def _passing(self, seen: TurnSeen) -> str:
        """The passing words a turn failed by; empty when it went well or failed by others."""
        return next((word for word in (seen.said, seen.error) if self._lore.is_passing(word)), "")

    def _turn(self, probe: TurnProbe) -> TurnSeen:
        began = self._clock.monotonic()
        ended = self._asked(probe)
        took = self._clock.monotonic() - began
        self._wait_for(Saw.CHILD, probe, self._at.budgets.child)
        returns = probe.kind is TurnKind.SPAWN and self._lore.returns_answers(self._at.slot.version)
        if returns:
            self._wait_for(Saw.RETURNED, probe, _RETURN)
        model = self._at.place.model
        events = model.events(probe.nonce)
        results = [e.result for e in events if e.saw is Saw.RESULT]
        status, error = self._lore.answer_status(results[-1]) if results else ("", "")
        reply = any(e.saw is Saw.RETURNED for e in events) if returns else None
        if probe.kind is TurnKind.SEND and status == "ok":
            reply = self._lore.holds_answer(results[-1], probe)
        return TurnSeen(
            probe=probe,
            exit_code=ended.exit_code,
            seconds=took,
            events=(*events, *(e for e in model.events() if e.saw is Saw.REFUSED)),
            said=self._at.redactor.shown(last_words(self._lore.reason_first(ended.said).encode())),
            status=status,
            error=self._at.redactor.shown(error.partition("\n")[0]),
            embedded=self._lore.ran_embedded(ended.said),
            model_alive=model.alive,
            reply=reply,
        )

    def _asked(self, probe: TurnProbe) -> TurnEnded:
        if self._gateway is not None and probe.tool:
            return self._tools.asker.ask(self._at.place, self._gateway, probe, self._at.budgets.turn)
        try:
            ran = self._at.place.run(self._at.command(self._lore.turn_arguments(probe), self._at.budgets.turn))
        except CommandTimedOut:
            return TurnEnded(None, "")
        return TurnEnded(ran.exit_code, (ran.stdout + b"\n" + ran.stderr).decode("utf-8", "replace"))

    def _wait_for(self, wanted: Saw, probe: TurnProbe, limit: timedelta) -> None:
        """A spawned sub-agent runs on after the turn that spawned it; only a good answer of the tool is worth waiting for."""
        if not probe.tool:
            return
        began = self._clock.monotonic()
        while self._clock.monotonic() - began < limit.total_seconds():
            events = self._at.place.model.events(probe.nonce)
            results = [e.result for e in events if e.saw is Saw.RESULT]
            failed = not results or self._lore.answer_status(results[-1])[1]
            if failed or any(e.saw is wanted for e in events):
                return
            self._clock.wait(_POLL)
