"""Judges of agents' turns on a clone, before a restart and after it. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from upgrader.domain.canary.course import NOT_IN_TIME, Skipped
from upgrader.domain.canary.turns import Saw, TurnKind, TurnSeen
from upgrader.domain.check import Judgement, Need, Verdict

_GOOD = frozenset({"accepted", "ok"})
_TOOLS = {TurnKind.SPAWN: "sessions_spawn", TurnKind.SEND: "sessions_send", TurnKind.PLAIN: "plain"}

Judgements = tuple[Judgement, ...]


def judge(first: tuple[TurnSeen, ...], again: tuple[TurnSeen, ...]) -> tuple[Judgements, Judgements]:
    """The turns of both rounds. One that OpenClaw's own processes held up counts by its like in the other round."""
    return (
        (*(_beside_the_other(seen, "turn", first, again) for seen in first), *_replies(first, "turn")),
        (*(_beside_the_other(seen, "turn-again", again, first) for seen in again), *_replies(again, "turn-again")),
    )


def turn(seen: TurnSeen, prefix: str) -> Judgement:
    """An agent did what it was asked: the tool said so itself, and the child reached the model."""
    check = f"{prefix}.{_TOOLS[seen.probe.kind]}"
    if not seen.model_alive:
        return Judgement(check, Verdict.INCONCLUSIVE, "the stand-in model died", "run the canary again")
    if any(e.saw is Saw.REFUSED for e in seen.events):
        return Judgement(check, Verdict.INCONCLUSIVE, "the stand-in model was asked with another token than its own")
    problem = _plain_problem(seen) if seen.probe.kind is TurnKind.PLAIN else _tool_problem(seen)
    if problem:
        return Judgement(check, Verdict.FAIL, problem, "agents would fail like this after the upgrade")
    what = "the agent answered" if seen.probe.kind is TurnKind.PLAIN else f"{seen.probe.tool} reached the other agent"
    if seen.passed_over:
        what += f"; an earlier try was turned away for a moment: {seen.passed_over}"
    return Judgement(check, Verdict.PASS, what)


def _replies(seen: tuple[TurnSeen, ...], prefix: str) -> Iterator[Judgement]:
    """Whether the answer of a spawned sub-agent came back. Told: how soon it does is OpenClaw's own affair."""
    for each in seen:
        if each.probe.kind is not TurnKind.SPAWN or each.reply is None or turn(each, prefix).verdict is not Verdict.PASS:
            continue
        verdict = Verdict.PASS if each.reply else Verdict.FAIL
        came = "came back to" if each.reply else "did not come back in time to"
        yield Judgement(
            f"{prefix}.reply", verdict, f"the sub-agent's answer {came} the agent that spawned it", need=Need.WANTED
        )


def skipped(turn_left_out: Skipped) -> Judgement:
    """A turn the user's own policy forbids is not applicable: it is never enabled for the sake of a test. One that only this
    release forbids is what agents can do now and could no longer."""
    check = f"turn.{_TOOLS[turn_left_out.kind]}"
    if turn_left_out.taken_by:
        why = f"agents can do this now, and could not with {turn_left_out.taken_by}: {turn_left_out.reason}"
        return Judgement(check, Verdict.FAIL, why, "say in the configuration what is a default now")
    return Judgement(check, Verdict.NOT_APPLICABLE, turn_left_out.reason)


def _plain_problem(seen: TurnSeen) -> str:
    if seen.exit_code is None:
        return f"the turn {NOT_IN_TIME}"
    if seen.embedded:
        return f"the command gave up on the gateway: {seen.said}"
    return "" if seen.exit_code == 0 else f"the turn ended with {seen.exit_code}: {seen.said}"


def _tool_problem(seen: TurnSeen) -> str:
    saw = {e.saw for e in seen.events}
    tool = seen.probe.tool
    if seen.error:
        return f"{tool} answered: {seen.error}"
    if Saw.NOT_OFFERED in saw:
        return f"the agent has no tool {tool}"
    if Saw.RESULT not in saw:
        return f"{tool} was never answered; {_plain_problem(seen) or 'the turn ended without it'}"
    if seen.status not in _GOOD:
        return f"{tool} answered with status {seen.status or 'none'}"
    if Saw.CHILD not in saw:
        return f"{tool} said {seen.status}, but the other agent's turn never reached the model"
    if seen.probe.kind is TurnKind.SEND and seen.reply is False:
        return f"{tool} said {seen.status}, but brought no answer of the other agent"
    return _plain_problem(seen)


def _beside_the_other(seen: TurnSeen, prefix: str, beside: tuple[TurnSeen, ...], others: tuple[TurnSeen, ...]) -> Judgement:
    """`beside`: the turns of the same start. One in which no turn went well shows nothing of what agents can do in it."""
    judged = turn(seen, prefix)
    if not seen.held_up or judged.verdict is not Verdict.FAIL:
        return judged
    # The plain turn is taken once; whichever turn went well after the restart holds one.
    alike = [other for other in others if seen.probe.kind in (other.probe.kind, TurnKind.PLAIN)]
    well = _any_well(alike)
    if not alike or (well and not _any_well(beside)):
        return replace(judged, verdict=Verdict.INCONCLUSIVE, remedy="run the canary again")
    if well:
        why = f"{judged.why}; in the other start of this gateway it went well"
        return replace(judged, why=why, remedy="should agents answer so later, restart the gateway", need=Need.WANTED)
    return judged


def _any_well(turns: Sequence[TurnSeen]) -> bool:
    return any(turn(each, "").verdict is Verdict.PASS for each in turns)
