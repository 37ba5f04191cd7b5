"""Outcomes as text: the answer first, then why, then the next command."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from upgrader.domain.canary.held import HeldData
from upgrader.domain.demo import DemoData
from upgrader.domain.diagnosis.cause import DiagnosisData
from upgrader.domain.diagnosis.repairing import RepairData, RotationData
from upgrader.domain.moves.settle import Settled
from upgrader.domain.outcome import Failure, Outcome, Status
from upgrader.domain.plan.decision import PlanData
from upgrader.domain.status import StatusData
from upgrader.domain.told import CanariesData, CanaryData, HandData, MoveData, VerifyData
from upgrader.domain.units import span
from upgrader.errors import UpgraderError
from upgrader.report.canary_text import canary_lines, render_canaries, render_canary, render_held
from upgrader.report.checks_text import checks_summary, counts, unhappy
from upgrader.report.diagnosis_text import clients_table, render_diagnosis
from upgrader.report.plan_text import render_plan
from upgrader.report.repair_text import render_repair, render_rotation
from upgrader.report.status_text import render_status


def show(outcome: Outcome[Any], console: Console) -> None:
    """Print an outcome."""
    for kind, render in _RENDERERS:
        if isinstance(outcome.data, kind):
            console.print(render(outcome), crop=False)
            break
    if isinstance(outcome.data, PlanData):
        return  # the plan has told why already
    alike: dict[Failure, list[str]] = {}
    for failure in outcome.failures:
        alike.setdefault(replace(failure, code=""), []).append(failure.code)
    for failure, codes in alike.items():
        console.print(failure_lines(failure, codes if len(codes) > 1 else ()), crop=False)


def error_lines(error: UpgraderError) -> RenderableType:
    """An error: what happened, why, what is unchanged, the next command."""
    return failure_lines(Failure(error.code, error.message, error.why, error.hint, error.unchanged))


def failure_lines(failure: Failure, alike: Sequence[str] = ()) -> RenderableType:
    """One failure, a line each; `alike` are the checks that all say so."""
    lines: list[RenderableType] = [f"[red]error:[/red] {escape(failure.message)}"]
    if alike:
        lines.append(f"  so say {len(alike)} checks: {escape(', '.join(alike))}")
    if failure.why:
        lines.append(f"  why: {escape(failure.why)}")
    if failure.unchanged:
        lines.append(f"  {escape(failure.unchanged)}")
    if failure.hint:  # on one line however long, so that a command in it can be copied whole
        lines.append(Text.assemble(("hint:", "cyan"), f" {failure.hint}", no_wrap=True, overflow="ignore"))
    return Group(*lines)


def _move(outcome: Outcome[MoveData]) -> RenderableType:
    data = outcome.data
    parts: list[RenderableType] = [_move_headline(outcome)]
    if data.canary is not None:
        parts.append(canary_lines(data.canary, {each.code for each in outcome.failures}))
    if data.checks:
        parts.append(checks_summary(data.checks, "live checks"))
    parts.extend(_settled(data.settled))
    if data.outage_seconds is not None:
        parts.append(f"outage: {span(data.outage_seconds)} from the stop to the first answer")
    if data.undone_outage_seconds is not None:
        parts.append(f"going back took {span(data.undone_outage_seconds)}")
    if data.snapshot:
        parts.append(f"the state of before is kept as snapshot {escape(data.snapshot)}: `upgrader rollback` returns to it")
    if data.set_aside is not None:
        parts.append(f"the state that was taken out lies in {escape(str(data.set_aside))}")
    return Group(*parts)


def _move_headline(outcome: Outcome[MoveData]) -> str:
    data = outcome.data
    arrow = f"{escape(data.present)} → {escape(data.target)}"
    match outcome.status:
        case Status.DONE:
            return f"[green]{outcome.command} done:[/green] {arrow}; {escape(data.serving)}"
        case Status.UNCHANGED:
            return f"[green]nothing to do:[/green] {escape(data.serving)}"
        case Status.INCONCLUSIVE if data.transaction:
            return f"[yellow]put off:[/yellow] {arrow}; {escape(data.serving)}"
        case Status.FAILED if data.transaction:
            return f"[red]{outcome.command} done, but not well:[/red] {arrow}; {escape(data.serving)}"
        case Status.ROLLED_BACK:
            return f"[yellow]rolled back:[/yellow] {arrow} failed; {escape(data.serving)}"
        case _:
            return f"[red]{outcome.command} refused:[/red] {arrow}; {escape(data.serving)}"


def _settled(items: tuple[Settled, ...]) -> list[RenderableType]:
    return [escape(each.in_words) for each in items]


_VERIFIED = {
    Status.DONE: "[green]all is well:[/green]",
    Status.FAILED: "[red]not well:[/red]",
    Status.INCONCLUSIVE: "[yellow]could not be judged:[/yellow]",
}


def _verify(outcome: Outcome[VerifyData]) -> RenderableType:
    data = outcome.data
    name = f"OpenClaw {escape(data.version)}, {'running' if data.running else 'not running'}"
    word = "[yellow]works, but was changed:[/yellow]" if data.drift and not outcome.exit_code else _VERIFIED[outcome.status]
    failed = {each.code for each in outcome.failures}  # told below, each with its next command
    rest = tuple(each for each in data.checks if each.check not in failed)
    return Group(f"{word} {name}: {counts(data.checks)}", *unhappy(rest), clients_table(data.clients))


def _by_hand(outcome: Outcome[HandData]) -> RenderableType:
    lines: list[RenderableType] = [f"by hand, OpenClaw {outcome.data.version}: each command and its answer where all is well"]
    for each in outcome.data.checks:  # a command stands on one line however long, so that it can be copied whole
        lines += [Text(each.command, style="bold", no_wrap=True, overflow="ignore"), Padding(escape(each.expect), (0, 0, 0, 4))]
    return Group(*lines)


def _diagnosis(outcome: Outcome[DiagnosisData]) -> RenderableType:
    return render_diagnosis(outcome.data)


def _plan(outcome: Outcome[PlanData]) -> RenderableType:
    return render_plan(outcome.data)


def _status(outcome: Outcome[StatusData]) -> RenderableType:
    return render_status(outcome.data)


def _demo(outcome: Outcome[DemoData]) -> RenderableType:
    data = outcome.data
    table = Table(title="what was proven", title_justify="left", box=None, show_header=False, pad_edge=False)
    for each in data.proofs:
        table.add_row("[green]held[/green]" if each.held else "[red]BROKEN[/red]", escape(each.what), escape(each.seen))
    bare = dict(data.outages).get("bare restart") or 0.0
    times = Table(title="nobody answered for", title_justify="left", box=None, show_header=False, pad_edge=False)
    for name, seconds in data.outages:
        ratio = f"{seconds / bare:.1f} x a bare restart" if bare and name != "bare restart" else ""
        times.add_row(escape(name), f"{seconds:.1f} s", ratio)
    return Group(table, times)


_RENDERERS: tuple[tuple[type, Callable[[Outcome[Any]], RenderableType]], ...] = (
    (MoveData, _move),
    (CanaryData, render_canary),
    (CanariesData, render_canaries),
    (HeldData, render_held),
    (VerifyData, _verify),
    (HandData, _by_hand),
    (DiagnosisData, _diagnosis),
    (RepairData, render_repair),
    (RotationData, render_rotation),
    (PlanData, _plan),
    (DemoData, _demo),
    (StatusData, _status),
)
