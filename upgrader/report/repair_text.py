"""`upgrader repair` for people: what was found, the steps with what came of each, and what a person has to do."""

from rich.console import Group, RenderableType
from rich.markup import escape

from upgrader.domain.diagnosis.repairing import RepairData, RepairStep, RotationData
from upgrader.domain.outcome import Outcome, Status


def plan_lines(data: RepairData) -> tuple[str, ...]:
    """The plan, a line each, before a person is asked."""
    causes = tuple(f"found: {each.title}" for each in data.found)
    return (*causes, *(f"step {number}: {each.rung.value}: {each.what}" for number, each in enumerate(data.steps, 1)))


def render_repair(outcome: Outcome[RepairData]) -> RenderableType:
    """The whole answer."""
    data = outcome.data
    parts: list[RenderableType] = [_headline(outcome)]
    if data.dry_run:
        parts += [escape(line) for line in plan_lines(data)]
        parts += [f"for you: {escape(each.title)}; {escape(each.remedy)}" for each in data.left]
        return Group(*parts)
    parts += [f"found: {escape(each.title)}" for each in data.found]
    parts += [_step(number, each) for number, each in enumerate(data.steps, 1)]
    parts += [escape(text) for text in (data.quiet, data.undone) if text]
    if data.snapshot:
        parts.append(f"the state of before is snapshot {escape(data.snapshot)}")
    return Group(*parts)


def render_rotation(outcome: Outcome[RotationData]) -> RenderableType:
    """Where the gateway's token was changed, and who must be told."""
    data = outcome.data
    verb = "would be changed" if data.dry_run else "was changed"
    parts: list[RenderableType] = [f"the gateway token {verb} in:", *(f"  {escape(each)}" for each in data.changed)]
    if data.tell:
        parts += ["these still hold the old one:", *(f"  {escape(each)}" for each in data.tell)]
    return Group(*parts)


def _headline(outcome: Outcome[RepairData]) -> str:
    data = outcome.data
    if data.dry_run:
        return "nothing was changed; a repair would try these steps until one works" if data.steps else "nothing to repair"
    match outcome.status:
        case Status.UNCHANGED:
            return "[green]nothing to repair[/green]"
        case Status.DONE:
            return f"[green]repaired[/green]; the step that helped last: {escape(data.rung)}"
        case Status.ROLLED_BACK:
            return "[yellow]not repaired, and undone[/yellow]"
        case _:
            return f"[yellow]{'a person has to do the rest' if data.rung else 'nothing that a repair can mend'}[/yellow]"


def _step(number: int, step: RepairStep) -> str:
    if step.worked is None:
        return f"step {number}: {escape(step.rung.value)}: {escape(step.what)}"
    word = "[green]helped[/green]" if step.worked else "[yellow]did not help[/yellow]"
    return f"step {number}: {escape(step.rung.value)}: {word}" + (f" ({escape(step.detail)})" if step.detail else "")
