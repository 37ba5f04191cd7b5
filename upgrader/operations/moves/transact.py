"""Opens a transaction, runs the cutover, and ends it one way or the other: committed, or wholly as before."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace

from upgrader.domain.check import Judgement, worse_than
from upgrader.domain.installation.facts import Installation
from upgrader.domain.installation.identity import refuse_obstacles
from upgrader.domain.kept.slot import Slot
from upgrader.domain.kept.snapshot import Snapshot
from upgrader.domain.moves.journal import Mark, Step, is_committed
from upgrader.domain.moves.ports import JournalFile, Journals, Updaters
from upgrader.domain.moves.settle import moved_along
from upgrader.domain.moves.transaction import Move, Opened, without_secrets
from upgrader.domain.outcome import Failure, Outcome, Status
from upgrader.domain.pairing.live import LiveReport
from upgrader.domain.ports import Clock, Progress
from upgrader.domain.told import MoveData
from upgrader.errors import Blocked, Inconclusive, RollbackIncomplete, RolledBack, UpgraderError
from upgrader.operations.moves.cutover import Cutover
from upgrader.operations.moves.finishing import Finisher
from upgrader.operations.moves.undoing import WayBack

_INTERRUPTED = 130


@dataclass(frozen=True)
class Intention:
    """A move about to begin: from where, to what, from which snapshot, and what the checks said before."""

    move: Move
    installation: Installation
    present: Slot
    target: Slot
    snapshot: Snapshot
    before: LiveReport | None


@dataclass(frozen=True)
class Transact:
    """One move as a transaction."""

    journals: Journals
    cutover: Cutover
    finisher: Finisher
    clock: Clock
    progress: Progress
    name: Callable[[], str]
    shield: Callable[[], AbstractContextManager[None]]
    updaters: Updaters

    def run(self, intention: Intention, data: MoveData) -> Outcome[MoveData]:
        """Committed (0), or rolled back by itself (4), or neither and said so (5). `data` is what is known so far."""
        self.refuse(intention.installation)
        self._refuse_changed(intention.installation)
        opened = self._opened(intention)
        launch = self.cutover.undoer.supervisor.launch_record(intention.installation)
        journal = self.journals.begin(opened.transaction, opened, launch.to_bytes(), by_hand(opened))
        data = replace(data, transaction=opened.transaction)
        try:
            cut = self.cutover.run(journal, opened, intention.snapshot, launch, intention.before)
        except (UpgraderError, OSError, KeyboardInterrupt) as error:
            if is_committed(journal.entries()):  # interrupted after the last step: the move stands, the next command tidies up
                raise
            return self._undo(journal, opened, intention, data, error)
        except BaseException:  # a fault of our own must not leave the gateway down: everything goes back, then it is told
            self._go_back(journal)
            raise
        notices, kept = self._finish(journal)
        serving = f"{opened.target.version} serves, checked live" if opened.was_running else "the gateway was not running"
        outcome = Outcome(
            opened.move.value,
            replace(
                data,
                serving=serving,
                checks=cut.after.judgements if cut.after else (),
                settled=moved_along(cut.settled, opened.standby, kept.tree) if kept else cut.settled,
                outage_seconds=round(cut.outage_seconds, 1) if opened.was_running else None,
                snapshot=kept.id if kept else "",
            ),
            notices=notices,
        )
        return outcome if not opened.was_running or self._runs(opened.installation) else _ended_since(opened, outcome)

    def _runs(self, installation: Installation) -> bool:
        return bool(self.cutover.undoer.processes.gateways_on(installation.state.path))

    def _refuse_changed(self, installation: Installation) -> None:
        """Whether a gateway ran when it was looked decides whether one is started at the end. Raises Blocked."""
        runs = self._runs(installation)
        if runs != installation.is_running:
            raise Blocked(
                f"the gateway {'came up' if runs else 'ended'} while the move was prepared",
                why="what was looked at before is no longer so",
                hint="`upgrader status` shows what runs now; then the same command again",
                code="world_moved",
            )

    def refuse(self, installation: Installation) -> None:
        """Nothing is moved past an obstacle, beside OpenClaw's own updater, against the supervisor, or where there would be no
        way back. Raises Blocked."""
        refuse_obstacles(installation.obstacles)
        objection = self.cutover.undoer.pointer.objection(installation.state.path)
        if objection:
            raise Blocked(
                "the state could not be put back after a move",
                why=objection,
                hint="keep the state in a folder of its own below the mount, and name it with OPENCLAW_STATE_DIR",
                code="state_not_exchangeable",
            )
        run = self.updaters.at_work(installation.state.path)
        if run is not None:
            raise Blocked(
                "OpenClaw's own updater is at work",
                why=f"its run {run.name} is {run.phase}" + (f", process {run.pid}" if run.pid else ""),
                hint="`openclaw update status` tells when it is done; then the same command again",
                code="updater_at_work",
            )
        objections = self.cutover.undoer.supervisor.objections(installation)
        if objections:
            raise Blocked(
                "this gateway cannot be stopped and started by upgrader",
                why="; ".join(objections),
                hint="`upgrader status` shows what keeps it",
                code="supervisor",
            )

    def _finish(self, journal: JournalFile) -> tuple[tuple[str, ...], Snapshot | None]:
        """Tidy up; what fails here is told and left to the next command, the move itself stands."""
        try:
            with self.progress.step("keeping the state of before as a snapshot"):
                return (), self.finisher.finish(journal)
        except (UpgraderError, OSError) as error:
            return (f"the move is done, tidying up is not: {error}; the next command finishes it",), None

    def _undo(
        self,
        journal: JournalFile,
        opened: Opened,
        intention: Intention,
        data: MoveData,
        error: UpgraderError | OSError | KeyboardInterrupt,
    ) -> Outcome[MoveData]:
        """Go back, and prove with the same checks that it is as before."""
        cause = _failure_of(error)
        self.progress.note(f"failed: {cause.message}")
        began = self.clock.monotonic()
        way = self._go_back(journal)
        outage = self.clock.monotonic() - began
        if way.problems:
            raise _not_undone(opened, cause, way, journal)
        if isinstance(error, Inconclusive) and Step.STOP not in way.undone:  # put off, nothing was stopped: nothing to check
            data = replace(data, serving=f"{opened.present.version} runs on, undisturbed")
            return Outcome(opened.move.value, data, Status.INCONCLUSIVE, error.exit_code, (cause,))
        checks = self._checked_as_before(opened, intention.before)
        if opened.was_running and not self._runs(opened.installation):
            raise _ended_again(opened, cause)
        undone_to = opened.present.version
        return Outcome(
            opened.move.value,
            replace(
                data,
                serving=f"{undone_to} serves again, checked live" if opened.was_running else "the gateway was not running",
                checks=checks,
                settled=way.settled,
                undone_outage_seconds=round(outage, 1) if opened.was_running else None,
                set_aside=opened.standby if self.finisher.pointer.identity(opened.standby) else None,
            ),
            status=Status.ROLLED_BACK,
            exit_code=_exit_code_of(error),
            failures=(cause,),
        )

    def _go_back(self, journal: JournalFile) -> WayBack:
        """Undo all and close. A second Ctrl-C leaves none of it half undone; it has said nothing new."""
        with suppress(KeyboardInterrupt), self.shield():
            way = self.cutover.undoer.run(journal)
            if not way.problems:
                journal.append(Mark.CLOSED)
        return way

    def _checked_as_before(self, opened: Opened, before: LiveReport | None) -> tuple[Judgement, ...]:
        """The list of step one again. Raises RollbackIncomplete when it does not say what it said then."""
        if before is None or not opened.was_running:
            return ()
        after = self.cutover.verifier.check(self.cutover.discovery.find())
        worse = worse_than(before.judgements, after.judgements)
        if worse:
            raise RollbackIncomplete(
                f"{opened.present.version} is back, but a check says it is not as before: {worse[0].check}",
                why="; ".join(each.why for each in worse),
                hint=worse[0].remedy or "`upgrader verify` shows all of it",
                unchanged="package, state, configuration and service are those of before",
            )
        return after.judgements

    def _opened(self, intention: Intention) -> Opened:
        name = self.name()
        state = intention.installation.state.path
        pointer = intention.installation.package.pointer
        return Opened(
            transaction=name,
            move=intention.move,
            installation=without_secrets(intention.installation),
            present=intention.present,
            target=intention.target,
            standby=state.with_name(f"{state.name}.upgrader-{name}"),
            side=self.cutover.undoer.pointer.side(pointer, intention.target, name),
            was_running=intention.installation.is_running,
            before=intention.before.judgements if intention.before else (),
            started=self.clock.now().isoformat(),
        )


def _not_undone(opened: Opened, cause: Failure, way: WayBack, journal: JournalFile) -> RollbackIncomplete:
    return RollbackIncomplete(
        f"the move to {opened.target.version} failed and could not be undone completely",
        why="; ".join((cause.message, *way.problems)),
        hint=f"run `upgrader status` to try again; by hand: {journal.path.parent / 'by-hand.txt'}",
        unchanged="the state before the move is kept whole beside the state directory",
    )


def _ended_again(opened: Opened, cause: Failure) -> RollbackIncomplete:
    return RollbackIncomplete(
        f"{opened.present.version} is back, but its gateway has ended since",
        why=f"it served; the move failed because of this: {cause.message}",
        hint="`upgrader diagnose` tells why it ended; `openclaw gateway start` starts it",
        unchanged="package, state, configuration and service are those of before",
    )


def _ended_since(opened: Opened, outcome: Outcome[MoveData]) -> Outcome[MoveData]:
    """The move stands, and its gateway ended after it was checked: nothing goes back by itself, and it is told."""
    version, present = opened.target.version, opened.present.version
    data = replace(outcome.data, serving=f"{version} served, checked live, and its gateway has ended since")
    hint = f"`upgrader diagnose` tells why; `openclaw gateway start` starts it, `upgrader rollback` returns to {present}"
    failure = Failure("gateway_ended", f"the gateway of {version} has ended", "it was there when it was checked", hint, "")
    return replace(outcome, data=data, status=Status.FAILED, exit_code=Blocked.exit_code, failures=(failure,))


def _exit_code_of(error: UpgraderError | OSError | KeyboardInterrupt) -> int:
    """130 or 143 where somebody asked to stop, else that of a move that was rolled back."""
    if isinstance(error, KeyboardInterrupt):
        return getattr(error, "exit_code", _INTERRUPTED)
    return RolledBack.exit_code


def _failure_of(error: UpgraderError | OSError | KeyboardInterrupt) -> Failure:
    if isinstance(error, UpgraderError):
        unchanged = error.unchanged if isinstance(error, Inconclusive) else ""
        return Failure(error.code, error.message, error.why, error.hint, unchanged)
    if isinstance(error, KeyboardInterrupt):
        return Failure("interrupted", "it was interrupted", hint="the same command tries again")
    return Failure("system_error", error.strerror or type(error).__name__, str(error.filename or ""))


def by_hand(opened: Opened) -> str:
    """The way back in plain words, for the case that no upgrader can run."""
    live = opened.installation.state.path
    pointer = opened.installation.package.pointer
    return "\n".join(
        (
            f"How to undo {opened.move.value} {opened.transaction} by hand:",
            f"{opened.present.version} -> {opened.target.version}",
            "1. Stop the gateway and see that no `openclaw-gateway` process is left.",
            f"2. If {opened.standby} exists: rename {live} to {live}.failed and {opened.standby} to {live}.",
            f"   A workspace directory that is missing then lies in {live}.failed: move it over.",
            f"3. If {opened.side} exists: rename {pointer} to {pointer}.failed and {opened.side} to {pointer}.",
            "4. Put the service unit back if one was changed; remove the drop-in 90-upgrader-fence.conf; reload systemd.",
            f"5. Start the gateway with {opened.present.node.path}.",
            "",
        )
    )
