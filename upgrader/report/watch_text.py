"""What `upgrader watch --once` says."""

from rich.console import Console
from rich.markup import escape

from upgrader.domain.outcome import Outcome
from upgrader.domain.watching import WatchData


def show(outcome: Outcome[WatchData], console: Console) -> None:
    """Print it."""
    data = outcome.data
    for each in data.done:
        console.print(f"[green]done:[/green] {escape(each)}")
    for failure in outcome.failures if data.left == "" else ():
        console.print(f"[yellow]nothing to watch yet:[/yellow] {escape(failure.message)} ({escape(failure.why)})")
        console.print(f"  [cyan]hint:[/cyan] {escape(failure.hint)}")
    for drift in data.drift:
        console.print(f"[yellow]changed behind our back:[/yellow] {escape(drift.in_words())}")
    if data.left and not data.drift:
        console.print(f"[green]nothing changed behind our back:[/green] {escape(data.version)}")
    for each in data.news:
        console.print(f"[green]fix is out:[/green] {escape(each)}")
