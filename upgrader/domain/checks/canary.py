"""Judges of a canary: facts of a course in, judgements out. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from upgrader.domain.canary.clone import Likeness
from upgrader.domain.canary.course import NOT_IN_TIME, Answered, Course, DoctorRan, PairingSeen, Started, TerminalSeen
from upgrader.domain.canary.own_probes import OwnProbeRan
from upgrader.domain.canary.report import Seal
from upgrader.domain.check import Judgement, Need, Verdict
from upgrader.domain.checks import migration, silence, turns

# What changed in the store since the beginning counts once: the first round's own connects write names, scopes and requests
# into it (the terminal client of 2026.9.6 widens its device, seen). What no connect of ours does counts after the restart too.
_CHANGED, _NEVER_OURS = "pairing.same.", frozenset({"pairing.same.rows", "pairing.same.scopes"})


def judge(course: Course, seal: Seal) -> tuple[Judgement, ...]:
    """Every judgement of one course, in the order of its steps; a step that was not reached has none."""
    turns_first, turns_again = turns.judge(course.turns, course.turns_again)
    return (
        *_until_started(course),
        *turns_first,
        *_while_serving(course, seal),
        *_started_again(course),
        *turns_again,
        *converges(course),
        *_of_the_whole(course, seal),
        *log(course),
    )


def _until_started(course: Course) -> Iterator[Judgement]:
    yield like_source(course.clone.likeness)
    if course.doctor is not None:
        yield doctor(course.doctor)
    if course.migration is not None:
        yield from migration.judge(course.migration)
    if course.first is not None:
        yield started(course.first, "gateway.ready")


def _while_serving(course: Course, seal: Seal) -> Iterator[Judgement]:
    yield from (turns.skipped(each) for each in course.skipped)
    if course.pairing is not None:
        yield from course.pairing.judgements
    if course.screen is not None:
        yield terminal(course.screen, course.screen_again)
    yield from (own(ran, seal) for ran in course.own)
    if course.first is not None and course.first.ready:
        yield stays(course.ended, "gateway.stays")


def _started_again(course: Course) -> Iterator[Judgement]:
    if course.second is not None:
        yield started(course.second, "gateway.ready-again")
        if course.second.ready:
            yield stays(course.ended_again, "gateway.stays-again")


def _of_the_whole(course: Course, seal: Seal) -> Iterator[Judgement]:
    if course.answered is not None:
        yield answered(course.answered, seal)
    if course.outside is not None:
        yield from silence.judge(course.outside, seal)


def where_there_was_room(found: tuple[Judgement, ...], is_no_room: Callable[[str], bool]) -> tuple[Judgement, ...]:
    """The same; what failed because a disk was full is no failure of a release, and could not be judged."""
    remedy = "free some space, then run the canary again"
    return tuple(
        replace(each, verdict=Verdict.INCONCLUSIVE, remedy=remedy)
        if each.verdict is Verdict.FAIL and is_no_room(each.why)
        else each
        for each in found
    )


def like_source(likeness: tuple[Likeness, ...]) -> Judgement:
    """The clone is the user's: pairing, identity, auth, scopes and tool policy equal the source before its first start."""
    different = [item.name for item in likeness if not item.holds]
    if not likeness:
        return Judgement("clone.like-source", Verdict.INCONCLUSIVE, "nothing was found in the source to compare")
    if different:
        return Judgement(
            "clone.like-source",
            Verdict.FAIL,
            f"the clone differs from its source in {', '.join(different)}",
            "run the canary again; if it stays, something changes the clone while it is made",
        )
    told = [f"{i.name}: {i.expected_to_differ}" for i in likeness if i.source != i.clone]
    why = f"{len(likeness)} things are equal in source and clone" + (f" but for {'; '.join(told)}" if told else "")
    return Judgement("clone.like-source", Verdict.PASS, why)


def doctor(ran: DoctorRan) -> Judgement:
    """The candidate's doctor brought the state into its form."""
    if ran.accepted:
        return Judgement("doctor", Verdict.PASS, f"the doctor ended with {ran.exit_code}")
    how = NOT_IN_TIME if ran.exit_code is None else f"ended with {ran.exit_code}"
    return Judgement("doctor", Verdict.FAIL, f"the doctor {how}: {ran.said or 'it said nothing'}")


def started(start: Started, check: str) -> Judgement:
    """The gateway said that it is ready."""
    if start.ready:
        return Judgement(check, Verdict.PASS, "the gateway became ready")
    said = start.said or "it said nothing"
    how = "was not ready in time" if start.exit_code is None else f"ended with {start.exit_code}"
    return Judgement(check, Verdict.FAIL, f"the gateway {how}: {said}")


def stays(ended: Started | None, check: str) -> Judgement:
    """A gateway that was ready serves on until it is stopped."""
    if ended is None:
        return Judgement(check, Verdict.PASS, "the gateway served until it was stopped")
    said = ended.said or "it said nothing"
    return Judgement(check, Verdict.FAIL, f"the gateway was ready and then ended with {ended.exit_code}: {said}")


def converges(course: Course) -> Iterator[Judgement]:
    """What pairing and the clients say after the restart, beside what they said before it."""
    if course.pairing is None or course.pairing_again is None:
        return
    first, again = _said(course.pairing, course.screen), _said(course.pairing_again, course.screen_again)
    failed = [j for j in again.values() if j.verdict is Verdict.FAIL and j.need is Need.REQUIRED]
    worse = [j for j in failed if _was(first, j.check) is not Verdict.FAIL]
    if worse:
        why = "after the restart: " + "; ".join(f"{j.check}: {j.why}" for j in worse)
        yield Judgement("restart.converges", Verdict.FAIL, why, about=tuple(sorted(j.check for j in worse)))
    else:
        why = f"{len(again)} checks of pairing and clients say no worse after the restart"
        yield Judgement("restart.converges", Verdict.PASS, why)


def _said(pairing: PairingSeen, screen: TerminalSeen | None) -> dict[str, Judgement]:
    judged = (*pairing.judgements, *((terminal(screen),) if screen else ()))
    return {each.check: each for each in judged if not each.check.startswith(_CHANGED) or each.check in _NEVER_OURS}


def _was(first: dict[str, Judgement], check: str) -> Verdict | None:
    return first[check].verdict if check in first else None


def answered(seen: Answered, seal: Seal) -> Judgement:
    """Who answered the probes is the clone's gateway: a fresh word of each lies in the clone's own state, or came out of it.

    Sealed, no other gateway can be reached: there only the turns decide.
    """
    if not seen.unproven:
        why = f"all {len(seen.proven)} probes spoke with this clone: a fresh word of each lies in its own state"
        return Judgement("clone.answered", Verdict.PASS, why)
    why = f"{', '.join(seen.unproven)}: no word of it lies in the clone's state; another gateway may have answered"
    decides = seal is Seal.UNSEALED or any(name.startswith("turn") for name in seen.unproven)
    need = Need.REQUIRED if decides else Need.WANTED
    return Judgement("clone.answered", Verdict.INCONCLUSIVE, why, "run the canary again", need=need)


def own(ran: OwnProbeRan, seal: Seal) -> Judgement:
    """A person's own probe: 0 pass, 1 fail, all else inconclusive. Unsealed, one that passes must have said its word."""
    verdict = {0: Verdict.PASS, 1: Verdict.FAIL}.get(-1 if ran.exit_code is None else ran.exit_code, Verdict.INCONCLUSIVE)
    how = f"it ended with {ran.exit_code}" if ran.exit_code is not None else "it did not end by itself"
    proof = "" if ran.proven else " (its word does not lie in the clone's state)"
    if verdict is Verdict.PASS and seal is Seal.UNSEALED and not ran.proven:
        verdict = Verdict.INCONCLUSIVE
    return Judgement(f"own.{ran.probe.name}", verdict, f"{how}: {ran.said or 'it said nothing'}{proof}", need=ran.probe.need)


def terminal(seen: TerminalSeen, again: TerminalSeen | None = None) -> Judgement:
    """`openclaw tui` connected, and was answered where it said something. `matched` 0 means that, 1 refused.

    One that shows nothing known does not decide: it may say it in other words. One that ends by itself in both starts does.
    """
    screen = seen.screen
    if screen.matched == 0:
        return Judgement("tui", Verdict.PASS, "the terminal client connected and was answered")
    if screen.matched == 1:
        return Judgement("tui", Verdict.FAIL, f"the terminal client was refused: {screen.shown}")
    how = "ended" if screen.ended else "showed nothing known in time"
    why = f"the terminal client {how}: {screen.shown or 'it is blank'}"
    if again is not None and seen.ended_unasked and again.ended_unasked:
        return Judgement("tui", Verdict.FAIL, f"{why}; after the restart too")
    return Judgement("tui", Verdict.INCONCLUSIVE, why, need=Need.WANTED)


def log(course: Course) -> Iterator[Judgement]:
    """What the log of this very process says. Told, not deciding: what it means for agents is shown by the turns."""
    for finding in course.log:
        yield Judgement(
            f"log.{finding.signature}", Verdict.FAIL, f"{finding.count} times in the log: {finding.sample}", need=Need.WANTED
        )
