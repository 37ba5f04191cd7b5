"""One start of a gateway on a clone."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from upgrader.domain.canary.course import Readiness, Started
from upgrader.domain.said import last_words
from upgrader.operations.canary.site import LOG, Grounds
from upgrader.operations.canary.tools import CourseTools

_READ = 64 * 1024 * 1024  # bytes
_POLL = timedelta(seconds=0.1)


@dataclass(frozen=True)
class Child:
    """A gateway that was started: its number in the place, and where it writes."""

    number: int
    output: Path


def start_gateway(tools: CourseTools, at: Grounds) -> tuple[Child, Started]:
    """`gateway run` until it says that it is ready, ends, or its time is over."""
    began, at_moment = tools.clock.monotonic(), tools.clock.now()
    output = at.site.notes / f"gateway-{tools.nonce()}.out"
    child = Child(at.place.start(at.command(("gateway", "run"), at.budgets.ready), output), output)
    while (passed := tools.clock.monotonic() - began) < at.budgets.ready.total_seconds():
        code = at.place.exit_code(child.number)
        if code is not None:
            return child, Started(False, passed, code, at.redactor.shown(last_words(bytes_of(output))))
        if _is_ready(tools, at):
            listened = tools.lore.listening_since(bytes_of(at.site.notes / LOG), at_moment)
            listening = (listened - at_moment).total_seconds() if listened else None
            return child, Started(True, tools.clock.monotonic() - began, listening=listening)
        tools.clock.wait(_POLL)
    return child, Started(False, passed, None, at.redactor.shown(last_words(bytes_of(output))))


def _is_ready(tools: CourseTools, at: Grounds) -> bool:
    how = tools.lore.readiness(at.slot.version)
    if how is Readiness.SOCKET:
        return tools.lore.is_greeting(at.place.greeting(at.port))
    paths = ("/startupz", "/readyz") if how is Readiness.STARTUPZ else ("/readyz",)
    for path in paths:
        answer = at.place.fetch(at.port, path)
        if not tools.lore.is_ready(path, answer.status, answer.body):
            return False
    return True


def bytes_of(path: Path) -> bytes:
    """The end of what a gateway has written so far; nothing where there is no such file. One that never stops writing must
    not fill the memory of who looks."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _READ))
            return file.read(_READ)
    except FileNotFoundError:
        return b""
