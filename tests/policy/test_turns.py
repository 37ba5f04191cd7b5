"""A turn that other processes of OpenClaw held up counts by its like in the other start of the same gateway."""

from dataclasses import replace

import pytest

from upgrader.domain.canary.course import Skipped
from upgrader.domain.canary.turns import ModelEvent, Saw, TurnKind, TurnProbe, TurnSeen
from upgrader.domain.check import Need, Verdict, overall
from upgrader.domain.checks import turns
from upgrader.services.openclaw.canary import clone_runs

GOOD = tuple(ModelEvent(saw, "0a1b2c") for saw in (Saw.CALLED, Saw.RESULT, Saw.CHILD))
WELL = TurnSeen(TurnProbe(TurnKind.SPAWN, "main", "0a1b2c", "…", "sessions_spawn"), 0, 1.0, GOOD, "", "accepted")
HELD = replace(WELL, exit_code=1, events=(), status="", said="Agent database cleanup failed", held_up=True)
BROKEN = replace(HELD, said="pairing required", held_up=False)


def as_kind(seen: TurnSeen, kind: TurnKind) -> TurnSeen:
    """The same turn of another kind."""
    return replace(seen, probe=replace(seen.probe, kind=kind))


PLAIN = TurnSeen(TurnProbe(TurnKind.PLAIN, "main", "0a1b2c", "…"), 0, 1.0, GOOD[:1], "")
SENT = as_kind(WELL, TurnKind.SEND)


@pytest.mark.parametrize(
    ("first", "again", "verdict"),
    [
        ((WELL,), (WELL,), Verdict.PASS),
        ((PLAIN, HELD), (WELL,), Verdict.PASS),
        ((WELL,), (SENT, HELD), Verdict.PASS),
        ((HELD,), (WELL,), Verdict.INCONCLUSIVE),
        ((PLAIN, WELL), (HELD,), Verdict.INCONCLUSIVE),
        ((HELD,), (HELD,), Verdict.FAIL),
        ((HELD,), (BROKEN,), Verdict.FAIL),
        ((BROKEN,), (WELL,), Verdict.FAIL),
        ((WELL,), (BROKEN,), Verdict.FAIL),
        ((HELD,), (), Verdict.INCONCLUSIVE),
        ((HELD,), (as_kind(WELL, TurnKind.SEND),), Verdict.INCONCLUSIVE),
        ((as_kind(HELD, TurnKind.PLAIN), SENT), (WELL,), Verdict.PASS),
        ((as_kind(HELD, TurnKind.PLAIN),), (BROKEN,), Verdict.FAIL),
    ],
)
def test_only_what_both_starts_refuse_or_other_words_explain_condemns(
    first: tuple[TurnSeen, ...], again: tuple[TurnSeen, ...], verdict: Verdict
) -> None:
    before, after = turns.judge(first, again)
    assert overall((*before, *after)) is verdict


def test_a_turn_that_was_held_up_once_is_told_with_its_reason() -> None:
    (_, told), _ = turns.judge((PLAIN, HELD), (WELL,))
    assert (told.verdict, told.need) == (Verdict.FAIL, Need.WANTED)
    assert "Agent database cleanup failed" in told.why
    assert "in the other start" in told.why


@pytest.mark.parametrize(
    "said",
    [
        "GatewayClientRequestError: another OpenClaw process owns state-lifecycle",
        "the turn ended with 1: Agent database cleanup failed",
        "Agent native close and lease cleanup failed",
    ],
)
def test_the_words_of_a_held_state_are_known(said: str) -> None:
    assert clone_runs.is_passing(said)


@pytest.mark.parametrize("said", ["gateway closed (1008): pairing required", "Agent database is corrupt", ""])
def test_what_lasts_is_not_taken_for_a_held_state(said: str) -> None:
    assert not clone_runs.is_passing(said)


def test_what_only_this_release_forbids_agents_fails() -> None:
    skipped = Skipped(TurnKind.SEND, "tools.agentToAgent is off")
    assert turns.skipped(skipped).verdict is Verdict.NOT_APPLICABLE
    taken = turns.skipped(replace(skipped, taken_by="2026.8.2"))
    assert (taken.verdict, taken.need) == (Verdict.FAIL, Need.REQUIRED)
    assert "could not with 2026.8.2" in taken.why


def test_the_answer_of_another_agent_belongs_to_a_message_that_waits_for_it() -> None:
    sent = as_kind(WELL, TurnKind.SEND)
    assert turns.turn(replace(sent, reply=True), "turn").verdict is Verdict.PASS
    silent = turns.turn(replace(sent, reply=False), "turn")
    assert silent.verdict is Verdict.FAIL and "brought no answer" in silent.why


@pytest.mark.parametrize(("reply", "verdict"), [(True, Verdict.PASS), (False, Verdict.FAIL)])
def test_whether_a_sub_agents_answer_came_back_is_told(reply: bool, verdict: Verdict) -> None:  # noqa: FBT001
    before, _ = turns.judge((replace(WELL, reply=reply),), ())
    told = next(each for each in before if each.check == "turn.reply")
    assert (told.verdict, told.need) == (verdict, Need.WANTED)
    assert not [each for each in turns.judge((replace(HELD, reply=reply),), ())[0] if each.check == "turn.reply"]
