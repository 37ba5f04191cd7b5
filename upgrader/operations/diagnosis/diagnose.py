"""`upgrader diagnose`: gathers a scene with probes, judges it with the checks of `verify` and the rules of the causes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from upgrader.domain.causes.rules import find_causes
from upgrader.domain.check import Judgement
from upgrader.domain.diagnosis.cause import Cause, DiagnosisData, Impact, Likelihood, Nature, broken
from upgrader.domain.diagnosis.clientlines import client_lines
from upgrader.domain.diagnosis.ports import (
    LineReader,
    LoginsProbe,
    MachineProbe,
    ManagerProbe,
    RunningProbe,
    ServiceProbe,
    StateProbe,
)
from upgrader.domain.diagnosis.scene import Places, Scene
from upgrader.domain.diagnosis.truths import truths
from upgrader.domain.installation.configuration import Configuration
from upgrader.domain.installation.facts import Installation
from upgrader.domain.outcome import Outcome, Status
from upgrader.domain.pairing.observation import Observation
from upgrader.domain.pairing.rules import PairingRules
from upgrader.domain.pairing.sighting import LogEvent, condense
from upgrader.domain.ports import Clock, Discovery, Observer, Progress
from upgrader.domain.version import Version
from upgrader.errors import Blocked, UpgraderError, UsageError

_SPAN = timedelta(hours=24)
_DAYS = 2  # log files are one a day


@dataclass(frozen=True)
class LogLore:
    """What is known of OpenClaw's logs: where they lie, their archives, and what a line means."""

    paths: Callable[[Path | None, str, int, tuple[date, ...]], tuple[Path, ...]]
    archives: Callable[[Path], tuple[Path, ...]]
    events: Callable[[Iterable[bytes], datetime], Iterator[LogEvent]]


@dataclass(frozen=True)
class SceneGatherer:
    """The probes of a diagnosis, each of which only looks."""

    observer: Observer
    judge: Callable[[Observation, Version], tuple[Judgement, ...]]
    rules: Callable[[Version], PairingRules]
    configuration: Callable[[Installation], Configuration]
    services: ServiceProbe
    machine: MachineProbe
    state: StateProbe
    gateways: RunningProbe
    providers: LoginsProbe
    lines: LineReader
    lore: LogLore
    places: Callable[[Installation], Places]
    clock: Clock
    known_schema: int
    open_repair: Callable[[Installation], str]
    open_move: Callable[[Installation], str]
    manager: ManagerProbe

    def gather(self, installation: Installation) -> Scene:
        """One look at everything. Raises ConfigInvalid."""
        configuration = self.configuration(installation)
        seen = self.observer.observe(installation)
        version = installation.package.version
        return Scene(
            installation=installation,
            observation=seen,
            rules=self.rules(version),
            judgements=self.judge(seen, version),
            places=self.places(installation),
            client=self.machine.client(installation),
            policy=configuration.policy,
            service=self.services.service(installation),
            neighbours=self.services.neighbours(installation),
            listeners=self.machine.listeners(installation.port) if not installation.gateways else (),
            locks=(*self.machine.locks(installation), *self.state.owners(installation)),
            container=self.machine.container(installation),
            process_tokens=self.machine.process_tokens(installation),
            sightings=condense(self._events(installation, configuration, seen)),
            files=self.state.files(installation),
            dates=self.state.dates(installation),
            sessions=self.state.sessions(installation),
            known_schema=self.known_schema,
            token_in=self.state.token_in(installation, configuration),
            running=self.gateways.running(installation),
            logins=self.providers.logins(installation),
            open_repair=self.open_repair(installation),
            open_move=self.open_move(installation),
            manager=self.manager.manager(installation),
        )

    def log_files(self, installation: Installation, configuration: Configuration) -> tuple[Path, ...]:
        """The log files of the last days, oldest first, each after its archives."""
        days = tuple(timedelta(days=-back) for back in range(_DAYS - 1, -1, -1))
        found = self._paths(installation, configuration, days)
        return tuple(dict.fromkeys(path for each in found for path in self.lore.archives(each)))

    def growing_logs(self, installation: Installation) -> tuple[Path, ...]:
        """The files that lines may still be appended to, tomorrow's among them. Raises ConfigInvalid."""
        days = (timedelta(), timedelta(days=1))
        return tuple(dict.fromkeys(self._paths(installation, self.configuration(installation), days)))

    def _paths(self, found: Installation, configuration: Configuration, days: tuple[timedelta, ...]) -> tuple[Path, ...]:
        today = self.clock.now().astimezone().date()
        dates = tuple(today + each for each in days)
        return self.lore.paths(configuration.log_file, found.profile, found.state.owner_uid, dates)

    def since(self, installation: Installation) -> datetime:
        """What counts: since the running gateway's start, at most a day."""
        earliest = self.clock.now() - _SPAN
        started = [datetime.fromtimestamp(g.identity.started, UTC) for g in installation.gateways]
        return max(earliest, min(started)) if started else earliest

    def _events(self, installation: Installation, configuration: Configuration, seen: Observation) -> Iterator[LogEvent]:
        """The default log is shared by all gateways of a user: there only lines about devices known here count."""
        store = seen.store
        known = {d.device_id for d in store.paired} | {r.device_id for r in store.pending}
        known |= {store.own.device_id} if store.own else set()
        lines = self.lines.lines(self.log_files(installation, configuration))
        for event in self.lore.events(lines, self.since(installation)):
            if configuration.log_file is not None or event.device in known:
                yield event


@dataclass(frozen=True)
class Diagnose:
    """`upgrader diagnose`."""

    discovery: Discovery
    gatherer: SceneGatherer
    progress: Progress

    def run(self) -> Outcome[DiagnosisData]:
        """0 nothing is wrong, 3 a cause was found that breaks something now or will. Raises UsageError."""
        try:
            with self.progress.step("looking at files, processes, the log and the gateway"):
                installation = self.discovery.find()
                scene = self.gatherer.gather(installation)
        except UsageError:
            raise
        except UpgraderError as error:
            return outcome_of(DiagnosisData("", running=False, causes=(cause_of(error),), unread=("everything else",)))
        return outcome_of(diagnosis(scene))


def diagnosis(scene: Scene) -> DiagnosisData:
    """Judge a scene: pure."""
    return DiagnosisData(
        version=str(scene.installation.package.version),
        running=scene.installation.is_running,
        causes=find_causes(scene),
        clients=client_lines(scene.observation, scene.rules),
        truths=truths(scene),
        sightings=scene.sightings[:20],
    )


def outcome_of(data: DiagnosisData) -> Outcome[DiagnosisData]:
    """Exit 3 where a cause breaks something, by the table of exit codes: a check failed."""
    if broken(data.causes):
        return Outcome("diagnose", data, Status.FAILED, Blocked.exit_code)
    return Outcome("diagnose", data)


def cause_of(error: UpgraderError) -> Cause:
    """What kept the diagnosis from finding an installation is the first cause itself."""
    remedy = error.hint or "`upgrader status`"
    evidence = (error.why,) if error.why else ()
    return Cause(error.code, error.message, Likelihood.CERTAIN, Impact.NOW, evidence, remedy, Nature.SERVICE)
