"""What every rule of the policy looks at, and what it may find."""

from dataclasses import dataclass

from upgrader.domain.plan.decision import Block, Need, NodeChoice, PlanWarning
from upgrader.domain.plan.facts import Candidate, PlanFacts
from upgrader.domain.table.evidence import Judged, Table
from upgrader.domain.version import Version

Finding = Block | PlanWarning


@dataclass(frozen=True)
class MoveFacts:
    """One move to judge: all facts, the table, the target, what can deliver it (None: nothing can), the table's judgement."""

    facts: PlanFacts
    table: Table
    target: Version
    candidate: Candidate | None
    judged: Judged
    node: NodeChoice | None
    needs: tuple[Need, ...]

    @property
    def present(self) -> Version:
        """The release that is installed."""
        return self.facts.installation.package.version

    @property
    def is_older(self) -> bool:
        """Whether the target is an older release."""
        return self.target < self.present
