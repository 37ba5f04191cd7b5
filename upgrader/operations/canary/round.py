"""One round of probes of a gateway that serves on a clone: agents' turns, pairing and handshakes, the terminal client."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from upgrader.domain.canary.contents import SkillsListed
from upgrader.domain.canary.course import Answered, Course, PairingSeen, Skipped, TerminalSeen, Word
from upgrader.domain.canary.report import Seal
from upgrader.domain.canary.turns import TurnKind, TurnSeen
from upgrader.domain.pairing.ports import Gateway
from upgrader.domain.said import plain
from upgrader.operations.canary.site import Grounds
from upgrader.operations.canary.tools import CourseTools
from upgrader.operations.canary.turns import TurnTaker

_WITH_TOOLS = (TurnKind.SPAWN, TurnKind.SEND)
_ALL = (TurnKind.PLAIN, *_WITH_TOOLS)


@dataclass(frozen=True)
class Round:
    """What one round saw. `word` was said in a session of the clone, None when no turn was answered."""

    turns: tuple[TurnSeen, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    pairing: PairingSeen | None = None
    screen: TerminalSeen | None = None
    word: Word | None = None
    skills: SkillsListed = field(default_factory=SkillsListed)


class Rounds:
    """Takes them, one probe after the other."""

    def __init__(self, tools: CourseTools, grounds: Grounds, ended: Callable[[], object | None]) -> None:
        self._tools, self._grounds, self._ended = tools, grounds, ended

    def first(self) -> Round:
        """All of it after a first start; it ends early when the gateway has ended."""
        return self._take(_ALL, None)

    def again(self, before: Round) -> Round:
        """All of it after a restart: does it converge? The plain turn is repeated only where no other may be taken: those
        hold it."""
        none = {each.kind for each in before.skipped} >= {*_WITH_TOOLS}
        return self._take((TurnKind.PLAIN,) if none else _WITH_TOOLS, before.word)

    def _take(self, kinds: tuple[TurnKind, ...], word: Word | None) -> Round:
        gateway = self._gateway()
        if gateway is None:
            # The turns first: a handshake with the shared secret may be granted what an agent's own call would be refused.
            # Clients connect once only: each writes into the record, and may be handed another token than the one that is kept.
            taken = self._turns(kinds, gateway, word)
            if kinds != _ALL or self._ended() is not None:
                return taken
            seen = replace(taken, pairing=self._pairing(taken.word))
            return replace(seen, screen=self._terminal())
        # Here agents' calls show no identity: no connect of another client changes what becomes of them. The terminal client
        # comes after the connects: it mends a stored token that is refused by the shared secret (9.6, seen), and would hide it.
        opening = self._turns(tuple(kind for kind in kinds if kind not in _WITH_TOOLS), gateway, word)
        if self._ended() is not None:
            return opening
        opening = replace(opening, pairing=self._pairing(opening.word))
        # One after the other: processes of OpenClaw that start at once may turn each other away (docs/openclaw-canary.md).
        tools = self._turns(_WITH_TOOLS, gateway, opening.word)
        taken = replace(opening, turns=opening.turns + tools.turns, skipped=opening.skipped + tools.skipped)
        if self._ended() is not None:
            return taken
        skills = self._tools.asker.skills(self._grounds.place, gateway)
        return replace(taken, screen=self._terminal(), skills=skills)

    def _gateway(self) -> Gateway | None:
        at = self._grounds
        return self._tools.asker.gateway(at.request, at.slot, at.site, at.port)

    def _turns(self, kinds: tuple[TurnKind, ...], gateway: Gateway | None, word: Word | None) -> Round:
        at = self._grounds
        turns, skipped = TurnTaker(self._tools, at, gateway).take(kinds)
        said = next((t.probe for t in turns if t.probe.kind is TurnKind.PLAIN and t.exit_code == 0), None)
        if said is not None:
            word = Word(self._tools.lore.main_session(said.agent, at.config), said.nonce)
        return Round(turns, skipped, word=word)

    def _pairing(self, word: Word | None) -> PairingSeen:
        at = self._grounds
        with self._tools.progress.step("pairing checks on the clone"):
            return self._tools.pairing.judge(at.request, at.slot, at.site, at.place, at.port, word)

    def _terminal(self) -> TerminalSeen:
        at, lore, nonce = self._grounds, self._tools.lore, self._tools.nonce()
        answered, refused = lore.terminal_patterns(at.slot.version)
        with self._tools.progress.step("the terminal client on the clone"):
            screen = at.place.on_terminal(
                at.command(lore.terminal_arguments(nonce, at.config), at.budgets.terminal),
                tuple(f"(?:{'|'.join(patterns)})" for patterns in (answered, refused)),
            )
        text = at.redactor.shown(" ".join(plain(screen.shown).split()))
        return TerminalSeen(replace(screen, shown=text), nonce, lore.is_passing(text) or not at.place.model.alive)


def who_answered(course: Course, mentioned: Callable[[tuple[str, ...]], frozenset[str]], seal: Seal) -> Answered | None:
    """Whether the probes spoke with the gateway of this clone: their words must lie in its own transcripts.

    `mentioned(words)`: those that do. Sealed, it is enough that the place's own model heard them, which nobody else reaches:
    a person's transcripts may lie outside the state directory. None when no probe was answered.
    """
    said = tuple(_words_said(course))
    if not said:
        return None
    heard = {t.probe.nonce for t in (*course.turns, *course.turns_again) if t.events} if seal is Seal.SEALED else set()
    there = mentioned(tuple(word for _, word in said)) | heard
    met = [seen for seen in (course.pairing, course.pairing_again) if seen is not None]
    return Answered(
        (*(name for name, word in said if word in there), *(name for seen in met for name in seen.proven)),
        (*(name for name, word in said if word not in there), *(name for seen in met for name in seen.unproven)),
    )


def _words_said(course: Course) -> Iterator[tuple[str, str]]:
    """Which probe was answered, and the word it had said."""
    for prefix, turns in (("turn", course.turns), ("turn-again", course.turns_again)):
        yield from ((f"{prefix}.{t.probe.tool or t.probe.kind.value}", t.probe.nonce) for t in turns if t.exit_code == 0)
    for seen in (course.screen, course.screen_again):
        if seen is not None and seen.screen.matched == 0:
            yield "tui", seen.word
