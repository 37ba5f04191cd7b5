"""The history for people: one line an event, overrides with what they overrode and why."""

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table

from upgrader.domain.decisions.history import Event, EventKind, HistoryData
from upgrader.domain.outcome import Outcome
from upgrader.domain.units import moment, span


def show(outcome: Outcome[HistoryData], console: Console) -> None:
    """Print it, oldest first."""
    events = outcome.data.events
    console.print(_table(events) if events else "nothing was done to this installation by upgrader yet")


def _table(events: tuple[Event, ...]) -> RenderableType:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for _ in range(3):
        table.add_column(overflow="fold")
    for event in events:
        table.add_row(moment(event.at), event.kind.value, escape(_words(event)))
    return table


def _words(event: Event) -> str:
    arrow = f"{event.present} → {event.target}" if event.target not in ("", event.present) else event.present
    if event.kind is EventKind.OVERRIDE:
        return f"{arrow}: {event.rule} ({event.why}); reason: {event.reason or 'none was given'}"
    parts = [arrow, event.result, event.why, f"reason: {event.reason}" if event.reason not in event.why else ""]
    if event.outage_seconds is not None:
        parts.append(f"outage {span(event.outage_seconds)}")
    return ", ".join(part for part in parts if part)
