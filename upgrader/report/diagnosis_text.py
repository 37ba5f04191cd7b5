"""`upgrader diagnose` for people: the likeliest cause first with its evidence and the next command, then the two truths."""

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from upgrader.domain.diagnosis import Cause, ClientLine, DiagnosisData, Impact, Nature, Standing, Truth, broken

_COLOUR = {Impact.NOW: "red", Impact.LATER: "yellow", Impact.TOLD: "dim"}
_STANDING = {Standing.LET_IN: "green", Standing.REFUSED: "red", Standing.NOT_HELD: "dim", Standing.UNKNOWN: "yellow"}


def render_diagnosis(data: DiagnosisData) -> RenderableType:
    """The whole answer; no colour is needed to understand a line."""
    parts: list[RenderableType] = [_headline(data)]
    parts += [_cause(number, each) for number, each in enumerate(data.causes, 1)]
    if data.clients:
        parts.append(clients_table(data.clients))
    if any(not each.agrees for each in data.truths):
        parts.append(_truths(data.truths))
    parts += [f"not looked at: {escape(each)}" for each in data.unread]
    return Group(*parts)


def clients_table(clients: tuple[ClientLine, ...]) -> RenderableType:
    """One line for each kind of client."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("client", "asks for", "may have", "verdict"):
        table.add_column(heading, overflow="fold")
    for each in clients:
        verdict = f"[{_STANDING[each.standing]}]{each.standing.value}[/]: {escape(each.why)}"
        table.add_row(escape(each.kind), _short(each.asks), _short(each.may_have), verdict)
    return table


def _headline(data: DiagnosisData) -> str:
    name = f"OpenClaw {escape(data.version)}, {'running' if data.running else 'not running'}" if data.version else "OpenClaw"
    found = broken(data.causes)
    if not found:
        return f"[green]{name}: nothing wrong was found[/green]"
    return f"[bold]{name}: {len(found)} cause{'s' if len(found) > 1 else ''} found, the likeliest first[/bold]"


def _cause(number: int, cause: Cause) -> RenderableType:
    nature = "" if cause.nature is Nature.PAIRING else f", {cause.nature.value}"
    colour = _COLOUR[cause.impact]
    lines = [f"[{colour}]{number}. {escape(cause.title)}[/{colour}] ({cause.impact.value}, {cause.likelihood.value}{nature})"]
    lines += [f"   {escape(each)}" for each in cause.evidence]
    lines.append(f"   [cyan]next:[/cyan] {escape(cause.remedy)}")
    return Group(*lines)


def _truths(truths: tuple[Truth, ...]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("", "clients here", "gateway", ""):
        table.add_column(heading, overflow="fold")
    for each in truths:
        unlike = "" if each.agrees else "[red]differ[/red]"
        table.add_row(each.what, escape(each.client), escape(each.gateway), unlike)
    return table


def _short(scopes: tuple[str, ...]) -> str:
    return escape(", ".join(scope.removeprefix("operator.") for scope in scopes) or "-")
