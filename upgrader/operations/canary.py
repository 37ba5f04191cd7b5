"""The canary: a candidate's course on a clone, and when it fails the present release's on a second, untouched one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from upgrader.domain.canary import Blame, CanaryReport, CanaryRequest, CanaryRun, Seal
from upgrader.domain.check import Judgement, Verdict, overall
from upgrader.domain.checks import canary as checks
from upgrader.domain.course import Budgets, Course
from upgrader.domain.enclosure import PlaceLost
from upgrader.domain.slot import Slot
from upgrader.operations.canary_course import CourseRunner, CourseTools

_PLACE = "place"


@dataclass(frozen=True)
class CloneCanary:
    """Port Canaries. `budgets` None: grown from the size of the snapshot."""

    tools: CourseTools
    budgets: Budgets | None = None

    def run(self, request: CanaryRequest) -> CanaryReport:
        """The whole course on a clone of the request's snapshot, with a control run when it fails. Leaves nothing running."""
        for left in self.tools.clones.sweep():
            self.tools.progress.note(f"removed what an interrupted canary had left: {left.name}")
        seal = self.tools.places.seal()
        candidate = self._run(request, request.candidate, seal)
        verdict = overall(candidate.judgements)
        limits = self._limits(request, seal)
        if verdict is not Verdict.FAIL or _is_ours(candidate.judgements):
            return CanaryReport(verdict, seal, candidate, limits=limits)
        self.tools.progress.note(f"{request.candidate.version} failed; the same course with {request.present.version}")
        control = self._run(request, request.present, seal)
        verdict, blame = checks.blame(candidate.judgements, control.judgements)
        if blame is Blame.STATE:
            limits = (*limits, f"{request.present.version} fails the same checks on this state: it was so before")
        return CanaryReport(verdict, seal, candidate, control, blame, limits)

    def _run(self, request: CanaryRequest, slot: Slot, seal: Seal) -> CanaryRun:
        budgets = self.budgets or Budgets.for_state(request.snapshot.size_bytes)
        with self.tools.clones.directory() as root:
            try:
                course = CourseRunner(self.tools, request, slot, budgets).run(root)
            except PlaceLost as error:
                return CanaryRun(str(slot.version), (_lost(error),), 0.0)
        return _told(course, seal)

    def _limits(self, request: CanaryRequest, seal: Seal) -> tuple[str, ...]:
        """What this canary could not show."""
        limits = []
        if seal is Seal.UNSEALED:
            why = self.tools.places.why_unsealed()
            limits.append(f"not sealed ({why}): secrets were replaced by inert values, connections only watched")
        log = _log_file(self.tools.read_config(request))
        outside = (path for path in _names(request.installation.state.external) if path != log)
        return (*limits, *(f"{path} lies outside the state directory: it was not there in the canary" for path in outside))


def _told(course: Course, seal: Seal) -> CanaryRun:
    return CanaryRun(
        version=course.version,
        judgements=checks.judge(course, seal),
        seconds=course.seconds,
        state_schema_before=course.clone.state_schema,
        state_schema_after=course.schema_after,
        ready_seconds=course.first.seconds if course.first else None,
        doctor_seconds=course.doctor.seconds if course.doctor else None,
        restart_seconds=course.second.seconds if course.second else None,
        likeness=course.clone.likeness,
        edits=course.clone.edits,
    )


def _is_ours(judgements: tuple[Judgement, ...]) -> bool:
    """Whether the failure is of the clone itself: then a control would fail like it and say nothing."""
    return any(j.check == "clone.like-source" and j.verdict is Verdict.FAIL for j in judgements)


def _lost(error: PlaceLost) -> Judgement:
    return Judgement(_PLACE, Verdict.INCONCLUSIVE, f"{error.message}: {error.why}", "run the canary again")


def _log_file(config: Mapping[str, object]) -> object:
    """The configured log file: a clone has its own, that is no limit."""
    logging = config.get("logging")
    return logging.get("file") if isinstance(logging, dict) else None


def _names(paths: tuple[Path, ...]) -> tuple[str, ...]:
    return tuple(sorted({str(path) for path in paths}))
