"""Joins `upgrader prune`."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from upgrader.adapters.kept.shelves import KeptThings
from upgrader.context.choices import Answers
from upgrader.context.keeping import Keeping
from upgrader.context.machine import Machine
from upgrader.context.remembering import history_of, pins
from upgrader.context.wiring import Wiring, told
from upgrader.domain.decisions.history import Event, EventKind
from upgrader.domain.kept.pruning import Allowance, Manner, PruneData
from upgrader.domain.outcome import Outcome, Status
from upgrader.operations.prune import Prune

_SYSTEM_UNITS = (Path("/etc/systemd/system"), Path("/etc/systemd/user"))


def prune(
    wiring: Wiring, allowance: Allowance, manner: Manner, show: Callable[[Outcome[PruneData]], None]
) -> Outcome[PruneData]:
    """`upgrader prune`; what was removed stands in the history. `show` tells what would go, before the question."""

    def consent(outcome: Outcome[PruneData]) -> None:
        if wiring.answers is Answers.ASK:
            show(outcome)
        wiring.consent("Remove them?", None)

    machine = wiring.machine
    with wiring.recovered("prune") as (keeping, recovery):
        outcome = Prune(_things(machine, keeping), machine.clock, wiring.progress, consent).run(allowance, manner)
        if outcome.status is Status.DONE and manner is Manner.REMOVE:
            _record(machine, keeping, outcome.data)
    return told(outcome, recovery)


def _things(machine: Machine, keeping: Keeping) -> KeptThings:
    pin = pins(machine).get(keeping.installation.state.path)
    return KeptThings(
        machine.data,
        keeping.home,
        keeping.installation,
        keeping.slots(),
        keeping.snapshots(),
        pin.version if pin else None,
        (machine.account_home / ".config" / "systemd" / "user", *_SYSTEM_UNITS),
    )


def _record(machine: Machine, keeping: Keeping, data: PruneData) -> None:
    """A disk that takes no line takes nothing from what was done."""
    names = ", ".join(f"{each.kept.kind.value} {each.kept.name}" for each in data.going)
    at = machine.clock.now().isoformat(timespec="seconds")
    with suppress(OSError):
        version = str(keeping.installation.package.version)
        history_of(keeping).append(Event(at, EventKind.PRUNE, version, why=names))
