"""The table for people: a heat map by release and area, one release in full, what deserves a look, what an update changes."""

from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from upgrader.domain.outcome import Outcome
from upgrader.domain.table.evidence import Entry, Origin, Truth, Verdict
from upgrader.domain.table.known import Declared, KnownAdd, KnownCheck, KnownList, KnownShow, TableUpdate
from upgrader.domain.units import counted

_COLOUR = {Verdict.GOOD: "green", Verdict.CAUTION: "yellow", Verdict.BAD: "red", Verdict.UNKNOWN: "dim"}
# A mark for each verdict, so that no colour is needed to read the map.
_MARK = {Verdict.GOOD: "+", Verdict.CAUTION: "!", Verdict.BAD: "X", Verdict.UNKNOWN: "?"}
_ORIGIN = {Origin.SHIPPED: "", Origin.TAKEN: "update", Origin.OVERLAY: "yours"}
_FIXED_WIDTH = 34
_LABEL_WIDTH = 18


def show(outcome: Outcome[Any], console: Console) -> None:
    """Print one of the answers of `upgrader known`."""
    data = outcome.data
    console.print(_map(data, console.width) if isinstance(data, KnownList) else _RENDERERS[type(data).__name__](data))
    if isinstance(data, KnownCheck):
        return
    for failure in outcome.failures:
        console.print(f"[red]error:[/red] {escape(failure.message)}")


def _map(data: KnownList, width: int) -> RenderableType:
    """One row a release, one narrow column an area; names of areas stand slanted below, by number."""
    shown = data.areas[: max(3, (width - _FIXED_WIDTH) // 3)]
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("release", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("", no_wrap=True)
    for number, _ in enumerate(shown, 1):
        table.add_column(str(number), justify="right", no_wrap=True)
    for entry in data.entries:
        colour, mark = _COLOUR[entry.verdict], _MARK[entry.verdict]
        cells = [f"[{colour}]{mark}[/{colour}]" if area in entry.areas else "·" for area in shown]
        verdict = f"[{colour}]{entry.verdict.value}[/{colour}]"
        table.add_row(escape(str(entry.version)), verdict, _ORIGIN[entry.origin], *cells)
    legend = ", ".join(f"{number} {area}" for number, area in enumerate(shown, 1))
    marks = ", ".join(f"{_MARK[verdict]} {verdict.value}" for verdict in Verdict)
    more = (
        f"; {counted(len(data.areas) - len(shown), 'rarer area')} left out for want of room"
        if len(data.areas) > len(shown)
        else ""
    )
    head = f"{counted(len(data.entries), 'release')} of {escape(data.source)}, revised {data.revised}"
    return Group(head, table, Text(f"areas: {legend}{more}"), Text(f"marks: {marks}; · nothing said of that area"))


def _one(data: KnownShow) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", max_width=_LABEL_WIDTH)
    table.add_column(overflow="fold")
    entry = data.entry
    for label, text in (*(_rows(entry) if entry else ()), *(_declared(data.declared) if data.declared else ())):
        table.add_row(label, escape(text))
    if entry is None:
        near = ", ".join(str(each) for each in data.near)
        line = f"{data.version}: unknown by rule: the table has no entry for it"
        return Group(escape(f"{line}; near it: {near}" if near else line), table)
    colour = _COLOUR[entry.verdict]
    head = f"[bold]{escape(entry.name)}[/bold]: [{colour}]{entry.verdict.value}[/{colour}]"
    if data.stale:
        head += f" — expired on {entry.expires}: " + ("it stays" if entry.verdict is Verdict.BAD else "it counts as unknown")
    return Group(head, escape(entry.sentence), table)


def _declared(found: Declared) -> Iterator[tuple[str, str]]:
    """What the package says of itself."""
    yield "declares", f"Node {found.engines or 'of any version'} (read from {found.source})"
    state, agent = ("none" if each is None else str(each) for each in (found.state_schema, found.agent_schema))
    yield "schemas", "declares none" if state == agent == "none" else f"state {state}, agents {agent}: one way"
    yield "shrinkwrapped", {True: "yes", False: "no", None: "the registry does not say"}[found.shrinkwrapped]
    if found.bundled is not None:
        yield "plugins inside", f"{len(found.bundled)}: {', '.join(found.bundled)}"
    if found.left_out:
        yield "plugins kept out", f"{len(found.left_out)}: {', '.join(found.left_out)}"
    if found.deprecated:
        yield "deprecated", found.deprecated


def _rows(entry: Entry) -> Iterator[tuple[str, str]]:
    yield "areas", ", ".join(entry.areas) or "none named"
    if entry.sources or entry.truth is Truth.MEASURED:
        yield "known", f"{entry.truth.value}, {entry.confidence.value} confidence"
    yield "sources", ", ".join(entry.sources) or "none: our own trial, or nothing was found"
    yield "reviewed", f"{entry.reviewed}, holds until {entry.expires}"
    if entry.unlisted:
        yield "listed", "no longer among the package's ordinary versions"
    for fix in entry.fixes:
        yield "mended by", f"{fix.version}: {fix.what or 'all of it'} ({fix.truth.value})"
    yield from _moves(entry)


def _moves(entry: Entry) -> Iterator[tuple[str, str]]:
    for edge in entry.edges:
        spans = ", ".join(str(span) for span in edge.coming_from)
        yield f"from {spans}", f"{edge.verdict.value}: {edge.sentence} ({', '.join(edge.sources) or edge.truth.value})"
    for special in entry.specials:
        sources = ", ".join(special.sources)
        yield f"with {special.conditions.in_words()}", f"{special.verdict.value}: {special.sentence} ({sources})"
    for stop in entry.stops:
        yield "stop first", f"{stop.via} from {', '.join(str(span) for span in stop.coming_from)}: {stop.sentence}"
    if entry.start is not None:
        yield "to start from", f"{entry.start.verdict.value} ({entry.start.fault.value}): {entry.start.sentence}"
    for label, versions in (("next", entry.next_), ("back", entry.back)):
        if versions:
            yield label, ", ".join(str(version) for version in versions)


def _check(data: KnownCheck) -> RenderableType:
    head = f"{escape(data.source)}: {counted(data.entries, 'entry/entries')}, every one sound"
    return Group(head, *(f"[yellow]{escape(str(each.version))}[/yellow]: {escape(each.what)}" for each in data.findings))


def _add(data: KnownAdd) -> RenderableType:
    before = data.before.value if data.before else "unknown by rule"
    line = f"{data.entry.version}: {before} → {data.entry.verdict.value}, in {data.file}"
    return Group(escape(line), "your own entries count in the place of those that came with upgrader")


def _update(data: TableUpdate) -> RenderableType:
    if not data.taken:
        return f"nothing new: {escape(data.source)} says what the present table says (revised {data.revised})"
    lines = [
        f"{each.change.value} {each.version}: {each.before.value if each.before else 'no entry'} → "
        f"{each.after.value if each.after else 'no entry'}: {each.sentence}"
        for each in data.differences
    ]
    taken = f"{counted(len(lines), 'change')} of {data.source} ({data.proof}), revised {data.revised}"
    head = f"[green]taken:[/green] {escape(taken)}"
    return Group(head, *(escape(line) for line in lines), f"[dim]SHA-256 {data.digest}[/dim]")


_RENDERERS: dict[str, Callable[[Any], RenderableType]] = {
    "KnownShow": _one,
    "KnownCheck": _check,
    "KnownAdd": _add,
    "TableUpdate": _update,
}
