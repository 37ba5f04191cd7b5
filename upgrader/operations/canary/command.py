"""`upgrader canary`: the proof alone, of one release or of several on clones of one snapshot."""

from dataclasses import dataclass

from upgrader.domain.installation.facts import Installation
from upgrader.domain.outcome import Failure, Outcome
from upgrader.domain.plan.decision import Answer, Plan, PlanData
from upgrader.domain.ports import Discovery
from upgrader.domain.told import CanariesData, CanaryData, Ground
from upgrader.domain.version import Version
from upgrader.operations.moves.proving import Decide, Prove, ending, failures, refused


@dataclass(frozen=True)
class Canary:
    """Never touches the live gateway. 0 pass, 3 fail or blocked, 7 inconclusive; of several the worst."""

    discovery: Discovery
    decide: Decide
    prove: Prove

    def run(self, target: Version | None, accepted: frozenset[str]) -> Outcome[CanaryData | PlanData]:
        """One release."""
        installation = self.discovery.find()
        decided = self.decide(installation, target, accepted)
        if decided.plan is None or decided.plan.answer is not Answer.GO:
            return refused("canary", decided)
        found = self.prove.run(installation, decided.plan)
        report, ground = found.report, Ground(found.target.id, found.present.id, found.snapshot.id)
        data = CanaryData(str(installation.package.version), str(decided.plan.target), report, ground)
        status, code = ending((report.verdict,))
        return Outcome("canary", data, status, code, failures(report))

    def matrix(self, targets: tuple[Version, ...], accepted: frozenset[str]) -> Outcome[CanariesData | PlanData]:
        """Several releases, each on clones of the same snapshot. A release the plan forbids ends it before anything is made."""
        installation = self.discovery.find()
        plans: list[Plan] = []
        for target in targets:
            decided = self.decide(installation, target, accepted)
            if decided.plan is None or decided.plan.answer is not Answer.GO:
                return refused("canary", decided)
            plans.append(decided.plan)
        found = self._all(installation, tuple(plans))
        data = CanariesData(str(installation.package.version), found)
        status, code = ending(tuple(each.report.verdict for each in found))
        told: tuple[Failure, ...] = tuple(failure for each in found for failure in failures(each.report))
        return Outcome("canary", data, status, code, told)

    def _all(self, installation: Installation, plans: tuple[Plan, ...]) -> tuple[CanaryData, ...]:
        slots = [self.prove.stage(plan) for plan in plans]
        ground = self.prove.ground(installation, f"canaries of {', '.join(str(plan.target) for plan in plans)}")
        present = str(installation.package.version)
        return tuple(CanaryData(present, str(slot.version), self.prove.on(ground, slot).report) for slot in slots)
