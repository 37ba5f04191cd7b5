"""`upgrader diagnose` for people: the likeliest cause first with its evidence and the next command, then the two truths."""

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from upgrader.domain.diagnosis.cause import Cause, ClientLine, DiagnosisData, Impact, Nature, Standing, Truth, broken
from upgrader.domain.units import counted
from upgrader.report.columns import headed

_COLOUR = {Impact.NOW: "red", Impact.LATER: "yellow", Impact.TOLD: "dim"}
_WORD = {each: each.value for each in Standing} | {Standing.NOT_HELD: "not held", Standing.UNKNOWN: "open"}
_SHOWN = 3  # scopes of a list; the rest is counted
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
    """One line for each kind of client, on a screen of 80 columns, and below each reason once; all scopes stand in `--json`."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("client", no_wrap=True)
    for heading in ("asks for", "may have", "verdict"):
        table.add_column(heading, overflow="fold")
    for each in clients:
        verdict = f"[{_STANDING[each.standing]}]{_WORD[each.standing]}[/]"
        table.add_row(escape(each.kind), _short(each.asks), _short(each.may_have), verdict)
    reasons: dict[tuple[Standing, str], list[str]] = {}
    for each in clients:
        if each.standing is not Standing.LET_IN:
            reasons.setdefault((each.standing, each.why.replace("operator.", "")), []).append(each.kind)
    told = (f"{escape(', '.join(kinds))}: {_WORD[standing]}: {escape(why)}" for (standing, why), kinds in reasons.items())
    return Group(table, *told)


def _headline(data: DiagnosisData) -> str:
    name = f"OpenClaw {escape(data.version)}, {'running' if data.running else 'not running'}" if data.version else "OpenClaw"
    found = broken(data.causes)
    if not found:
        return f"[green]{name}: nothing wrong was found[/green]"
    return f"[bold]{name}: {counted(len(found), 'cause')} found{', the likeliest first' if len(found) > 1 else ''}[/bold]"


def _cause(number: int, cause: Cause) -> RenderableType:
    nature = "" if cause.nature is Nature.PAIRING else f", {cause.nature.value}"
    colour = _COLOUR[cause.impact]
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    title = f"[{colour}]{escape(cause.title)}[/{colour}] ({cause.impact.value}, {cause.likelihood.value}{nature})"
    table.add_row(f"[{colour}]{number}.[/{colour}]", title)
    for each in cause.evidence:
        table.add_row("", escape(each))
    table.add_row("", f"[cyan]next:[/cyan] {escape(cause.remedy)}")
    return table


def _truths(truths: tuple[Truth, ...]) -> RenderableType:
    """What clients here and the gateway go by: where they differ in full, the rest by name alone."""
    table = headed("differs", "clients here", "gateway")
    for each in truths:
        if not each.agrees:
            table.add_row(f"[yellow]{each.what}[/yellow]", escape(each.client), escape(each.gateway))
    same = ", ".join(each.what for each in truths if each.client == each.gateway)
    return Group(table, f"the same for both: {same}") if same else table


def _short(scopes: tuple[str, ...]) -> str:
    """`admin, read, write +4`: the first ones, and how many more."""
    names = [scope.removeprefix("operator.") for scope in scopes]
    more = f" +{len(names) - _SHOWN}" if len(names) > _SHOWN else ""
    return escape((", ".join(names[:_SHOWN]) + more) or "-")
