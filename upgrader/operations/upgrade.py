"""`upgrader upgrade` and `upgrader canary`: plan, stage, snapshot, prove on a clone, cut over, check."""

from collections.abc import Callable
from dataclasses import dataclass

from upgrader.domain.canary import CanaryReport, CanaryRequest, Extra
from upgrader.domain.check import Judgement, Need, Verdict
from upgrader.domain.facts import Installation
from upgrader.domain.moves import CanaryData, MoveData
from upgrader.domain.outcome import Failure, Outcome, Status
from upgrader.domain.plan import Answer, Plan, PlanData
from upgrader.domain.ports import Canaries, Discovery, Progress, Slots, Snapshots, Verifier
from upgrader.domain.slot import Slot
from upgrader.domain.snapshot import Snapshot
from upgrader.domain.transaction import Move
from upgrader.domain.version import Version
from upgrader.errors import Blocked, Inconclusive, UpgraderError
from upgrader.operations.transact import Intention, Transact

Decide = Callable[[Installation, Version | None, frozenset[str]], PlanData]
Consent = Callable[[str, PlanData], None]


@dataclass(frozen=True)
class Candidate:
    """A release made ready and proven: its slot, the slot it would replace, the warm snapshot, the canary's word."""

    target: Slot
    present: Slot
    snapshot: Snapshot
    report: CanaryReport


@dataclass(frozen=True)
class Prove:
    """Everything before the cutover; the live gateway serves on and nothing of it is touched."""

    slots: Slots
    snapshots: Snapshots
    canaries: Canaries
    progress: Progress
    extras: frozenset[Extra] = frozenset()

    def run(self, installation: Installation, plan: Plan, known: tuple[Judgement, ...] = ()) -> Candidate:
        """Stage, snapshot, canary. Raises what these raise; slots and snapshots made stay for the next try.

        `known` is what the live checks said of the gateway as it is.
        """
        if plan.release is None:
            raise UpgraderError(f"the registry cannot deliver {plan.target}", hint="`upgrader plan` shows what it has")
        with self.progress.step(f"staging {plan.target} beside the running gateway"):
            target = self.slots.stage(plan.release)
        with self.progress.step(f"recording the present {installation.package.version} to return to"):
            present = self.slots.adopt(installation)
        with self.progress.step("taking a warm snapshot of the state"):
            snapshot = self.snapshots.take(installation, present.id, f"before {plan.target}")
        with self.progress.step(f"canary: {plan.target} on a clone of the state"):
            report = self.canaries.run(CanaryRequest(installation, snapshot, target, present, known, self.extras))
        return Candidate(target, present, snapshot, report)


@dataclass(frozen=True)
class Canary:
    """`upgrader canary`: the proof alone."""

    discovery: Discovery
    decide: Decide
    prove: Prove

    def run(self, target: Version | None, accepted: frozenset[str]) -> Outcome[CanaryData | PlanData]:
        """0 pass, 3 fail or blocked, 7 inconclusive. Never touches the live gateway."""
        installation = self.discovery.find()
        decided = self.decide(installation, target, accepted)
        if decided.plan is None or decided.plan.answer is not Answer.GO:
            return refused("canary", decided)
        candidate = self.prove.run(installation, decided.plan)
        data = CanaryData(str(installation.package.version), str(decided.plan.target), candidate.report)
        status, code = _ending(candidate.report)
        return Outcome("canary", data, status, code, _failures(candidate.report))


@dataclass(frozen=True)
class Upgrade:
    """`upgrader upgrade`: to the target, or back where it began."""

    discovery: Discovery
    decide: Decide
    prove: Prove
    verifier: Verifier
    transact: Transact
    progress: Progress
    consent: Consent

    def run(self, target: Version | None, accepted: frozenset[str]) -> Outcome[MoveData | PlanData]:
        """0 done or nothing to do, 3 blocked or canary failed, 4 rolled back, 5 rollback incomplete, 7 inconclusive."""
        installation = self.discovery.find()
        decided = self.decide(installation, target, accepted)
        plan = decided.plan
        if plan is None or plan.answer is not Answer.GO:
            return refused("upgrade", decided)
        self.consent(f"Upgrade {plan.present} to {plan.target}?", decided)
        with self.progress.step("checking the gateway as it is"):
            before = self.verifier.check(installation) if installation.is_running else None
        candidate = self.prove.run(installation, plan, before.judgements if before else ())
        present = str(plan.present)
        data = MoveData(present, str(plan.target), f"{present} runs as before", plan=plan, canary=candidate.report)
        if candidate.report.verdict is not Verdict.PASS:
            status, code = _ending(candidate.report)
            return Outcome("upgrade", data, status, code, _failures(candidate.report))
        intention = Intention(
            Move.UPGRADE, self.discovery.find(), candidate.present, candidate.target, candidate.snapshot, before
        )
        self._unmoved(installation, intention.installation)
        return self.transact.run(intention, data)

    def _unmoved(self, planned: Installation, present: Installation) -> None:
        """What was proven must still be what is there. Raises Blocked when package, schema or config changed meanwhile."""
        changed = [
            name
            for name, was, now in (
                ("the package", planned.package.version, present.package.version),
                ("the package's place", planned.package.root, present.package.root),
                ("the state's schema", planned.state.state_schema, present.state.state_schema),
                ("the configuration", planned.config_digest, present.config_digest),
            )
            if was != now
        ]
        if changed:
            raise Blocked(
                f"{changed[0]} changed while the candidate was proven",
                why="the proof is no longer about this installation",
                hint="run the command again",
                code="world_moved",
            )


def refused(command: str, decided: PlanData) -> Outcome[PlanData]:
    """The outcome of a plan that does not go ahead: blocked (3), or nothing to do (0)."""
    plan = decided.plan
    if plan is None or plan.answer in (Answer.THERE, Answer.STAY):
        return Outcome(command, decided, Status.UNCHANGED)
    failures = tuple(
        Failure(each.rule.value, each.why, each.change, each.hint, "nothing was changed") for each in plan.blocks
    )
    return Outcome(command, decided, Status.BLOCKED, Blocked.exit_code, failures)


def _ending(report: CanaryReport) -> tuple[Status, int]:
    match report.verdict:
        case Verdict.PASS:
            return Status.DONE, 0
        case Verdict.FAIL:
            return Status.BLOCKED, Blocked.exit_code
        case _:
            return Status.INCONCLUSIVE, Inconclusive.exit_code


def _failures(report: CanaryReport) -> tuple[Failure, ...]:
    """Why a canary did not pass: its required checks that failed or could not be judged."""
    return tuple(
        Failure(each.check, each.why, hint=each.remedy, unchanged="the live gateway was not touched")
        for each in report.candidate.judgements
        if each.need is Need.REQUIRED and each.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)
    )


