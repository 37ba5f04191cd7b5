"""A plan for people: the answer, why, what will happen, the next command. Reads well from 60 to 200 columns."""

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from upgrader.domain.outcome import Outcome
from upgrader.domain.plan.decision import Advice, Answer, Block, Direction, NodeSource, Plan, PlanData, PlanWarning
from upgrader.domain.plan.facts import RegistryState
from upgrader.domain.table.evidence import Evidence, Truth, Verdict
from upgrader.domain.units import size, span

_COLOUR = {Verdict.GOOD: "green", Verdict.CAUTION: "yellow", Verdict.BAD: "red", Verdict.UNKNOWN: "magenta"}
_WORD = {Verdict.GOOD: "known good", Verdict.CAUTION: "with care", Verdict.BAD: "known bad", Verdict.UNKNOWN: "unknown"}
_OPINION = {**_WORD, Verdict.CAUTION: "to be taken with care", Verdict.UNKNOWN: "not known to be good or bad"}
_SOURCES_SHOWN = 4
Row = tuple[str, RenderableType]


def show(outcome: Outcome[PlanData], console: Console) -> None:
    """Print a plan; it tells why itself."""
    console.print(render_plan(outcome.data))


def render_plan(data: PlanData) -> RenderableType:
    """The whole answer; no colour is needed to understand a line."""
    parts: list[RenderableType] = [_headline(data)]
    for heading, rows in (
        ("why", tuple(_why(data))),
        ("also", tuple(_also(data))),
        ("what will happen", tuple(_steps(data.plan))),
    ):
        if rows:
            parts += ["", f"[bold]{heading}[/bold]", _grid(rows)]
    if data.next_command:
        parts += ["", f"[cyan]next:[/cyan] `{escape(data.next_command)}`"]
    return Group(*parts)


def _headline(data: PlanData) -> RenderableType:
    plan = data.plan
    move = f"{plan.present} → {plan.target}"
    if plan.answer is Answer.GO:
        word = "go back" if plan.direction is Direction.OLDER else "go ahead"
        picked = "" if data.named else " (the release recommended for this machine)"
        return f"[bold green]{word}:[/bold green] [bold]{escape(move)}[/bold]{picked}"
    if plan.answer is Answer.BLOCKED:
        return f"[bold red]blocked:[/bold red] [bold]{escape(move)}[/bold]"
    if plan.answer is Answer.THERE:
        return f"[bold green]nothing to do:[/bold green] [bold]{escape(str(plan.target))}[/bold] is installed"
    opinion = data.present.verdict
    colour = "green" if opinion is Verdict.GOOD else "yellow"
    why = "no release worth going to is known from here" if data.pin is None else escape(data.pin.in_words())
    if data.held_here is not None:
        why = f"{data.held_here} is worth going to, but something here is in its way"
    return f"[bold {colour}]stay:[/bold {colour}] on {escape(str(plan.present))}, {why}"


def _why(data: PlanData) -> Iterator[Row]:
    """Blocks first, then the table's evidence, then what else to know; each with what would change it."""
    plan = data.plan
    for block in plan.blocks:
        yield f"[red]{block.rule.value}[/red]", _finding(block)
    for block in plan.accepted:
        yield f"[yellow]accepted[/yellow] {block.rule.value}", _accepted(data, block)
    yield from _untold(plan)
    for warning in plan.warnings:
        yield f"[yellow]{warning.rule.value}[/yellow]", _finding(warning)
    yield from _fits(plan)


def _accepted(data: PlanData, block: Block) -> RenderableType:
    reason = next((each.reason for each in data.overrides if each.rule == block.rule.value), "")
    return Group(_finding(block), f"[dim]reason: {escape(reason) or 'none was given (`--reason TEXT`)'}[/dim]")


def _untold(plan: Plan) -> Iterator[Row]:
    """The table's evidence that no block and no warning has told."""
    found: tuple[Block | PlanWarning, ...] = (*plan.blocks, *plan.accepted, *plan.warnings)
    told = {evidence for finding in found for evidence in finding.evidence}
    for evidence in plan.judged.evidence:
        if evidence not in told:
            yield _verdict(evidence.felt), _evidence(evidence)


def _fits(plan: Plan) -> Iterator[Row]:
    """Node and disk, where they are no matter."""
    node = plan.node
    if node and node.engines and node.source is NodeSource.PRESENT:
        yield "[green]node[/green]", escape(f"Node {node.version} fits {node.engines}")
    for need in plan.needs:
        if need.fits and plan.release is not None:
            text = f"{need.volume}: up to {size(need.needed_bytes)} needed, {size(need.free_bytes)} free"
            yield "[green]disk[/green]", escape(text)


def _also(data: PlanData) -> Iterator[Row]:
    """The release that runs, and where else one could go."""
    if data.plan.answer not in (Answer.STAY, Answer.THERE):
        for evidence in data.present.evidence[:1]:
            label = f"{data.present_version} is {_OPINION[data.present.verdict]}"
            yield "installed", Group(escape(label), *_evidence(evidence).renderables)
    start = data.present.start
    if data.plan.answer is Answer.STAY and start is not None and start.verdict is Verdict.BAD:
        told = f"{data.present_version} is bad to leave from: {start.sentence}"
        yield "leaving", Group(escape(told), f"[dim]{escape(_sources(start.sources))}[/dim]")
    if data.route:
        yield "the way", escape(" → ".join(str(each) for each in (data.present_version, *data.route)))
    yield from _fixes(data)
    yield from _elsewhere(data)
    yield from _notes(data)


def _fixes(data: PlanData) -> Iterator[Row]:
    """What is or would be mended, and whether what is waited for is out."""
    out = {fix.version for fix in data.fix_out}
    for fix in data.fix_out:
        yield "[green]fix is out[/green]", escape(f"the fix you wait for is out: {fix.version} mends {fix.what or 'it'}")
    for fix in data.mended_by:
        if fix.version not in out:
            yield "mended by", escape(f"{fix.version}: {fix.what or 'all of it'} ({_truth(fix.truth)})")


def _elsewhere(data: PlanData) -> Iterator[Row]:
    plan = data.plan
    for label, advice in (("forward", data.forward), ("back", data.back)):
        if advice is not None and advice.version != plan.target:
            yield label, _advice(advice)
    if data.returns and data.present.verdict in (Verdict.BAD, Verdict.CAUTION):
        newest = data.returns[-1]
        yield "rollback", escape(f"`upgrader rollback {newest.snapshot}` returns to {newest.version} with its own state")
    if data.newer_unknown is not None:
        text = f"{data.newer_unknown} is the registry's newest, and nothing is known of it yet"
        yield (
            "newer",
            Group(escape(text), f"[dim]`upgrader canary {data.newer_unknown}` tries it on a copy of your state[/dim]"),
        )


def _notes(data: PlanData) -> Iterator[Row]:
    if data.outage is not None:
        moves = "the last move" if data.outage.moves == 1 else f"{data.outage.moves} earlier moves"
        yield "outage", f"about {span(data.outage.seconds)} nobody answers, going by {moves} here"
    if data.registry is not RegistryState.ANSWERED:
        said = {RegistryState.CACHED: "not asked: from the cache", RegistryState.SILENT: "does not answer"}
        yield "registry", said[data.registry]
    for note in data.notes:
        yield "note", escape(note)


def _steps(plan: Plan) -> Iterator[Row]:
    if plan.answer is not Answer.GO:
        return
    for number, step in enumerate(plan.steps, 1):
        down = " [yellow](gateway down)[/yellow]" if step.in_outage else ""
        yield f"{number:2} {step.name}", f"{escape(step.what)}{down}"


def _finding(finding: Block | PlanWarning) -> RenderableType:
    lines: list[RenderableType] = [escape(finding.why)]
    sources = _sources(tuple(source for evidence in finding.evidence for source in evidence.sources))
    if sources:
        truth = max((evidence.truth for evidence in finding.evidence), key=list(Truth).index)
        lines.append(f"[dim]{_truth(truth)}: {escape(sources)}[/dim]")
    if finding.change:
        lines.append(f"[dim]would change it: {escape(finding.change)}[/dim]")
    if finding.hint and finding.hint not in finding.change:
        lines.append(f"[cyan]hint:[/cyan] {escape(finding.hint)}")
    return Group(*lines)


def _evidence(evidence: Evidence) -> Group:
    lines: list[RenderableType] = [escape(f"{evidence.about}: {evidence.sentence}")]
    sources = _sources(evidence.sources)
    if not sources and evidence.verdict is Verdict.UNKNOWN:
        return Group(*lines)
    known = f"{_truth(evidence.truth)}, {evidence.confidence.value} confidence"
    lines.append(f"[dim]{escape(f'{known}: {sources}' if sources else known)}[/dim]")
    return Group(*lines)


def _advice(advice: Advice) -> RenderableType:
    text = f"{advice.version} ({_OPINION[advice.verdict]}, {advice.confidence.value} confidence): {advice.sentence}"
    return Group(escape(text), f"[cyan]`{escape(advice.command)}`[/cyan]")


def _sources(sources: tuple[str, ...]) -> str:
    unique = tuple(dict.fromkeys(sources))
    more = len(unique) - _SOURCES_SHOWN
    return ", ".join(unique[:_SOURCES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _verdict(verdict: Verdict) -> str:
    return f"[{_COLOUR[verdict]}]{_WORD[verdict]}[/{_COLOUR[verdict]}]"


def _truth(truth: Truth) -> str:
    words = {
        Truth.CLAIMED: "claimed",
        Truth.RELEASED: "released",
        Truth.CONFIRMED: "reported",
        Truth.MEASURED: "measured by us",
    }
    return words[truth]


def _grid(rows: tuple[tuple[str, RenderableType], ...]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(min_width=12, max_width=18, overflow="fold")  # 18: the longest code, so that it can be copied whole
    table.add_column(overflow="fold")
    for label, text in rows:
        table.add_row(label, text)
    return Padding(table, (0, 0, 0, 2))
