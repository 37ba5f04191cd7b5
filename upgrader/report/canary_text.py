"""A canary as text: the verdict, why, what it heals, what it could not see."""

from collections.abc import Iterator, Set

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from upgrader.domain.canary.held import HeldCanary, HeldData
from upgrader.domain.canary.report import Blame, CanaryReport, CanaryRun, Seal
from upgrader.domain.check import Judgement, Need, Verdict
from upgrader.domain.outcome import Outcome
from upgrader.domain.told import CanariesData, CanaryData
from upgrader.domain.units import moment, size, span
from upgrader.report.checks_text import COLOUR, counts, unhappy

_BLAME = {
    Blame.RELEASE: "the release is to blame: the present one does the same course on the same state without it",
    Blame.STATE: "pre-existing: the present release fails on this state in the same way; an empty profile is well",
    Blame.BOTH: "pre-existing: both releases fail in the same way, in an empty profile too",
    Blame.PROBE: "not judged: a probe of ours failed, which says nothing of the release",
    Blame.UNKNOWN: "not judged: the present release fails too, for another reason or at another step",
}


def render_canary(outcome: Outcome[CanaryData]) -> RenderableType:
    """The outcome of `upgrader canary`."""
    data = outcome.data
    held = held_lines(data.held) if data.held else []
    told = {each.code for each in outcome.failures}
    next_ = [f"[cyan]next:[/cyan] `upgrader plan {escape(data.target)}`"] if data.report.verdict is Verdict.PASS else []
    return Group(canary_lines(data.report, told, _arrow(data)), *held, *next_)


def _arrow(data: CanaryData) -> str:
    return f"canary {escape(data.present)} → {escape(data.target)}"


def held_lines(held: HeldCanary) -> list[str]:
    """Where a canary that was left running is reached, and how it is entered and ended."""
    return [
        f"a canary of {escape(held.version)} runs on the clone at {escape(held.url)} until {moment(held.until)}",
        f"it is opened by {escape(held.token_of)}",
        "`upgrader canary --enter` opens a shell in it, `upgrader canary --end` ends it",
    ]


def render_held(outcome: Outcome[HeldData]) -> RenderableType:
    """The outcome of `upgrader canary --end`."""
    data = outcome.data
    if not data.held:
        return "no canary was running"
    return Group(*(f"ended: {escape(each.version)} at {escape(each.url)}" for each in data.held))


def render_canaries(outcome: Outcome[CanariesData]) -> RenderableType:
    """The outcome of `upgrader canary A B C`: a line each first, then each in full."""
    table = Table(title=f"canaries of {escape(outcome.data.present)}", title_justify="left", box=None, show_header=False)
    for each in outcome.data.canaries:
        colour = COLOUR[each.report.verdict]
        table.add_row(escape(each.target), f"[{colour}]{_word(each.report)}[/{colour}]", _whose(each.report))
    parts: list[RenderableType] = [table]
    for each in outcome.data.canaries:
        told = {failure.code for failure in outcome.failures} if each.report.verdict is not Verdict.PASS else set()
        parts += ["", canary_lines(each.report, told, _arrow(each))]
    return Group(*parts)


def canary_lines(report: CanaryReport, told: Set[str] = frozenset(), name: str = "canary") -> RenderableType:
    """A canary's verdict with its reasons; the checks in `told` say theirs elsewhere."""
    colour = COLOUR[report.verdict]
    word = _word(report)
    sealed = "" if "unsealed" in word else f"{report.seal.value}, "
    head = f"{name}: [{colour}]{word}[/{colour}] ({sealed}{span(report.candidate.seconds)})"
    parts: list[RenderableType] = [head]
    if report.proven:
        parts.append(f"proven on {moment(report.proven)}; slot and state are unchanged since, so it was not run again")
    if whose := _whose(report):
        parts.append(whose)
    parts.extend(_schema(report.candidate))
    parts.extend(_measured(report))
    parts.append(_checked(report.candidate, "on a clone of your state", told | {each.check for each in report.remaining}))
    if report.candidate.cut:
        parts.append("it failed before its restart, which was not made")
    parts.extend(f"tried, and held: {escape(each.why)}" for each in _held(report.candidate))
    parts.extend(f"[green]heals[/green] {escape(each.check)}: {escape(each.why)}" for each in report.healed)
    parts.extend(f"[yellow]still fails[/yellow] {escape(each.check)}: {escape(each.why)}" for each in report.remaining)
    parts.extend(_other_courses(report))
    parts.extend(f"could not be judged: {escape(limit)}" for limit in report.limits)
    return Group(*parts)


def _other_courses(report: CanaryReport) -> Iterator[RenderableType]:
    """The control, the empty profile and the way back, where they were run."""
    if report.control is not None:
        known = set() if report.blame is Blame.UNKNOWN else {each.check for each in report.candidate.judgements if _fails(each)}
        yield _checked(report.control, "on a second clone, to compare", known)
    if report.fresh is not None:
        yield _checked(report.fresh, "in an empty profile")
    if report.rehearsal is not None:
        yield _checked(report.rehearsal, "on the restored state, the way back")
        yield from (f"a rollback would tell: {escape(s.in_words)}" for s in report.settled)


def _whose(report: CanaryReport) -> str:
    """Whom a failure is laid on; one in both runs that hid what was to be seen is laid on nobody."""
    if report.verdict is Verdict.INCONCLUSIVE and report.blame in (Blame.STATE, Blame.BOTH):
        return "not judged: the present release fails alike before there is anything to compare"
    return _BLAME.get(report.blame, "")


def _held(run: CanaryRun) -> tuple[Judgement, ...]:
    """What a release tried and the walls held: real ones do (a catalogue, a look at the service), and it is no fault."""
    return tuple(
        j for j in run.judgements if j.check.startswith("silence.") and j.need is Need.WANTED and j.verdict is Verdict.FAIL
    )


def _checked(run: CanaryRun, where: str, told: Set[str] = frozenset()) -> RenderableType:
    """How many checks said what, and why those did that are not `told` elsewhere."""
    held = _held(run)
    deciding = tuple(j for j in run.judgements if j not in held)
    rest = tuple(j for j in deciding if j.check not in told)
    return Group(f"{escape(run.version)} {where}: {counts(deciding)}", *unhappy(rest))


def _fails(judgement: Judgement) -> bool:
    return judgement.verdict is Verdict.FAIL


def _word(report: CanaryReport) -> str:
    passed = report.verdict is Verdict.PASS
    words = (
        (report.verdict.value, True),
        ("heals", bool(report.healed)),
        ("pre-existing", passed and bool(report.remaining)),
        ("unsealed", passed and report.seal is Seal.UNSEALED),
    )
    return ", ".join(word for word, holds in words if holds)


def _schema(run: CanaryRun) -> list[RenderableType]:
    moved = [f"{escape(s.database)} {s.before} → {s.after}" for s in run.migration.schemas] if run.migration else []
    if run.state_schema_before != run.state_schema_after and not moved:
        moved = [f"{run.state_schema_before} → {run.state_schema_after}"]
    if not moved:
        return []
    one_way = "the old release cannot open the state afterwards; going back restores the snapshot"
    return [f"schema {', '.join(moved)}: {one_way}"]


def _measured(report: CanaryReport) -> list[RenderableType]:
    """Start and memory, beside the control's where one ran, else beside the live gateway's."""
    run, control = report.candidate, report.control
    told = []
    for name, here, there in (
        ("start", _seconds(run.ready_seconds), _seconds(control.ready_seconds if control else None)),
        ("second start", _seconds(run.restart_seconds), _seconds(control.restart_seconds if control else None)),
        ("memory", _size(run.memory_bytes), _size(control.memory_bytes if control else None)),
    ):
        if here:
            told.append(f"{name} {here}" + (f" ({control.version}: {there})" if control and there else ""))
    if not control:
        told.extend(_live(report))
    return [", ".join(told)] if told else []


def _live(report: CanaryReport) -> list[str]:
    """What the live gateway took; until it listened, for what comes after that (channels) a canary leaves out."""
    here, there = report.candidate.listening_seconds, report.live_listening_seconds
    told = [f"listened after {span(here)}, the live gateway after {span(there)}"] if here and there else []
    if report.live_memory_bytes:
        told.append(f"the live gateway has {_size(report.live_memory_bytes)} now")
    return told


def _seconds(value: float | None) -> str:
    return "" if value is None else span(value)


def _size(value: int | None) -> str:
    return "" if not value else size(value)
