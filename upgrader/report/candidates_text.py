"""The table of candidates for people: one row a release, what holds it back by its code."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from upgrader.domain.outcome import Outcome
from upgrader.domain.plan_all import CandidateRow, CandidatesData
from upgrader.domain.table import Verdict

_COLOUR = {Verdict.GOOD: "green", Verdict.CAUTION: "yellow", Verdict.BAD: "red", Verdict.UNKNOWN: "dim"}


def show(outcome: Outcome[CandidatesData], console: Console) -> None:
    """Print it, oldest first; the recommended release is marked."""
    data = outcome.data
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("", "release", "verdict", "published", "node", "held back by"):
        table.add_column(heading, overflow="fold")
    for row in data.rows:
        table.add_row(*_cells(row, "→" if row.version == data.recommended else ""))
    console.print(f"from {data.present}: {len(data.rows)} releases")
    console.print(table)
    console.print(f"→ recommended: {data.recommended}" if data.recommended else "none is recommended: stay")


def _cells(row: CandidateRow, mark: str) -> tuple[str, ...]:
    colour = _COLOUR[row.verdict]
    node = {True: "fits", False: "another", None: "?"}[row.fits_node]
    told = [rule.value for rule in row.blocks] or [f"({rule.value})" for rule in row.warnings[:3]]
    name = f"{row.version} {' '.join(row.tags)}".strip()
    day = f"{row.published:%Y-%m-%d}" if row.published else "?"
    return mark, escape(name), f"[{colour}]{row.verdict.value}[/{colour}]", day, node, escape(", ".join(told))
