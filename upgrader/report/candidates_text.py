"""The table of candidates for people: one row a release, what holds it back by its code."""

from rich.console import Console
from rich.markup import escape

from upgrader.domain.outcome import Outcome
from upgrader.domain.plan.candidates import CandidateRow, CandidatesData
from upgrader.domain.plan.decision import Rule
from upgrader.domain.table.evidence import Verdict
from upgrader.domain.units import counted
from upgrader.report.columns import headed

_COLOUR = {Verdict.GOOD: "green", Verdict.CAUTION: "yellow", Verdict.BAD: "red", Verdict.UNKNOWN: "dim"}
_WIDTH_WITH_DATES = 80
_SEEN_ANYWAY = frozenset({Rule.CAUTION, Rule.OLDER})  # by the verdict and by the number


def show(outcome: Outcome[CandidatesData], console: Console) -> None:
    """Print it, oldest first; the recommended release is marked."""
    data = outcome.data
    dated = console.width >= _WIDTH_WITH_DATES
    headings = ("", "release", "verdict", *(("published",) if dated else ()), "node", "held back by")
    table = headed(*headings, whole={"release", "verdict"})
    everywhere = _of_every(data.rows)
    for row in data.rows:
        mark, name, verdict, day, *rest = _cells(row, "→" if row.version == data.recommended else "", everywhere)
        table.add_row(mark, name, verdict, *((day,) if dated else ()), *rest)
    console.print(f"from {data.present}: {counted(len(data.rows), 'release')}")
    console.print(table)
    if everywhere:
        console.print(f"told of every one that is not held back: {', '.join(sorted(each.value for each in everywhere))}")
    console.print(f"→ recommended: {data.recommended}" if data.recommended else "none is recommended: stay")


def _of_every(rows: tuple[CandidateRow, ...]) -> frozenset[Rule]:
    """What is told of every release that could be gone to says nothing of any one of them."""
    told = [frozenset(row.warnings) for row in rows if not row.blocks]
    return frozenset.intersection(*told) if len(told) > 1 else frozenset()


def _cells(row: CandidateRow, mark: str, everywhere: frozenset[Rule]) -> tuple[str, ...]:
    colour = _COLOUR[row.verdict]
    node = {True: "fits", False: "another", None: "?"}[row.fits_node]
    warnings = [rule for rule in row.warnings if rule not in everywhere | _SEEN_ANYWAY]
    told = [rule.value for rule in row.blocks] or [f"({rule.value})" for rule in warnings]
    name = f"{row.version} {' '.join(row.tags)}".strip()
    day = f"{row.published:%Y-%m-%d}" if row.published else "?"
    return mark, escape(name), f"[{colour}]{row.verdict.value}[/{colour}]", day, node, escape(", ".join(told))
