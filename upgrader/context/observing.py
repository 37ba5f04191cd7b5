"""Joins the observation: what reads pairing data, connects, calls and logs, on a live gateway and on a clone."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import cast

from upgrader.adapters.databases.read_only import ReadOnlyDatabases
from upgrader.adapters.gateway.conversation import GatewaySocket
from upgrader.adapters.gateway.http_probe import LoopbackHttp
from upgrader.adapters.place.seal import LinuxPlace
from upgrader.adapters.probes.config_file import ConfigFile
from upgrader.adapters.probes.observed_files import LogFiles, StateFiles
from upgrader.context.kept_config import read_snapshot_config
from upgrader.context.machine import Machine
from upgrader.domain.canary.enclosure import Place, Site
from upgrader.domain.canary.report import CanaryRequest
from upgrader.domain.check import Judgement
from upgrader.domain.checks import live
from upgrader.domain.installation.configuration import Configuration
from upgrader.domain.installation.facts import AuthFacts, Installation
from upgrader.domain.installation.selection import Location
from upgrader.domain.pairing.live import LiveReport
from upgrader.domain.pairing.observation import Observation
from upgrader.domain.ports import Progress
from upgrader.domain.version import Version
from upgrader.operations.canary.asking import CloneAsker
from upgrader.operations.canary.pairing import ClonePairing
from upgrader.operations.diagnosis.live_turn import ChecksWithTurn, TurnWords
from upgrader.operations.diagnosis.observe import GatewayObserver, Senses
from upgrader.operations.diagnosis.pairing_store import StoreReader
from upgrader.operations.diagnosis.verify import LiveChecks
from upgrader.services.openclaw.canary import clone_runs, clone_secrets
from upgrader.services.openclaw.commands import openclaw_argv, openclaw_environment
from upgrader.services.openclaw.configuration import config
from upgrader.services.openclaw.gateway import live_turn
from upgrader.services.openclaw.knowledge import OpenClawKnowledge

KNOWLEDGE = OpenClawKnowledge()
_ON_A_CLONE = timedelta(minutes=2)  # a large state on a busy machine answers late, and nobody waits for it


def live_checks(machine: Machine) -> LiveChecks:
    """The list of live checks on this machine."""
    observer = GatewayObserver(
        senses=Senses(
            reader=_reader(),
            sockets=GatewaySocket(),
            http=LoopbackHttp(),
            logs=LogFiles(),
            runner=machine.runner,
            clock=machine.clock,
            knowledge=KNOWLEDGE,
        ),
        configuration=lambda found: configuration_of(machine, found),
        argv=openclaw_argv,
        environment=lambda found: openclaw_environment(machine.environment, found),
    )
    return LiveChecks(observer, judge)


def checks_with_turn(machine: Machine, progress: Progress) -> ChecksWithTurn:
    """The live checks and one real turn of the default agent."""

    def arguments(found: Installation) -> tuple[str, ...]:
        agents = configuration_of(machine, found).agents
        return live_turn.arguments(agents[0].id if agents else "main")

    return ChecksWithTurn(
        checks=live_checks(machine),
        runner=machine.runner,
        words=TurnWords(
            arguments=arguments,
            limit=timedelta(seconds=live_turn.SECONDS + 60),
            ran_embedded=clone_runs.ran_embedded,
            is_passing=clone_runs.is_passing,
            redacted=KNOWLEDGE.redacted,
        ),
        argv=openclaw_argv,
        environment=lambda found: openclaw_environment(machine.environment, found),
        progress=progress,
        clock=machine.clock,
    )


def judge(seen: Observation, version: Version) -> tuple[Judgement, ...]:
    """All judgements of one observation by the rules of that release."""
    return live.judge(seen, KNOWLEDGE.rules(version))


def compare(before: LiveReport, after: LiveReport) -> tuple[Judgement, ...]:
    """What changed between two looks, by the rules of the release of the second."""
    rules = KNOWLEDGE.rules(after.observation.version)
    return live.compare(before.observation, after.observation, rules)


def pairing_probe(machine: Machine) -> ClonePairing:
    """The pairing probe of a canary: it dials into the canary's own place."""
    return ClonePairing(
        reader=_reader(),
        sockets=lambda place: GatewaySocket(_linux(place).dial, _ON_A_CLONE),
        auth=_auth_of_clone,
        knowledge=KNOWLEDGE,
        clock=machine.clock,
    )


def turn_asker() -> CloneAsker:
    """Asks for turns in a canary's own place."""
    return CloneAsker(
        sockets=lambda place, limit: GatewaySocket(_linux(place).dial, limit),
        auth=_auth_of_clone,
        lore=KNOWLEDGE,
    )


def configuration_of(machine: Machine, found: Installation) -> Configuration:
    """The configuration of an installation, read anew. Raises ConfigInvalid."""
    location = Location(found.home, found.profile, found.state.path, found.state.config)
    return _config_file().read(location, machine.environment)


def _auth_of_clone(request: CanaryRequest, site: Site) -> AuthFacts:
    """The gateway auth of the clone: that of the source, another one where nothing seals it or where that is not known."""
    name = request.installation.state.config.name
    location = Location(site.home, request.installation.profile, site.state, site.state / name)
    given = clone_secrets.auth_environment(read_snapshot_config(request), request.installation.auth)
    return _config_file().read(location, given).auth


def _config_file() -> ConfigFile:
    return ConfigFile(config.read_configuration, config.without_configuration)


def _reader() -> StoreReader:
    return StoreReader(ReadOnlyDatabases(Path(tempfile.gettempdir())), StateFiles(), KNOWLEDGE)


def _linux(place: Place) -> LinuxPlace:
    return cast(LinuxPlace, place)
