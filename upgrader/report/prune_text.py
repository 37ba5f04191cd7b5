"""What `upgrader prune` says: what goes, with its size and why; what stays, and for whom."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from upgrader.domain.kept.pruning import KeptKind, Manner, PruneData
from upgrader.domain.outcome import Outcome
from upgrader.domain.units import counted, size
from upgrader.report.columns import headed


def show(outcome: Outcome[PruneData], console: Console) -> None:
    """Print it."""
    data = outcome.data
    if not data.going:
        console.print("[green]nothing to remove:[/green] all that is kept is needed for a way back")
    else:
        word = "would go" if data.manner is Manner.SHOW else "[green]removed[/green]"
        console.print(f"{word}: {_count(data)}, {size(data.freed_bytes)} of disk")
        console.print(_going(data))
    staying = [each for each in data.staying if each.kind is not KeptKind.FILE]
    if staying:
        table = headed("stays", "name", "why", whole={"name"})
        for each in staying:
            table.add_row(each.kind.value, escape(each.name), escape(each.why))
        console.print(table)


def _going(data: PruneData) -> Table:
    table = headed("goes", "name", "frees", "why", whole={"name"})
    for each in data.going:
        table.add_row(each.kept.kind.value, escape(each.kept.name), size(each.freed_bytes), escape(each.kept.why))
    return table


def _count(data: PruneData) -> str:
    return counted(len(data.going), "thing")
