"""`upgrader repair`: snapshot, the ladder with a look after each rung, a quiet period at the end, and the way back."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from upgrader.domain.causes.rules import find_causes
from upgrader.domain.diagnosis.cause import Cause, Rung
from upgrader.domain.diagnosis.repairing import (
    KeptPairing,
    RepairData,
    RepairRecord,
    RepairStep,
    StepFailed,
    for_people,
    ladder,
    mendable,
    next_rung,
)
from upgrader.domain.diagnosis.scene import Scene
from upgrader.domain.installation.facts import Installation
from upgrader.domain.installation.identity import refuse_obstacles
from upgrader.domain.outcome import Failure, Outcome, Status
from upgrader.domain.ports import Discovery, Progress, Snapshots
from upgrader.errors import Blocked, RollbackIncomplete, RolledBack, UpgraderError
from upgrader.operations.diagnosis.diagnose import SceneGatherer
from upgrader.operations.repair.quiet_period import QuietPeriod
from upgrader.operations.repair.rungs import Rungs

_HARMLESS = frozenset({"prefix_not_writable", "no_pointer", "shared_package", "hidden_openclaw", "other_tree", "not_writable"})


@dataclass(frozen=True)
class _Climb:
    """How far a repair came: what was tried, the last scene and its causes, whether anything was changed."""

    scene: Scene
    causes: tuple[Cause, ...]
    steps: tuple[RepairStep, ...] = ()
    tried: tuple[tuple[Rung, frozenset[str]], ...] = ()


@dataclass(frozen=True)
class Repair:
    """Over the diagnosis, the rungs and the snapshots. `consent` asks a person, once, with the plan shown before; `open` is
    what the next command needs when this one is killed."""

    discovery: Discovery
    gatherer: SceneGatherer
    snapshots: Snapshots
    rungs: Rungs
    quiet: QuietPeriod
    open: RepairRecord
    progress: Progress
    consent: Callable[[str], None]
    show: Callable[[RepairData], None]

    def plan(self) -> Outcome[RepairData]:
        """`--dry-run`: the causes and the ladder; nothing is changed. 3 where something is broken."""
        scene, causes = self._look()
        data = replace(self._planned(scene, causes), dry_run=True)
        return Outcome("repair", data, *((Status.FAILED, Blocked.exit_code) if data.steps or data.left else ()))

    def run(self) -> Outcome[RepairData]:
        """0 mended or nothing to mend, 3 a person has to act, 4 it could not be mended and is as it was. Raises Blocked,
        RollbackIncomplete, Declined."""
        scene, causes = self._look()
        planned = self._planned(scene, causes)
        if not planned.steps:
            return _untouched(planned)
        refuse_obstacles(tuple(each for each in scene.installation.obstacles if each.code not in _HARMLESS))
        self.show(planned)
        self.consent("Repair the pairing by these steps, until one works?")
        with self.progress.step("taking a snapshot of the state as it is"):
            snapshot = self.snapshots.take(scene.installation, "", "before a repair")
        own = scene.observation.store.own
        kept = self.rungs.editor.keep(scene.installation, own.device_id if own else "")
        self.open.write(kept)
        try:
            climb = self._climb(_Climb(scene, causes))
            quiet, seen = (False, "") if mendable(climb.causes) else self._wait(climb)
        except BaseException as error:
            self._undo(kept, error)
            raise
        return self._ended(planned, climb, kept, (snapshot.id, quiet, seen))

    def _ended(self, planned: RepairData, climb: _Climb, kept: KeptPairing, end: tuple[str, bool, str]) -> Outcome[RepairData]:
        """What came of it; where nothing helped, this machine's pairing as it was."""
        snapshot, quiet, seen = end
        done = replace(planned, steps=climb.steps, left=for_people(climb.causes), snapshot=snapshot, quiet=seen)
        if mendable(climb.causes) or not quiet:
            return self._gone_back(done, climb, kept)
        self.open.clear()
        worked = [step for step in climb.steps if step.worked]
        done = replace(done, rung=worked[-1].rung.value if worked else "")
        if done.left:
            return Outcome("repair", done, Status.FAILED, Blocked.exit_code, _failures(done.left))
        return Outcome("repair", done)

    def _look(self) -> tuple[Scene, tuple[Cause, ...]]:
        with self.progress.step("looking for the cause"):
            scene = self.gatherer.gather(self.discovery.find())
        return scene, find_causes(scene)

    def _planned(self, scene: Scene, causes: tuple[Cause, ...]) -> RepairData:
        steps = tuple(RepairStep(rung, self.rungs.words(rung, scene)) for rung in ladder(causes))
        return RepairData(str(scene.installation.package.version), mendable(causes), steps, for_people(causes))

    def _climb(self, climb: _Climb) -> _Climb:
        """Rung after rung, each followed by a new look, until nothing mendable is left or nothing is left to try."""
        while mendable(climb.causes) and (rung := next_rung(climb.causes, climb.tried)) is not None:
            codes = frozenset(each.code for each in mendable(climb.causes))
            words = self.rungs.words(rung, climb.scene)
            worked, detail = True, ""
            try:
                with self.progress.step(rung.value):
                    detail = self.rungs.climb(rung, climb.scene)
            except StepFailed as error:
                worked, detail = False, f"{error.message}: {error.why}" if error.why else error.message
            scene, causes = self._look() if worked else (climb.scene, climb.causes)
            better = worked and frozenset(each.code for each in mendable(causes)) != codes
            step = RepairStep(rung, words, better, detail or ("" if better else "changed nothing"))
            climb = _Climb(scene, causes, (*climb.steps, step), (*climb.tried, (rung, codes)))
        return climb

    def _wait(self, climb: _Climb) -> tuple[bool, str]:
        if not climb.scene.installation.is_running:
            return True, "no gateway runs: the records were judged"
        with self.progress.step("waiting until nothing asks anew"):
            return self.quiet.wait(climb.scene.installation)

    def _gone_back(self, data: RepairData, climb: _Climb, kept: KeptPairing) -> Outcome[RepairData]:
        """Nothing helped: this machine's pairing is put back as it was; the last rung is another release."""
        failures = _failures(mendable(climb.causes)) or (Failure("not_quiet", data.quiet),)
        self._restore(kept)
        move = Failure("move_on", "no step mends this on this release", hint="`upgrader plan` names a good release")
        undone = replace(data, undone="this machine's pairing is as it was before")
        return Outcome("repair", undone, Status.ROLLED_BACK, RolledBack.exit_code, (*failures, move))

    def _undo(self, kept: KeptPairing, error: BaseException) -> None:
        """After an error or an interrupt in the middle of it."""
        self.progress.note(f"undoing: {getattr(error, 'message', type(error).__name__)}")
        self._restore(kept)

    def _restore(self, kept: KeptPairing) -> None:
        """Put back what was changed; the record of an open repair stays where that did not work."""
        if kept.device_id:
            self._put_back(kept)
        self.open.clear()

    def _put_back(self, kept: KeptPairing) -> None:
        try:
            installation: Installation = self.discovery.find()
            if self.rungs.editor.keep(installation, kept.device_id) == kept:
                return  # nothing was written: no reason for a stop
            with self.progress.step("putting this machine's pairing back as it was"):
                self.rungs.outage.during(installation, lambda: self.rungs.editor.restore(installation, kept))
        except UpgraderError as error:
            raise RollbackIncomplete(
                "the repair failed and this machine's pairing could not be put back",
                why=f"{error.message}; {error.why}",
                hint="`upgrader status` lists the snapshot taken before it",
                unchanged="other devices were not touched",
            ) from error


def _untouched(data: RepairData) -> Outcome[RepairData]:
    """Nothing a repair could do: 3 where a person has to act, else nothing to do."""
    if data.left:
        return Outcome("repair", data, Status.FAILED, Blocked.exit_code, _failures(data.left))
    return Outcome("repair", data, Status.UNCHANGED)


def _failures(causes: tuple[Cause, ...]) -> tuple[Failure, ...]:
    return tuple(Failure(each.code, each.title, "; ".join(each.evidence), each.remedy) for each in causes)
