"""`upgrader status` for people: what runs first, then where it lies, then what is kept. Reads well from 60 to 200 columns."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from upgrader.domain.status import GatewayStatus, InstallationStatus, StatusData
from upgrader.domain.units import counted, moment, size
from upgrader.report.columns import headed


def render_status(data: StatusData) -> RenderableType:
    """The whole answer; no colour is needed to understand a line."""
    parts: list[RenderableType] = [_headline(data), *_standing(data), "", _facts(data)]
    return Group(*parts, "", _slots(data), "", _snapshots(data))


def _standing(data: StatusData) -> Iterator[str]:
    """What asks for something to be done, and the way back."""
    if data.open_move is not None:
        move = data.open_move
        yield (
            f"[yellow]unfinished:[/yellow] {escape(move.move)} to {escape(move.target)}, begun {moment(move.started)}; "
            "a run that is at work ends it, else the next command that changes something"
        )
    for obstacle in data.obstacles:
        yield f"[yellow]in the way of a move:[/yellow] {escape(obstacle.message)}"
        if obstacle.why:
            yield f"  why: {escape(obstacle.why)}"
        if obstacle.hint:
            yield f"  [cyan]hint:[/cyan] {escape(obstacle.hint)}"
    yield from (f"[yellow]changed behind our back:[/yellow] {escape(each.in_words())}" for each in data.drift)
    if data.pin is not None:
        yield escape(data.pin.in_words())
    for each in data.held:
        yield f"a canary of {escape(each.version)} runs on the clone at {escape(each.url)} until {moment(each.until)}"
        yield "  `upgrader canary --enter` opens a shell in it, `upgrader canary --end` ends it"
    if data.returns_to is not None:
        back = data.returns_to
        yield f"way back: `upgrader rollback` returns to {escape(back.version)} and its state of {moment(back.created)}"


def _headline(data: StatusData) -> str:
    found = data.installation
    name = f"OpenClaw {escape(found.version)}" + (f", profile {escape(found.profile)}" if found.profile else "")
    if not data.gateways:
        return f"[bold]{name}[/bold]: no gateway runs"
    if data.runs_another_version:
        running = ", ".join(sorted({each.version for each in data.gateways if each.version}))
        return f"[bold]{name}[/bold] on disk, but the gateway still runs [yellow]{escape(running)}[/yellow]: restart it"
    return f"[bold]{name}[/bold]: {'the gateway runs' if len(data.gateways) == 1 else f'{len(data.gateways)} gateways run'}"


def _facts(data: StatusData) -> Table:
    found = data.installation
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for gateway in data.gateways:
        table.add_row("gateway", _gateway(gateway))
    for label, text in _rows(found):
        table.add_row(label, escape(text))
    if data.unseen_processes:
        what = "one process" if data.unseen_processes == 1 else f"{data.unseen_processes} processes"
        table.add_row("not seen", f"{what} of other users could not be looked at")
    return table


def _gateway(gateway: GatewayStatus) -> str:
    parts = [f"pid {gateway.pid}", f"runs {gateway.version or 'a version that cannot be told from outside'}"]
    parts.append("port " + "/".join(map(str, gateway.ports)) if gateway.ports else "listens nowhere yet")
    parts.append(f"since {moment(gateway.started)}")
    if gateway.unit:
        parts.append(gateway.unit)
    elif gateway.parents:
        parts.append(f"started by {gateway.parents[0]}")
    return escape(", ".join(parts))


def _rows(found: InstallationStatus) -> list[tuple[str, str]]:
    schema = "no database" if found.state_schema is None else f"schema {found.state_schema}"
    rows = [
        ("package", f"{found.package} ({found.kind})"),
        ("node", f"{found.node_version}, {found.node}"),
        ("state", f"{found.state}: {size(found.size_bytes)} in {counted(found.files, 'file')}, {schema}"),
        ("config", str(found.config)),
        ("pairing", "in the state database" if found.pairing == "sqlite" else "in JSON files"),
        ("address", f"port {found.port}, bind {found.bind or 'default'}, auth {found.auth}"),
        ("supervisor", found.service or ("none, a plain process" if found.supervisor == "process" else found.supervisor)),
        ("agents", ", ".join(found.agents)),
    ]
    if found.external:
        rows.append(("outside", "\n".join(map(str, found.external))))
    if found.updates_itself:
        rows.append(("caution", "OpenClaw's own updater is on (update.auto.enabled) and may change all this by itself"))
    return rows


def _slots(data: StatusData) -> RenderableType:
    if not data.slots:
        return "no slots yet: the first upgrade keeps the present install as one"
    table = headed("slot", "release", "origin", "size", "", whole={"slot"})
    for slot in data.slots:
        used = "in use" if slot.in_use else ""
        table.add_row(*map(escape, (slot.id, slot.version, slot.origin, size(slot.size_bytes), used)))
    return table


def _snapshots(data: StatusData) -> RenderableType:
    if not data.snapshots:
        return "no snapshots yet"
    table = headed("snapshot", "release", "moment", "size", "taken", whole={"snapshot"})
    for each in data.snapshots:
        table.add_row(*map(escape, (each.id, each.version, each.moment, size(each.size_bytes), moment(each.created))))
    hidden = data.snapshots_in_all - len(data.snapshots)
    return Group(table, f"and {hidden} older ones") if hidden else table
