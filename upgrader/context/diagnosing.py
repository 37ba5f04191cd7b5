"""Joins the diagnosis: its probes over this machine, and what is known of OpenClaw."""

import pwd
import tempfile
from collections.abc import Mapping
from pathlib import Path

from upgrader.adapters.databases.read_only import ReadOnlyDatabases
from upgrader.adapters.probes.log_lines import LogLines
from upgrader.adapters.probes.logins import ProfilesProbe
from upgrader.adapters.probes.machine import ShellProbe
from upgrader.adapters.probes.observed_files import StateFiles
from upgrader.adapters.probes.running import GatewaysProbe
from upgrader.adapters.probes.service import UnitFilesProbe
from upgrader.adapters.probes.state import PairingFilesProbe
from upgrader.adapters.supervisors.systemctl import session_environment
from upgrader.adapters.supervisors.unit_manager import UnitManagerProbe
from upgrader.context.choices import Options
from upgrader.context.finding import finder
from upgrader.context.keeping import Keeping, open_records
from upgrader.context.machine import Machine
from upgrader.context.observing import KNOWLEDGE, configuration_of, judge, live_checks
from upgrader.context.unfinished import open_move
from upgrader.domain.installation.facts import Installation
from upgrader.domain.installation.selection import Selection
from upgrader.domain.kept.snapshot import Snapshot
from upgrader.domain.ports import Progress
from upgrader.operations.diagnosis.diagnose import Diagnose, LogLore, SceneGatherer
from upgrader.services.openclaw import auth_profiles, scene_facts
from upgrader.services.openclaw.logs import log_events, signatures
from upgrader.services.openclaw.pairing import pairing_data
from upgrader.services.openclaw.places import locations
from upgrader.services.openclaw.service import service_seen, units


def diagnose(machine: Machine, options: Options, progress: Progress) -> Diagnose:
    """`upgrader diagnose`."""
    return Diagnose(finder(machine, options), gatherer(machine, options), progress)


def gatherer(machine: Machine, options: Options) -> SceneGatherer:
    """All probes."""
    return SceneGatherer(
        observer=live_checks(machine).observer,
        judge=judge,
        rules=KNOWLEDGE.rules,
        configuration=lambda found: configuration_of(machine, found),
        services=UnitFilesProbe(
            machine.account_home,
            units.unit_path(machine.account_home, "").parent,
            service_seen,
            service_seen.version_of,
        ),
        machine=_shell(machine, options),
        state=_state(),
        gateways=GatewaysProbe(machine.processes, _selected, user_name),
        providers=_providers(machine),
        lines=LogLines(),
        lore=LogLore(signatures.log_paths, log_events.archives, log_events.events),
        places=lambda found: scene_facts.places(found.state.era),
        clock=machine.clock,
        known_schema=scene_facts.KNOWN_SCHEMA,
        open_repair=lambda found: next(iter(open_records(Keeping(machine, found).home)), ""),
        open_move=lambda found: open_move(Keeping(machine, found)),
        manager=UnitManagerProbe(
            machine.runner,
            session_environment(machine.uid, machine.account_home, machine.environment),
            user_name(machine.uid),
        ),
    )


def _shell(machine: Machine, options: Options) -> ShellProbe:
    def places() -> tuple[str, str, str]:
        location = locations.locate(machine.selection(options), Path.exists)
        return str(location.state.resolve()), str(location.config.resolve()), location.profile

    temporary = (Path("/tmp"), Path(machine.environment.get("TMPDIR") or "/tmp"))
    return ShellProbe(
        environment=machine.environment,
        table=machine.processes,
        token_name=service_seen.TOKEN,
        bind_name=service_seen.BIND,
        lock_patterns=lambda uid, state, config: scene_facts.lock_patterns(uid, state, config, temporary),
        lock_owner=scene_facts.lock_owner,
        client_places=places,
        version_of=service_seen.version_of,
        user=user_name(machine.uid),
    )


def _selected(environment: Mapping[str, str]) -> tuple[str, str, str]:
    """State, configuration and profile that a process of this environment works on."""
    home = Path(environment.get("HOME", "/"))
    location = locations.locate(Selection(environment=environment, account_home=home, directory=home), Path.exists)
    return str(location.state.resolve()), str(location.config.resolve()), location.profile


def _state() -> PairingFilesProbe:
    return PairingFilesProbe(
        databases=ReadOnlyDatabases(Path(tempfile.gettempdir())),
        small=StateFiles(),
        names=scene_facts.PAIRING_FILES,
        database=KNOWLEDGE.database,
        paired=pairing_data.PAIRED_FILE,
        dates_query=scene_facts.DATES_QUERY,
        records_in=scene_facts.records_in,
        of_rows=scene_facts.dates_of_rows,
        of_file=scene_facts.dates_of_file,
        owners_query=scene_facts.OWNERS_QUERY,
        owner_in=scene_facts.owner_in,
        session_folders=scene_facts.SESSION_FOLDERS,
        session_index=scene_facts.SESSION_INDEX,
    )


def _providers(machine: Machine) -> ProfilesProbe:
    def newest(found: Installation) -> Snapshot | None:
        kept = Keeping(machine, found).snapshot_shelf.list()
        return kept[-1] if kept else None

    return ProfilesProbe(
        databases=ReadOnlyDatabases(Path(tempfile.gettempdir())),
        small=StateFiles(),
        file=auth_profiles.FILE,
        database=auth_profiles.DATABASE,
        queries=auth_profiles.QUERIES,
        read=auth_profiles.logins,
        newest=newest,
    )


def user_name(uid: int) -> str:
    """The account's name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
