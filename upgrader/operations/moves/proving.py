"""Everything before a cutover: stage, snapshot, prove on a clone. The live gateway serves on and nothing of it is touched."""

from collections.abc import Callable
from dataclasses import dataclass

from upgrader.domain.canary.ports import Canaries
from upgrader.domain.canary.report import CanaryReport, CanaryRequest, CanaryRun, Extra
from upgrader.domain.check import Judgement, Need, Verdict
from upgrader.domain.installation.facts import Installation
from upgrader.domain.kept.slot import Slot
from upgrader.domain.kept.snapshot import Snapshot
from upgrader.domain.outcome import Failure, Outcome, Status
from upgrader.domain.plan.decision import Answer, Plan, PlanData
from upgrader.domain.ports import Progress, Slots, Snapshots
from upgrader.domain.version import Version
from upgrader.errors import Blocked, Inconclusive, UpgraderError

Decide = Callable[[Installation, Version | None, frozenset[str]], PlanData]
_RANK = (Verdict.FAIL, Verdict.INCONCLUSIVE)

_SEE = "`upgrader plan --all` shows the releases there are"
_ELSEWHERE = "`upgrader plan` names a release worth going to"


@dataclass(frozen=True)
class Candidate:
    """A release made ready and proven: its slot, the slot it would replace, the warm snapshot, the canary's word."""

    target: Slot
    present: Slot
    snapshot: Snapshot
    report: CanaryReport


@dataclass(frozen=True)
class Ground:
    """What canaries of one moment stand on: the slot to return to and the snapshot that all of them clone."""

    installation: Installation
    present: Slot
    snapshot: Snapshot


@dataclass(frozen=True)
class Prove:
    """Makes releases ready and proves them. Slots and snapshots made stay for the next try."""

    slots: Slots
    snapshots: Snapshots
    canaries: Canaries
    progress: Progress
    extras: frozenset[Extra] = frozenset()

    def run(self, installation: Installation, plan: Plan, known: tuple[Judgement, ...] = ()) -> Candidate:
        """Stage, snapshot, canary. Raises what these raise. `known`: what the live checks said of the gateway as it is."""
        target = self.stage(plan)
        return self.on(self.ground(installation, f"before {plan.target}"), target, known)

    def stage(self, plan: Plan) -> Slot:
        """The release of a plan as a slot. Raises StageFailed."""
        if plan.release is None:
            raise UpgraderError(f"the registry cannot deliver {plan.target}", hint="`upgrader plan` shows what it has")
        with self.progress.step(f"staging {plan.target} beside the running gateway"):
            return self.slots.stage(plan.release)

    def ground(self, installation: Installation, reason: str) -> Ground:
        """The present install as a slot, and one warm snapshot."""
        with self.progress.step(f"recording the present {installation.package.version} to return to"):
            present = self.slots.adopt(installation)
        with self.progress.step("taking a warm snapshot of the state"):
            return Ground(installation, present, self.snapshots.take(installation, present.id, reason))

    def on(self, ground: Ground, target: Slot, known: tuple[Judgement, ...] = ()) -> Candidate:
        """The canary of a staged release on that ground."""
        request = CanaryRequest(ground.installation, ground.snapshot, target, ground.present, known, self.extras)
        with self.progress.step(f"canary: {target.version} on a clone of the state"):
            report = self.canaries.run(request)
        return Candidate(target, ground.present, ground.snapshot, report)


def refused(command: str, decided: PlanData) -> Outcome[PlanData]:
    """The outcome of a plan that does not go ahead: blocked (3), or nothing to do (0)."""
    plan = decided.plan
    if plan is None or plan.answer in (Answer.THERE, Answer.STAY):
        return Outcome(command, decided, Status.UNCHANGED)
    blocks = tuple(
        Failure(each.rule.value, each.why, each.change, each.hint or _SEE, "nothing was changed") for each in plan.blocks
    )
    return Outcome(command, decided, Status.BLOCKED, Blocked.exit_code, blocks)


def ending(verdicts: tuple[Verdict, ...]) -> tuple[Status, int]:
    """How a command ends whose canaries said this: the worst of them."""
    worst = next((verdict for verdict in _RANK if verdict in verdicts), Verdict.PASS)
    match worst:
        case Verdict.FAIL:
            return Status.BLOCKED, Blocked.exit_code
        case Verdict.INCONCLUSIVE:
            return Status.INCONCLUSIVE, Inconclusive.exit_code
        case _:
            return Status.DONE, 0


def failures(report: CanaryReport) -> tuple[Failure, ...]:
    """Why a canary did not pass: its required checks that failed or could not be judged; nothing when it passed.

    Where the candidate's own did not, the way back did: then those of the present release on what a rollback restores.
    """
    if report.verdict is Verdict.PASS:
        return ()
    of_candidate = _not_passed(report.candidate, "on the clone")
    if of_candidate or report.rehearsal is None:
        return of_candidate
    return _not_passed(report.rehearsal, "on what a rollback restores")


def _not_passed(run: CanaryRun, where: str) -> tuple[Failure, ...]:
    return tuple(
        _failure(each, f"{run.version} {where}")
        for each in run.judgements
        if each.need is Need.REQUIRED and each.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)
    )


def _failure(judgement: Judgement, whose: str) -> Failure:
    """A remedy that names a command is the next step; one that does not says what it would mean."""
    why, hint = ("", judgement.remedy) if "`" in judgement.remedy else (judgement.remedy, _ELSEWHERE)
    return Failure(judgement.check, f"{whose}: {judgement.why}", why, hint, "the live gateway was not touched")
