"""Joins the canary: clones, places, what is known of a course, and the pairing probe inside it."""

import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from upgrader.adapters.canary.clones import CloneSubjects, StateClones
from upgrader.adapters.canary.compiled import CompiledCode
from upgrader.adapters.canary.proofs import FileProofs
from upgrader.adapters.canary.stub_model import MODEL_ID
from upgrader.adapters.clock import SystemClock
from upgrader.adapters.decisions.canary_toml import read_canary_settings
from upgrader.adapters.place.seal import LinuxPlaces
from upgrader.adapters.probes.observed_files import LogFiles
from upgrader.adapters.processes.memory import memory_of_tree
from upgrader.adapters.processes.tcp_ports import free_port
from upgrader.adapters.settling.settler import Settler
from upgrader.context.keeping import Keeping
from upgrader.context.kept_config import read_snapshot_config
from upgrader.context.machine import Machine
from upgrader.context.observing import pairing_probe, turn_asker
from upgrader.domain.canary.report import CanaryRequest
from upgrader.domain.installation.facts import Installation
from upgrader.domain.kept.pathclass import in_snapshot
from upgrader.domain.moves.settle import SettleReport
from upgrader.domain.ports import Progress
from upgrader.operations.canary.kept import KeepingCanary, RememberingCanary
from upgrader.operations.canary.proof import CloneCanary
from upgrader.operations.canary.tools import CourseTools
from upgrader.services.openclaw.canary import clone_runs, contents, lore
from upgrader.services.openclaw.logs import signatures
from upgrader.services.openclaw.places import effects, locks, paths, sameness

CLONE_SUBJECTS = CloneSubjects(
    clone_runs.PAIRING_FILES,
    clone_runs.PAIRING_TABLES,
    paths.STATE_DATABASE,
    paths.AGENT_DATABASES,
    clone_runs.policy_views,
    contents.RULES,
    locks.left_outside,
)
_LONGEST_START = timedelta(hours=1)  # a line of later tells of something else


@dataclass(frozen=True)
class Proving:
    """Everything a canary of one installation needs."""

    machine: Machine
    keeping: Keeping
    progress: Progress

    def remembering(self) -> RememberingCanary:
        """The canary of an upgrade: a proof of the same slot on the same state is taken again."""
        return RememberingCanary(self.keeping_word(), self._places())

    def keeping_word(self) -> KeepingCanary:
        """The canary that always runs; its word is kept."""
        settings = read_canary_settings(self.machine.config)
        kept = self.keeping.home / "proofs"
        proofs = FileProofs(kept, sameness.EXCLUSIONS, self.machine.clock, settings, own_code)
        return KeepingCanary(self.canaries(), proofs)

    def sweep(self) -> tuple[Path, ...]:
        """Remove what dead canaries left, processes first; one that is kept running is left alone."""
        return self._clones().sweep()

    def _clones(self) -> StateClones:
        era = self.keeping.installation.state.era
        root = self.keeping.canaries
        return StateClones(root, CLONE_SUBJECTS, lambda path: in_snapshot(paths.classify(era, path)))

    def _places(self) -> LinuxPlaces:
        # Among the canaries: what a killed trial leaves is swept like theirs.
        return LinuxPlaces(self.machine.runner, self.keeping.canaries / f"trial-{os.getpid()}")

    def canaries(self) -> CloneCanary:
        """The canary. Raises CanarySettingsInvalid."""
        return CloneCanary(self.tools(), wish=read_canary_settings(self.machine.config).budgets)

    def tools(self) -> CourseTools:
        """What its courses are made with. Raises CanarySettingsInvalid."""
        compiled = CompiledCode(_live_temporary(self.machine), self.machine.uid)
        return CourseTools(
            clones=self._clones(),
            places=self._places(),
            pairing=pairing_probe(self.machine),
            asker=turn_asker(),
            lore=lore,
            clock=self.machine.clock,
            progress=self.progress,
            nonce=lambda: secrets.token_hex(6),
            free_port=lambda: free_port(clone_runs.DERIVED_PORTS, apart_from=(self.keeping.installation.port,)),
            read_config=read_snapshot_config,
            model_id=MODEL_ID,
            live_memory=live_memory,
            live_listening=live_listening,
            hand_on=compiled.hand_on,
            lend=compiled.lend,
            own_probes=read_canary_settings(self.machine.config).probes,
            settle=settle_clone,
        )


def _live_temporary(machine: Machine) -> Path:
    """Where Node keeps what it compiled: the temporary directory of the environment OpenClaw is started with."""
    return Path(machine.environment.get("TMPDIR") or "/tmp")


def live_listening(installation: Installation) -> float | None:
    """Seconds from the start of the gateway that runs now until it listened, by its log; None when nothing tells."""
    gateway = next(iter(installation.gateways), None)
    if gateway is None:
        return None
    began = datetime.fromtimestamp(gateway.identity.started, UTC)
    days = (began.astimezone().date(), (began + _LONGEST_START).astimezone().date())
    owner, profile = installation.state.owner_uid, installation.profile
    paths = signatures.log_paths(installation.log_file, profile, owner, tuple(dict.fromkeys(days)))
    for path in paths:
        listened = lore.listening_since(LogFiles().tail(path).raw, began)
        if listened is not None and listened - began < _LONGEST_START:
            return (listened - began).total_seconds()
    return None


def live_memory(installation: Installation) -> int | None:
    """Bytes of the gateway that runs now and all it started; None when none runs."""
    return sum(memory_of_tree(g.identity) for g in installation.gateways) or None


def own_code(request: CanaryRequest) -> tuple[Path, ...]:
    """Where plugins and skills lie that the configuration of a snapshot names."""
    return lore.code_paths(read_snapshot_config(request), request.installation.home)


def settle_clone(incoming: Path, outgoing: Path, workspaces: tuple[Path, ...]) -> SettleReport:
    """What a rollback settles, done on clones; its record lies beside the clone and goes with it."""
    return Settler(incoming.parent / "settling", effects.KNOWLEDGE, SystemClock()).settle(incoming, outgoing, workspaces)
