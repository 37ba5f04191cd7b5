"""One builder a command: finds the installation, takes its lock, recovers what was left open, runs the operation."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from upgrader.adapters.moves.lock import locked
from upgrader.context.choices import Answers, Conduct, LiveProbe, Options, Reach
from upgrader.context.drifting import Reading, adopted, drift_of, with_drift
from upgrader.context.finding import Finder, finder
from upgrader.context.keeping import Keeping, left_open, open_records
from upgrader.context.machine import Machine
from upgrader.context.moving import Moving
from upgrader.context.observing import checks_with_turn, compare, live_checks
from upgrader.context.planning import Wish, held_to, plan, planning
from upgrader.context.proving import Proving
from upgrader.context.recording import record_move, record_overrides, record_recovery, with_pin_told
from upgrader.context.remembering import pins
from upgrader.context.unfinished import elsewhere, forget_ended, held_alone, refuse_others
from upgrader.context.verifying import verify
from upgrader.domain.canary.report import Extra
from upgrader.domain.decisions.history import EventKind
from upgrader.domain.installation.facts import Installation
from upgrader.domain.installation.identity import WrongUser
from upgrader.domain.moves.quiet import Patience
from upgrader.domain.outcome import Outcome
from upgrader.domain.plan.decision import ONLY_FOR_MOVES, ExitStyle, PlanData
from upgrader.domain.plan.saved import SavedPlan
from upgrader.domain.ports import Progress, Verifier
from upgrader.domain.status import StatusData
from upgrader.domain.told import AdoptData, CanariesData, CanaryData, HandData, MoveData, Recovery, VerifyData
from upgrader.domain.version import Version
from upgrader.errors import Busy, RollbackIncomplete, UpgraderError, UsageError
from upgrader.operations.canary.command import Canary
from upgrader.operations.moves.proving import Prove
from upgrader.operations.moves.rollback import Rollback
from upgrader.operations.moves.upgrade import Upgrade
from upgrader.operations.status import ShowStatus
from upgrader.services.openclaw.gateway import live_turn

T = TypeVar("T")
_TRY_AGAIN = "end what stands in the way, then `upgrader status` tries again"
Show = Callable[[PlanData], None]


class Declined(UpgraderError):
    """A person said no."""

    default_code = "declined"


@dataclass(frozen=True)
class Ended:
    """What a dead run had left open and was ended before a command: a move, and in a sentence a repair."""

    move: Recovery | None = None
    repair: str = ""


@dataclass(frozen=True)
class Wiring:
    """The commands over one machine. `show` prints a plan before a question is asked about it."""

    options: Options
    answers: Answers
    progress: Progress
    show: Show
    machine: Machine = field(default_factory=Machine.here)

    def plan(self, target: Version | None, accepted: frozenset[str], reach: Reach, style: ExitStyle) -> Outcome[PlanData]:
        """`upgrader plan`."""
        return plan(self.machine, self.options, Wish(target, accepted, reach=reach), style)

    def status(self) -> Outcome[StatusData]:
        """`upgrader status`; an unfinished move that nobody works on is recovered first."""
        recovery, at_work = Ended(), ""
        try:
            with self.recovered("status") as (_, ended):
                recovery = ended
        except Busy as error:  # a run at work is no reason to say nothing
            at_work = f"{error.message}: {error.why}"
        except OSError as error:  # nor is a disk that takes no writes
            at_work = f"whether a move was left open was not looked for: {error.strerror}: {error.filename}"
        shown = ShowStatus(
            self.finder(),
            lambda found: Keeping(self.machine, found).records(),
            lambda found: drift_of(Keeping(self.machine, found), Reading.KNOWN),
            pins(self.machine).get,
            lambda found: Keeping(self.machine, found).held(),
        )
        outcome = told(shown.run(), recovery)
        return replace(outcome, notices=(*outcome.notices, at_work)) if at_work else outcome

    def verify(self, probe: LiveProbe, reading: Reading) -> Outcome[VerifyData]:
        """`upgrader verify`."""
        if probe is LiveProbe.TURN:
            self.consent(f"Ask an agent for a real turn? {live_turn.COST}.", None)
        outcome = verify(self.finder(), self._checks(probe), self.progress).run()
        with self.progress.step("comparing the package with how it was left"):
            return with_drift(Keeping(self.machine, self.finder().find()), outcome, reading)

    def verify_by_hand(self) -> Outcome[HandData]:
        """`upgrader verify --print`."""
        return verify(self.finder(), live_checks(self.machine), self.progress).by_hand()

    def adopt(self, reason: str) -> Outcome[AdoptData]:
        """`upgrader adopt`."""
        with self.recovered("adopt") as (keeping, recovery):
            outcome = adopted(self.machine, keeping, reason)
        return told(outcome, recovery)

    def canary(
        self, targets: tuple[Version, ...], accepted: frozenset[str], extras: frozenset[Extra]
    ) -> Outcome[CanaryData | CanariesData | PlanData]:
        """`upgrader canary`, of one release or of several.

        What holds a move back for want of evidence holds no trial back: it is how to get some.
        """
        accepted |= ONLY_FOR_MOVES
        with self.recovered("canary") as (keeping, recovery):
            proving = Proving(self.machine, keeping, self.progress)
            decide = planning(self.machine, self.finder(), keeping, Wish(reason="for a trial alone")).decide
            prove = Prove(keeping.slots(), keeping.snapshots(), proving.keeping_word(), self.progress, extras)
            command = Canary(self.finder(), decide, prove)
            if len(targets) > 1:
                return told(command.matrix(targets, accepted), recovery)
            return told(command.run(targets[0] if targets else None, accepted), recovery)

    def upgrade_as_planned(self, saved: SavedPlan, conduct: Conduct) -> Outcome[MoveData | PlanData]:
        """`upgrader upgrade FILE`. Raises PlanStale where the world has moved since."""
        rules = frozenset(each.rule for each in saved.overrides)
        reason = "; ".join(dict.fromkeys(each.reason for each in saved.overrides if each.reason))
        return self.upgrade(Version(saved.world.target), rules, conduct, reason, saved)

    def upgrade(
        self,
        target: Version | None,
        accepted: frozenset[str],
        conduct: Conduct,
        reason: str = "",
        saved: SavedPlan | None = None,
    ) -> Outcome[MoveData | PlanData]:
        """`upgrader upgrade`; what was overridden stands in the history before anything is changed."""

        def consent(question: str, decided: PlanData) -> None:
            self.consent(_with_cost(question, conduct.probe), decided)
            record_overrides(self.machine, keeping, decided)

        with self.recovered("upgrade") as (keeping, recovery):
            moving = self.moving(keeping, conduct)
            outcome = Upgrade(
                discovery=self.finder(),
                decide=held_to(saved, planning(self.machine, self.finder(), keeping, Wish(reason=reason)).decide),
                prove=self._prove(keeping),
                verifier=moving.verifier,
                transact=moving.transact(),
                progress=self.progress,
                consent=consent,
            ).run(target, accepted)
            record_move(self.machine, keeping, EventKind.UPGRADE, outcome)
            outcome = with_pin_told(self.machine, keeping, outcome)
        return told(outcome, recovery)

    def rollback(self, snapshot: str, patience: Patience) -> Outcome[MoveData]:
        """`upgrader rollback`."""
        with self.recovered("rollback") as (keeping, recovery):
            moving = self.moving(keeping, Conduct(patience))
            outcome = Rollback(
                discovery=self.finder(),
                slots=keeping.slots(),
                snapshots=keeping.snapshots(),
                verifier=moving.verifier,
                journals=keeping.journals(),
                transact=moving.transact(),
                progress=self.progress,
                consent=lambda question: self.consent(question, None),
            ).run(snapshot)
            record_move(self.machine, keeping, EventKind.ROLLBACK, outcome)
        return told(outcome, recovery)

    def finder(self) -> Finder:
        """The installation of this run, looked at anew each time."""
        return finder(self.machine, self.options)

    def _prove(self, keeping: Keeping) -> Prove:
        canaries = Proving(self.machine, keeping, self.progress).remembering()
        return Prove(keeping.slots(), keeping.snapshots(), canaries, self.progress)

    def _checks(self, probe: LiveProbe) -> Verifier:
        return live_checks(self.machine) if probe is LiveProbe.NONE else checks_with_turn(self.machine, self.progress)

    def moving(self, keeping: Keeping, conduct: Conduct | None = None) -> Moving:
        """What a move of this installation needs."""
        conduct = conduct or Conduct()
        checks = self._checks(conduct.probe)
        return Moving(self.machine, keeping, self.finder(), checks, compare, self.progress, conduct.patience)

    @contextmanager
    def recovered(self, command: str) -> Iterator[tuple[Keeping, Ended]]:
        """Hold this installation's locks; whatever a dead run left open is ended first. Raises Busy."""
        before = self._ended_elsewhere(command)
        keeping = Keeping(self.machine, self._found())
        with locked(keeping.locks, command), held_alone(keeping):
            if command != "status":  # which tells what is here whatever is half done
                refuse_others(keeping)
            for left in Proving(self.machine, keeping, self.progress).sweep():
                self.progress.note(f"removed what an interrupted canary had left: {left.name}")
            recovery = self.moving(keeping).recover().run()
            if recovery is not None:
                keeping = Keeping(self.machine, self.finder().find())
                record_recovery(self.machine, keeping, recovery)
                if recovery.problems and command != "status":  # nothing is begun on a half-restored installation
                    raise _left_open(recovery)
            repair = ""
            if open_records(keeping.home):
                from upgrader.context.ending import end_killed_repair  # the stores' editor

                repair = end_killed_repair(self.moving(keeping))
                keeping = Keeping(self.machine, self.finder().find())
            try:
                yield keeping, Ended(recovery or before.move, repair or before.repair)
            finally:
                forget_ended(keeping)

    def _ended_elsewhere(self, command: str) -> Ended:
        """End what a run with another data directory has left open, by the records kept there. Raises Busy, MarkUnreadable."""
        other = elsewhere(self.machine, self.finder().state)
        if other is None:
            return Ended()
        self.progress.note(f"an earlier run that kept its records in {other.data} did not end")
        with replace(self, machine=other).recovered(command) as (_, ended):
            return ended

    def _found(self) -> Installation:
        """The installation; what a dead run left unreadable is taken as its journal knows it, or nobody could put it back."""
        finder = self.finder()
        try:
            return finder.find()
        except (WrongUser, UsageError):
            raise
        except UpgraderError:
            found = left_open(self.machine, finder.state)
            if found is None:
                raise
            return found

    def consent(self, question: str, plan: PlanData | None) -> None:
        """Ask a person; scripts say `--yes`. Raises Declined, UsageError."""
        if self.answers is Answers.YES:
            return
        if not sys.stdin.isatty():
            why, hint = "standard input is no terminal", "the same command with `--yes` goes ahead"
            raise UsageError("there is nobody to ask", why=why, hint=hint, code="no_consent")
        if plan is not None:
            self.show(replace(plan, next_command=""))  # the question is what comes next
        self.progress.note(f"{question} [y/N]")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise Declined("not done: you did not say yes")


def _with_cost(question: str, probe: LiveProbe) -> str:
    if probe is LiveProbe.NONE:
        return question
    return f"{question} An agent is asked for a real turn before and after: {live_turn.COST}."


def told(outcome: Outcome[T], ended: Ended) -> Outcome[T]:
    """The outcome with what was ended before it; its exit code is its own."""
    texts = [ended.repair] if ended.repair else []
    if (recovery := ended.move) is not None:
        text = f"an unfinished {recovery.move} to {recovery.target} ({recovery.transaction}) was {recovery.ending}"
        texts.append(f"{text}: {'; '.join(recovery.problems)}; {_TRY_AGAIN}" if recovery.problems else text)
    return replace(outcome, notices=(*texts, *outcome.notices)) if texts else outcome


def _left_open(recovery: Recovery) -> RollbackIncomplete:
    return RollbackIncomplete(
        f"an unfinished {recovery.move} to {recovery.target} could not be undone, so nothing else is begun",
        why="; ".join(recovery.problems),
        hint=_TRY_AGAIN,
        unchanged="the state before that move is kept whole; nothing was deleted",
    )
