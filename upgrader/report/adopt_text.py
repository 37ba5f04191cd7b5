"""What `upgrader adopt` says."""

from rich.console import Console
from rich.markup import escape

from upgrader.domain.outcome import Outcome, Status
from upgrader.domain.told import AdoptData


def show(outcome: Outcome[AdoptData], console: Console) -> None:
    """Print it."""
    data = outcome.data
    if outcome.status is Status.UNCHANGED:
        console.print(f"[green]nothing to adopt:[/green] nobody but upgrader changed {escape(data.version)}")
        return
    console.print(f"[green]adopted:[/green] {escape(data.version)} as it stands now, kept as slot {escape(data.slot)}")
    for each in data.drift:
        console.print(f"  {escape(each.what)}")
