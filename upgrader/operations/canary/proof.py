"""The canary: a candidate's course on a clone, and when it fails the present release's on a second, untouched one."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from upgrader.domain.canary.course import Budgets, Course, Until
from upgrader.domain.canary.enclosure import PlaceLost
from upgrader.domain.canary.own_probes import BudgetWish
from upgrader.domain.canary.ports import Lore
from upgrader.domain.canary.report import Blame, CanaryReport, CanaryRequest, CanaryRun, Extra, Seal
from upgrader.domain.check import Judgement, Need, Verdict, overall
from upgrader.domain.checks import blame
from upgrader.domain.checks import canary as checks
from upgrader.domain.checks.blame import Beside
from upgrader.domain.checks.silence import BLIND
from upgrader.domain.kept.slot import Slot
from upgrader.domain.kept.tree import DiskFull, TreeUnreadable
from upgrader.domain.moves.settle import NotSettled, Settled
from upgrader.domain.process import CommandMissing
from upgrader.domain.units import size, span
from upgrader.errors import UpgraderError
from upgrader.operations.canary.course import CourseRunner, Prepare
from upgrader.operations.canary.site import TEMPORARY, site_for
from upgrader.operations.canary.tools import CourseTools

_PLACE = "place"
_SHOWN = 8  # things left out that are named


@dataclass(frozen=True)
class CloneCanary:
    """Port Canaries. `budgets` None: grown from the size of the snapshot; `wish` is what a person set instead."""

    tools: CourseTools
    budgets: Budgets | None = None
    wish: BudgetWish = field(default_factory=BudgetWish)
    _controls: dict[tuple[str, str, str, Until], CanaryRun] = field(default_factory=dict)

    def run(self, request: CanaryRequest) -> CanaryReport:
        """The whole course on a clone of the request's snapshot, with a control run when it fails. Leaves nothing running."""
        for left in self.tools.clones.sweep():
            self.tools.progress.note(f"removed what an interrupted canary had left: {left.name}")
        seal = self.tools.places.seal()
        self.tools.progress.note(self._forecast(request))
        known = self._known(request)
        candidate, rehearsal, settled = self._there_and_back(request, seal, _far(request, known))
        control = self._control(request, candidate, rehearsal, known, seal)
        found = self._beside(candidate, control)
        if candidate.cut and found.blame is Blame.STATE:
            # The present release fails alike: whether the candidate makes anything else worse is told by whole courses only.
            candidate, rehearsal, settled = self._there_and_back(request, seal, Until.END)
            control = self._control(request, candidate, rehearsal, known, seal)
            found = self._beside(candidate, control)
        fresh = self._fresh(request, found, seal)
        if fresh is not None:
            found = blame.in_empty_profile(found, fresh.judgements, self.tools.lore.reason)
        return CanaryReport(
            verdict=blame.with_way_back(found, rehearsal.judgements if rehearsal else None, self.tools.lore.reason),
            seal=seal,
            candidate=candidate,
            control=control,
            blame=found.blame,
            limits=(*self._limits(request, seal), *_left_out(candidate), *_before(request, found)),
            healed=found.healed,
            remaining=found.remaining,
            fresh=fresh,
            rehearsal=rehearsal,
            settled=settled,
            live_memory_bytes=self.tools.live_memory(request.installation),
            live_listening_seconds=self.tools.live_listening(request.installation),
        )

    def _known(self, request: CanaryRequest) -> tuple[Judgement, ...]:
        """What fails with the present release before anything is tried."""
        return _failed(request.known) or self.tools.pairing.broken(request)

    def _beside(self, candidate: CanaryRun, control: CanaryRun | None) -> Beside:
        if control is not None:
            return blame.beside(candidate.judgements, control.judgements, self.tools.lore.reason)
        if overall(candidate.judgements) is Verdict.FAIL:
            return Beside(Verdict.FAIL, Blame.NONE)  # the clone itself is at fault: no release is
        return blame.alone(candidate.judgements)

    def _control(
        self,
        request: CanaryRequest,
        candidate: CanaryRun,
        rehearsal: CanaryRun | None,
        known: tuple[Judgement, ...],
        seal: Seal,
    ) -> CanaryRun | None:
        """The present release on a second clone: after a failure, and where something was broken before (does it heal?)."""
        back = _failed(rehearsal.judgements) if rehearsal else ()
        verdict, present = overall(candidate.judgements), request.present.version
        if verdict is Verdict.FAIL and not _is_ours(candidate.judgements):
            self.tools.progress.note(f"{request.candidate.version} failed; the same course with {present}")
        elif verdict is Verdict.PASS and (broken := back or known):
            self.tools.progress.note(f"{broken[0].check} fails with {present}; its course on an untouched clone tells why")
        else:
            return None
        return self._controlled(request, seal, Until.FIRST_ROUND if candidate.cut else Until.END)

    def _controlled(self, request: CanaryRequest, seal: Seal, until: Until) -> CanaryRun:
        """One control serves all candidates tried on one snapshot; one that could not be judged is made again."""
        key = (str(request.snapshot.tree), request.present.id, request.present.digest, until)
        known = self._controls.get(key)
        if known is None:
            known = self._run(request, request.present, seal, until)
            if overall(known.judgements) is not Verdict.INCONCLUSIVE:
                self._controls[key] = known
        return known

    def _fresh(self, request: CanaryRequest, found: Beside, seal: Seal) -> CanaryRun | None:
        """The candidate in an empty profile: when asked for, and to tell a fault of this state from one of both releases."""
        if Extra.FRESH not in request.extras and found.blame is not Blame.STATE:
            return None
        slot, tools, found_at = request.candidate, self.tools, request.installation
        config = found_at.state.path / found_at.state.config.name  # the user's own may lie elsewhere
        bare = replace(found_at, state=replace(found_at.state, config=config, external=()))
        data = tools.lore.fresh_config(tools.nonce() + tools.nonce() + tools.nonce())
        tools.progress.note(f"{slot.version} in an empty profile")
        with tools.clones.blank(config.name, data) as tree:
            snapshot = replace(request.snapshot, tree=tree, version=slot.version, size_bytes=0)
            return self._run(replace(request, installation=bare, snapshot=snapshot, present=slot), slot, seal, Until.END)

    def _there_and_back(
        self, request: CanaryRequest, seal: Seal, until: Until
    ) -> tuple[CanaryRun, CanaryRun | None, tuple[Settled, ...]]:
        """The candidate's course, and when asked for the present release on what a rollback from its state restores."""
        with self.tools.clones.directory() as root:
            candidate = self._course(request, request.candidate, seal, root, until)
            if Extra.ROLLBACK not in request.extras or candidate.ready_seconds is None:
                return candidate, None, ()
            left = site_for(request, request.candidate, root, seal).state
            installation, settled = request.installation, list[Settled]()
            live = installation.state.path
            inside = tuple(w.relative_to(live) for w in installation.state.workspaces if w.is_relative_to(live))

            def settle(state: Path) -> None:
                settled.extend(self.tools.settle(state, left, inside).items)

            self.tools.progress.note(f"the way back: {request.present.version} on what a rollback restores")
            with self.tools.clones.directory() as back:
                rehearsal = self._course(request, request.present, seal, back, Until.END, settle)
            return candidate, rehearsal, tuple(settled)

    def _run(self, request: CanaryRequest, slot: Slot, seal: Seal, until: Until) -> CanaryRun:
        with self.tools.clones.directory() as root:
            return self._course(request, slot, seal, root, until)

    def _course(
        self, request: CanaryRequest, slot: Slot, seal: Seal, root: Path, until: Until, prepare: Prepare | None = None
    ) -> CanaryRun:
        budgets = self._budgets(request)
        try:
            course = CourseRunner(self.tools, request, slot, budgets, prepare, until).run(root)
        except (PlaceLost, CommandMissing, NotSettled, DiskFull, TreeUnreadable) as error:
            return CanaryRun(str(slot.version), (_lost(error),), 0.0)
        told = _told(course, seal, self.tools.lore)
        if slot is request.candidate and overall(told.judgements) is Verdict.PASS:
            self.tools.hand_on(root / TEMPORARY)
        return told

    def _forecast(self, request: CanaryRequest) -> str:
        """What it will take at most, said beforehand: disk for each clone, time for each step."""
        budgets = self._budgets(request)
        steps = (("the doctor", budgets.doctor), ("a start", budgets.ready), ("a turn", budgets.turn))
        limits = ", ".join(f"{name} {span(limit.total_seconds())}" for name, limit in steps)
        return f"each clone holds {size(request.snapshot.size_bytes)}; longest times: {limits}"

    def _budgets(self, request: CanaryRequest) -> Budgets:
        return (self.budgets or Budgets.for_state(request.snapshot.size_bytes)).wished(self.wish)

    def _limits(self, request: CanaryRequest, seal: Seal) -> tuple[str, ...]:
        """What this canary could not show."""
        limits = [BLIND[seal]]
        if seal is Seal.UNSEALED:
            why = self.tools.places.why_unsealed()
            limits.append(f"not sealed ({why}): secrets were replaced by inert values, connections only watched")
        config = self.tools.read_config(request)
        shown = self.tools.lore.code_paths(config, request.installation.home) if seal is Seal.SEALED else ()
        there = {_log_file(config), *map(str, shown)}
        outside = (path for path in _names(request.installation.state.external) if path not in there)
        return (*limits, *(f"{path} lies outside the state directory: it was not there in the canary" for path in outside))


def _far(request: CanaryRequest, known: tuple[Judgement, ...]) -> Until:
    """A failure is told at once, unless something failed before or the way back needs all of the course."""
    return Until.END if known or Extra.ROLLBACK in request.extras else Until.FAILURE


def _told(course: Course, seal: Seal, lore: Lore) -> CanaryRun:
    return CanaryRun(
        version=course.version,
        judgements=checks.where_there_was_room(checks.judge(course, seal), lore.is_no_room),
        seconds=course.seconds,
        state_schema_before=course.clone.state_schema,
        state_schema_after=course.schema_after,
        ready_seconds=course.first.seconds if course.first else None,
        doctor_seconds=course.doctor.seconds if course.doctor else None,
        restart_seconds=course.second.seconds if course.second else None,
        listening_seconds=course.first.listening if course.first else None,
        likeness=course.clone.likeness,
        edits=course.clone.edits,
        migration=course.migration,
        memory_bytes=course.memory_bytes,
        steps=course.steps,
        cut=course.cut,
    )


def _left_out(run: CanaryRun) -> tuple[str, ...]:
    """What the clone lacked on purpose; of many the first, and how many more."""
    told = [edit.limit for edit in run.edits if edit.limit]
    more = (f"{len(told) - _SHOWN} more were left out",) if len(told) > _SHOWN else ()
    return (*told[:_SHOWN], *more)


def _before(request: CanaryRequest, found: Beside) -> tuple[str, ...]:
    """Failures that were there before, and are not judged as the candidate's."""
    present = request.present.version
    match found.blame:
        case Blame.STATE:
            return (f"{present} fails the same checks on this state: it was so before",)
        case Blame.BOTH:
            return (f"{present} fails the same checks, and the candidate in an empty profile too: it was so before",)
        case _:
            return ()


def _failed(judgements: tuple[Judgement, ...]) -> tuple[Judgement, ...]:
    return tuple(j for j in judgements if j.need is Need.REQUIRED and j.verdict is Verdict.FAIL)


def _is_ours(judgements: tuple[Judgement, ...]) -> bool:
    """Whether the failure is of the clone itself: then a control would fail like it and say nothing."""
    return any(j.check == "clone.like-source" and j.verdict is Verdict.FAIL for j in judgements)


def _lost(error: UpgraderError) -> Judgement:
    return Judgement(_PLACE, Verdict.INCONCLUSIVE, f"{error.message}: {error.why}", error.hint or "run the canary again")


def _log_file(config: Mapping[str, object]) -> object:
    """The configured log file: a clone has its own, that is no limit."""
    logging = config.get("logging")
    return logging.get("file") if isinstance(logging, dict) else None


def _names(paths: tuple[Path, ...]) -> tuple[str, ...]:
    return tuple(sorted({str(path) for path in paths}))
