"""The judges of a canary."""

from dataclasses import replace

import pytest

from upgrader.domain.canary.clone import Clone, Likeness
from upgrader.domain.canary.course import Answered, Course, DoctorRan, PairingSeen, Skipped, Started, TerminalSeen
from upgrader.domain.canary.enclosure import Outside, Screen
from upgrader.domain.canary.report import Seal
from upgrader.domain.canary.turns import ModelEvent, Saw, TurnKind, TurnProbe, TurnSeen
from upgrader.domain.check import Judgement, Need, Verdict, overall
from upgrader.domain.checks import canary as checks
from upgrader.domain.checks import silence, turns

SPAWN = TurnProbe(TurnKind.SPAWN, "main", "0a1b2c", "…", "sessions_spawn")
GOOD = (ModelEvent(Saw.CALLED, "0a1b2c"), ModelEvent(Saw.RESULT, "0a1b2c"), ModelEvent(Saw.CHILD, "0a1b2c"))
EQUAL = Likeness("device_pairing_paired", "a" * 64, "a" * 64)


def _turn(**changed: object) -> TurnSeen:
    known: dict[str, object] = {"exit_code": 0, "seconds": 1.0, "events": GOOD, "said": "", "status": "accepted", **changed}
    return TurnSeen(SPAWN, **known)  # type: ignore[arg-type]


def _course(*likeness: Likeness) -> Course:
    return Course("2026.9.6", Clone((), likeness or (EQUAL,), (), 17), 1.0)


ENDED, BLANK = (TerminalSeen(Screen(None, ended, ""), "word") for ended in (True, False))


def test_a_spawn_is_good_only_when_the_child_reached_the_model() -> None:
    assert turns.turn(_turn(), "turn").verdict is Verdict.PASS
    silent = turns.turn(_turn(events=GOOD[:2]), "turn")
    assert silent.verdict is Verdict.FAIL
    assert "never reached the model" in silent.why


def test_a_refused_spawn_fails_with_the_gateways_own_words() -> None:
    said = "gateway closed (1008): pairing required"
    judged = turns.turn(_turn(events=GOOD[:2], status="error", error=said), "turn")
    assert judged.verdict is Verdict.FAIL
    assert said in judged.why
    assert judged.check == "turn.sessions_spawn"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"events": GOOD[:1], "status": ""}, "never answered"),
        ({"events": (ModelEvent(Saw.NOT_OFFERED, "0a1b2c"),)}, "has no tool"),
        ({"status": "forbidden"}, "status forbidden"),
        ({"events": (), "exit_code": None}, "did not end in time"),
        ({"exit_code": 1, "said": "boom"}, "boom"),
        ({"embedded": True}, "gave up on the gateway"),
    ],
)
def test_every_way_a_turn_can_go_wrong_is_a_failure_with_its_reason(changed: dict[str, object], words: str) -> None:
    judged = turns.turn(_turn(**changed), "turn")
    assert judged.verdict is Verdict.FAIL
    assert words in judged.why


def test_a_dead_model_says_nothing_about_the_gateway() -> None:
    assert turns.turn(_turn(events=(), exit_code=1, model_alive=False), "turn").verdict is Verdict.INCONCLUSIVE


def test_a_clone_that_differs_from_its_source_fails() -> None:
    narrowed = Likeness("device_pairing_paired", "a" * 64, "b" * 64)
    judged = checks.judge(_course(EQUAL, narrowed), Seal.SEALED)
    assert overall(judged) is Verdict.FAIL
    assert "device_pairing_paired" in judged[0].why


def test_a_clone_with_nothing_to_compare_is_not_called_equal() -> None:
    assert checks.like_source(()).verdict is Verdict.INCONCLUSIVE


def test_a_stated_difference_is_told_and_no_failure() -> None:
    own = Likeness("gateway.auth", "a" * 64, "b" * 64, expected_to_differ="a token of its own")
    judged = checks.like_source((EQUAL, own))
    assert judged.verdict is Verdict.PASS
    assert "a token of its own" in judged.why


def test_what_the_users_policy_forbids_is_not_applicable() -> None:
    judged = turns.skipped(Skipped(TurnKind.SEND, "tools.agentToAgent is off"))
    assert judged.verdict is Verdict.NOT_APPLICABLE
    assert overall((judged,)) is Verdict.PASS


def test_a_gateway_that_ended_fails_with_its_exit_code() -> None:
    judged = checks.started(Started(False, 2.0, 78, "requires state migration"), "gateway.ready")
    assert judged.verdict is Verdict.FAIL
    assert "78" in judged.why
    assert checks.doctor(DoctorRan(None, 300.0, "", accepted=False)).verdict is Verdict.FAIL


def test_an_unknown_screen_does_not_decide() -> None:
    judged = checks.terminal(TerminalSeen(Screen(None, True, ""), "word"))
    assert (judged.verdict, judged.need) == (Verdict.INCONCLUSIVE, Need.WANTED)
    assert checks.terminal(TerminalSeen(Screen(1, False, "pairing required"), "word")).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("first", "again", "verdict"),
    [
        (ENDED, ENDED, Verdict.FAIL),
        (ENDED, replace(ENDED, held_up=True), Verdict.INCONCLUSIVE),
        (ENDED, BLANK, Verdict.INCONCLUSIVE),
        (BLANK, ENDED, Verdict.INCONCLUSIVE),
        (ENDED, None, Verdict.INCONCLUSIVE),
    ],
)
def test_a_terminal_client_that_ends_by_itself_in_both_starts_fails(
    first: TerminalSeen, again: TerminalSeen | None, verdict: Verdict
) -> None:
    assert checks.terminal(first, again).verdict is verdict


def test_a_sealed_place_proves_silence_and_an_open_one_is_watched() -> None:
    assert "nothing else" in silence.judge(Outside(("lo",)), Seal.SEALED)[0].why
    assert "watched" in silence.judge(Outside(("eth0", "lo")), Seal.UNSEALED)[0].why
    assert silence.judge(Outside(("eth0", "lo"), ("TCP 192.0.2.1:9",)), Seal.UNSEALED)[0].verdict is Verdict.FAIL


def test_what_fails_only_after_the_restart_does_not_converge_and_what_failed_before_is_told_once() -> None:
    def seen(verdict: Verdict, need: Need = Need.REQUIRED) -> PairingSeen:
        return PairingSeen((Judgement("live.handshake.cli", verdict, "pairing required", need=need),))

    def judged(first: PairingSeen, again: PairingSeen) -> Verdict:
        (found,) = checks.converges(replace(_course(), pairing=first, pairing_again=again))
        return found.verdict

    good, bad = seen(Verdict.PASS), seen(Verdict.FAIL)
    assert [judged(good, bad), judged(bad, bad), judged(good, good)] == [Verdict.FAIL, Verdict.PASS, Verdict.PASS]
    assert judged(good, seen(Verdict.FAIL, Need.WANTED)) is Verdict.PASS
    assert not list(checks.converges(replace(_course(), pairing=good)))


@pytest.mark.parametrize(
    ("unproven", "seal", "verdict", "need"),
    [
        ((), Seal.UNSEALED, Verdict.PASS, Need.REQUIRED),
        (("live.handshake.cli",), Seal.SEALED, Verdict.INCONCLUSIVE, Need.WANTED),
        (("live.handshake.cli",), Seal.UNSEALED, Verdict.INCONCLUSIVE, Need.REQUIRED),
        (("turn.plain",), Seal.SEALED, Verdict.INCONCLUSIVE, Need.REQUIRED),
    ],
)
def test_a_probe_that_does_not_prove_whom_it_spoke_with_is_told(
    unproven: tuple[str, ...], seal: Seal, verdict: Verdict, need: Need
) -> None:
    judged = checks.answered(Answered(("turn.sessions_spawn",), unproven), seal)
    assert (judged.verdict, judged.need) == (verdict, need)
    assert all(name in judged.why for name in unproven)
