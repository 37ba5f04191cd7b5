"""`upgrader upgrade`: plan, stage, snapshot, prove on a clone, cut over, check."""

from collections.abc import Callable
from dataclasses import dataclass

from upgrader.domain.check import Verdict
from upgrader.domain.installation.facts import Installation
from upgrader.domain.moves.transaction import Move
from upgrader.domain.outcome import Outcome
from upgrader.domain.plan.decision import Answer, PlanData
from upgrader.domain.ports import Discovery, Progress, Verifier
from upgrader.domain.told import MoveData
from upgrader.domain.version import Version
from upgrader.errors import Blocked
from upgrader.operations.moves.proving import Decide, Prove, ending, failures, refused
from upgrader.operations.moves.transact import Intention, Transact

Consent = Callable[[str, PlanData], None]


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
        self.transact.refuse(installation)
        self.consent(f"Upgrade {plan.present} to {plan.target}?", decided)
        with self.progress.step("checking the gateway as it is"):
            before = self.verifier.check(installation) if installation.is_running else None
        candidate = self.prove.run(installation, plan, before.judgements if before else ())
        present = str(plan.present)
        data = MoveData(present, str(plan.target), f"{present} runs as before", plan=plan, canary=candidate.report)
        if candidate.report.verdict is not Verdict.PASS:
            status, code = ending((candidate.report.verdict,))
            return Outcome("upgrade", data, status, code, failures(candidate.report))
        intention = Intention(
            Move.UPGRADE, self.discovery.find(), candidate.present, candidate.target, candidate.snapshot, before
        )
        self._unmoved(installation, intention.installation)
        return self.transact.run(intention, data)

    def _unmoved(self, planned: Installation, present: Installation) -> None:
        """What was proven must still be what is there. Raises Blocked when package, schema, config or gateway changed."""
        changed = [
            name
            for name, was, now in (
                ("the package", planned.package.version, present.package.version),
                ("the package's place", planned.package.root, present.package.root),
                ("the state's schema", planned.state.state_schema, present.state.state_schema),
                ("the configuration", planned.config_digest, present.config_digest),
                ("whether the gateway runs", planned.is_running, present.is_running),
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
