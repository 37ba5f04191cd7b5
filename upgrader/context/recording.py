"""Joins the commands that write down what a person decided and what was done: pins and history."""

from contextlib import suppress
from dataclasses import replace

from upgrader.adapters.decisions.config_switch import UpdaterSwitch
from upgrader.context.choices import Options
from upgrader.context.finding import Found, finder
from upgrader.context.keeping import Keeping
from upgrader.context.machine import Machine
from upgrader.context.remembering import history_of, pins, tables
from upgrader.domain.decisions.history import Event, EventKind, HistoryData
from upgrader.domain.decisions.pinning import PinData, PinWish, UpdaterWish
from upgrader.domain.outcome import Outcome, Status
from upgrader.domain.plan.decision import PlanData
from upgrader.domain.told import MoveData, Recovery
from upgrader.errors import UpgraderError
from upgrader.operations.pin import Pinning
from upgrader.services.openclaw.configuration.config_edit import with_auto_update, without_auto_update


def show_history(machine: Machine, options: Options) -> Outcome[HistoryData]:
    """`upgrader history`."""
    keeping = Keeping(machine, finder(machine, options).find())
    return Outcome("history", HistoryData(history_of(keeping).events()))


def pin(machine: Machine, options: Options, wish: PinWish) -> Outcome[PinData]:
    """`upgrader pin` and `upgrader hold`."""
    return _pinning(machine, options).pin(wish)


def unpin(machine: Machine, options: Options, reason: str, updater: UpdaterWish) -> Outcome[PinData]:
    """`upgrader unpin`."""
    return _pinning(machine, options).unpin(reason, updater)


def record_overrides(machine: Machine, keeping: Keeping, decided: PlanData) -> None:
    """Keep what a person overrode for a move that is about to begin, with the reason. Raises UpgraderError."""
    plan = decided.plan
    reasons = {each.rule: each.reason for each in decided.overrides}
    for block in plan.accepted:
        rule = block.rule.value
        event = Event(_now(machine), EventKind.OVERRIDE, str(plan.present), str(plan.target), rule=rule, why=block.why)
        try:
            history_of(keeping).append(replace(event, reason=reasons.get(rule, "")))
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise UpgraderError("the override cannot be written into the history", why=why, code="history") from error


def record_move(
    machine: Machine, keeping: Keeping, kind: EventKind, outcome: Outcome[MoveData] | Outcome[MoveData | PlanData]
) -> None:
    """Keep how a move ended; a plan that did not go ahead is none. A disk that takes no line takes
    nothing from what was done."""
    data = outcome.data
    if isinstance(data, MoveData) and (data.transaction or kind is EventKind.RESTORE):
        event = Event(
            _now(machine),
            kind,
            data.present,
            data.target,
            outcome.status.value,
            why=outcome.failures[0].message if outcome.failures else "",
            outage_seconds=data.outage_seconds,
            transaction=data.transaction,
        )
        with suppress(OSError):
            history_of(keeping).append(event)


def record_recovery(machine: Machine, keeping: Keeping, recovery: Recovery) -> None:
    """Keep that an unfinished move was ended, and how; a disk that takes no line takes nothing from what was done."""
    present = str(keeping.installation.package.version)
    why = f"an unfinished {recovery.move} to {recovery.target} was {recovery.ending}"
    result = "; ".join(recovery.problems) or recovery.ending
    event = Event(_now(machine), EventKind.RECOVERY, present, "", result, why=why, transaction=recovery.transaction)
    with suppress(OSError):
        history_of(keeping).append(event)


def with_pin_told(machine: Machine, keeping: Keeping, outcome: Outcome[MoveData | PlanData]) -> Outcome[MoveData | PlanData]:
    """The outcome, with a word on a pin that was overridden and still stands."""
    pin = pins(machine).get(keeping.installation.state.path)
    data = outcome.data
    if pin is None or outcome.status is not Status.DONE or not isinstance(data, MoveData) or data.target == str(pin.version):
        return outcome
    ways = "`upgrader unpin` takes it away, `upgrader pin --reason TEXT` moves it here"
    told = f"{pin.in_words()}: that pin still stands; {ways}"
    return replace(outcome, notices=(*outcome.notices, told))


def _pinning(machine: Machine, options: Options) -> Pinning:
    from upgrader.adapters.table.model import AREAS

    found = Found(finder(machine, options).find())
    keeping = Keeping(machine, found.installation)
    switch = UpdaterSwitch(keeping.home, without_auto_update, with_auto_update)
    history, table = history_of(keeping), tables(machine).load
    return Pinning(found, pins(machine), history, machine.clock, table, AREAS, keeping.shelf.list, switch)


def _now(machine: Machine) -> str:
    return machine.clock.now().isoformat(timespec="seconds")
