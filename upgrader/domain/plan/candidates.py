"""The table of candidates: every release one could go to, and what would hold it back. Pure."""

from dataclasses import dataclass
from datetime import datetime

from upgrader.domain.plan.decision import Rule
from upgrader.domain.plan.facts import PlanFacts
from upgrader.domain.plan.policy import judge_each
from upgrader.domain.table.concern import satisfies
from upgrader.domain.table.evidence import Table, Verdict
from upgrader.domain.version import Version


@dataclass(frozen=True)
class CandidateRow:
    """One release. `blocks` are the codes of the rules that forbid it now; `fits_node` whether the present Node runs it."""

    version: Version
    verdict: Verdict
    published: datetime | None
    fits_node: bool | None
    blocks: tuple[Rule, ...]
    warnings: tuple[Rule, ...]
    retained: str
    tags: tuple[str, ...]
    sentence: str


@dataclass(frozen=True)
class CandidatesData:
    """What `plan --all` tells, oldest first; the recommended one is marked (None: stay)."""

    present: Version
    recommended: Version | None
    rows: tuple[CandidateRow, ...]


def rows(facts: PlanFacts, table: Table) -> tuple[CandidateRow, ...]:
    """Every candidate but the present release."""
    node = facts.installation.node.version
    found = []
    for plan, candidate in judge_each(facts, table):
        engines = candidate.release.engines
        found.append(
            CandidateRow(
                candidate.version,
                plan.judged.verdict,
                candidate.release.published,
                satisfies(node, engines) if engines else None,
                tuple(block.rule for block in plan.blocks),
                tuple(dict.fromkeys(warning.rule for warning in plan.warnings)),
                candidate.retained,
                candidate.release.tags,
                plan.judged.evidence[0].sentence,
            )
        )
    return tuple(sorted(found, key=lambda row: row.version))
