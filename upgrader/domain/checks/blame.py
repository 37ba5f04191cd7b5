"""Whose a failure is: the candidate's run beside the present release's on a second clone of the same snapshot. Pure."""

from collections.abc import Callable, Set
from dataclasses import dataclass

from upgrader.domain.canary.course import NOT_IN_TIME
from upgrader.domain.canary.report import Blame
from upgrader.domain.check import Judgement, Need, Verdict, overall

# Where a course ends when one of these fails: what comes after it was not seen, in neither run.
_ENDS = frozenset({"doctor", "gateway.ready", "gateway.stays", "gateway.ready-again", "gateway.stays-again"})
# Where no agent answers at all, nothing was shown of what agents can do: in neither run could it have got worse to be seen.
_GROUND = _ENDS | {"turn.plain", "turn-again.plain"}
_CALLS = "silence"
_STEPS = ("doctor", "gateway.", "turn", "restart.", "own.")  # every course has them; clients and devices differ by release
Reason = Callable[[str], str]
Runs = tuple[Judgement, ...]
_Fault = tuple[str, tuple[str, ...]]  # in what words, and what it concerns


@dataclass(frozen=True)
class Beside:
    """Two runs beside one another. `healed` in the control's words, `remaining` in the candidate's."""

    verdict: Verdict
    blame: Blame
    healed: Runs = ()
    remaining: Runs = ()


def alone(candidate: Runs) -> Beside:
    """A run that did not fail: no control is needed to say so. What could not be judged is the probe's, not the release's."""
    verdict = overall(candidate)
    return Beside(verdict, Blame.PROBE if verdict is Verdict.INCONCLUSIVE else Blame.NONE)


def beside(candidate: Runs, control: Runs, reason: Reason) -> Beside:
    """What the candidate's run means, seen beside the control's.

    A control that passes lays a failure on the release. The same failures for the same reasons were there before, and
    do not forbid a move that makes nothing worse, unless they hide what there was to see. A control that fails for another
    reason or at another step says nothing.
    """
    first, second = _failures(candidate, reason), _failures(control, reason)
    new = first.keys() & _of(control, Verdict.NOT_APPLICABLE)  # nobody could do it before: it did not get worse
    good = _of(candidate, Verdict.PASS)
    healed = tuple(j for j in control if j.check in second.keys() & good)
    if not first:
        return Beside(overall(candidate), alone(candidate).blame, healed)
    if _undecided(control) & first.keys() or (not second and overall(control) is not Verdict.PASS):
        return Beside(Verdict.INCONCLUSIVE, Blame.UNKNOWN)
    if new and {check: fault for check, fault in first.items() if check not in new}.items() <= second.items():
        return Beside(Verdict.INCONCLUSIVE, Blame.UNKNOWN)
    if second.items() < first.items():
        return Beside(Verdict.FAIL, Blame.RELEASE, (), _named(candidate, second.keys()))
    if not first.items() <= second.items():
        return Beside(Verdict.INCONCLUSIVE, Blame.UNKNOWN)
    late = any(NOT_IN_TIME in j.why for j in _named(candidate, first.keys()))  # a busy machine says nothing of either
    unseen = late or first.keys() & _GROUND or second.keys() - first.keys() - good or _undecided(candidate)
    unseen = unseen or _not_reached(candidate, control)
    verdict = Verdict.INCONCLUSIVE if unseen else Verdict.PASS
    return Beside(verdict, Blame.STATE, healed, _named(candidate, first.keys()))


def in_empty_profile(found: Beside, fresh: Runs, reason: Reason) -> Beside:
    """Told apart by the candidate's run in an empty profile: what fails there too is no fault of this state."""
    here = {j.check: _common(j, reason) for j in found.remaining}
    there = _failures(fresh, reason)
    if found.blame is Blame.STATE and here and here.items() & there.items():
        return Beside(found.verdict, Blame.BOTH, found.healed, found.remaining)
    return found


def with_way_back(found: Beside, rehearsal: Runs | None, reason: Reason) -> Verdict:
    """A move whose way back fails is not let through. What fails on this state anyway, and for that very reason, is not the way
    back's doing; for another reason it says nothing."""
    if rehearsal is None or found.verdict is not Verdict.PASS:
        return found.verdict
    before = {j.check: _common(j, reason) for j in (*found.remaining, *found.healed)}
    verdict = overall(tuple(j for j in rehearsal if j.check not in before))
    now = {check: fault for check, fault in _failures(rehearsal, reason).items() if check in before}
    return verdict if verdict is not Verdict.PASS or now.items() <= before.items() else Verdict.INCONCLUSIVE


def _failures(judgements: Runs, reason: Reason) -> dict[str, _Fault]:
    """Required failures with what two runs of the same fault have in common."""
    failed = (j for j in judgements if j.need is Need.REQUIRED and j.verdict is Verdict.FAIL)
    return {j.check: _common(j, reason) for j in failed}


def _common(judgement: Judgement, reason: Reason) -> _Fault:
    """Whom a release calls changes from run to run (addresses rotate): that it calls at all is the fault compared."""
    return "called" if judgement.check == _CALLS else reason(judgement.why), judgement.about


def _of(judgements: Runs, verdict: Verdict) -> set[str]:
    return {j.check for j in judgements if j.verdict is verdict}


def _not_reached(candidate: Runs, control: Runs) -> set[str]:
    """Steps that went well in the control and are not in the candidate's run, or do not apply to it."""
    judged = {j.check for j in candidate if j.verdict is not Verdict.NOT_APPLICABLE}
    return {check for check in _of(control, Verdict.PASS) - judged if check.startswith(_STEPS)}


def _undecided(judgements: Runs) -> set[str]:
    return {j.check for j in judgements if j.need is Need.REQUIRED and j.verdict is Verdict.INCONCLUSIVE}


def _named(judgements: Runs, checks: Set[str]) -> Runs:
    return tuple(j for j in judgements if j.check in checks and j.verdict is Verdict.FAIL)
