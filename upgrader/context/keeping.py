"""Joins what is kept: slots, Node, snapshots, journals, locks, the registry and the plan over them."""

import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path

from upgrader import __version__
from upgrader.adapters import table_toml
from upgrader.adapters.journal_file import Journals
from upgrader.adapters.node_packages import NodePackages
from upgrader.adapters.node_runtime import NodeStore
from upgrader.adapters.npmrc import ask_npm, default_places, read_settings
from upgrader.adapters.registry import NpmRegistry, Sourcing
from upgrader.adapters.registry_cache import RegistryCache
from upgrader.adapters.rooms import DiskRooms
from upgrader.adapters.slots import Releases, SlotStore
from upgrader.adapters.snapshots import FileSnapshots
from upgrader.context.choices import Reach
from upgrader.context.machine import Machine
from upgrader.domain.facts import Installation, NodeRuntime, SupervisorKind
from upgrader.domain.ports import Discovery
from upgrader.operations.plan import PlanOperation
from upgrader.operations.status import Records
from upgrader.services.openclaw import installing, paths, releases

PRIVATE_NODE = "24.16.0"  # the least Node of the packages a slot may be given; it runs every release there is


@dataclass(frozen=True)
class Keeping:
    """What is kept for one installation. `home` is `<data>/installations/<key>`, private."""

    machine: Machine
    installation: Installation

    @property
    def home(self) -> Path:
        """The folder of this installation, named by the canonical state directory."""
        return installation_home(self.machine, self.installation.state.path)

    @property
    def locks(self) -> tuple[Path, ...]:
        """One lock for the state, one for the package, taken in that order."""
        package = hashlib.sha256(str(self.installation.package.pointer).encode()).hexdigest()[:12]
        return (self.home / "lock", self.machine.data / "locks" / f"package-{package}.lock")

    def slots(self) -> SlotStore:
        """The retained installs of this machine."""
        return slot_store(self.machine, self.installation.node)

    def snapshots(self) -> FileSnapshots:
        """The snapshots of this installation."""
        era = self.installation.state.era
        return FileSnapshots(self.home, lambda path: paths.classify(era, path), self.machine.clock)

    def journals(self) -> Journals:
        """The moves of this installation."""
        return Journals(self.home / "journal")

    def records(self) -> Records:
        """All three, for `status`."""
        return Records(self.slots(), self.snapshots(), self.journals())


def installation_home(machine: Machine, state: Path) -> Path:
    """Where everything of one installation lies: a key of the canonical state directory, which survives upgrades."""
    return machine.data / "installations" / hashlib.sha256(str(state).encode()).hexdigest()[:12]


def slot_store(machine: Machine, node: NodeRuntime | None) -> SlotStore:
    """The slots below the data directory; `node` is the one that runs the installation, where there is one."""
    return SlotStore(
        machine.data,
        machine.runner,
        machine.environment,
        machine.clock,
        node_store(machine, node),
        Releases(installing.recipe, installing.read_package),
    )


def node_store(machine: Machine, node: NodeRuntime | None) -> NodeStore:
    """The Node binaries we keep."""
    packages = NodePackages(machine.runner, machine.environment, machine.python, node, machine.data / "nodes")
    return NodeStore(machine.data, machine.runner, packages)


def registry(machine: Machine, node: NodeRuntime | None, prefix: Path | None, reach: Reach) -> NpmRegistry:
    """The package registry, reached as npm itself is configured to. Raises RegistryUnconfigured."""
    packages = NodePackages(machine.runner, machine.environment, machine.python, node, machine.data / "nodes")
    said = None
    for program in packages.npms():
        usual = packages.usual_node(program)
        if usual is not None:
            said = ask_npm(machine.runner, (str(usual.path), str(program.script)), machine.environment)
            break
    home = Path(machine.environment.get("HOME") or machine.account_home)
    settings = read_settings(machine.environment, default_places(machine.environment, home, prefix), said)
    sourcing = Sourcing.CACHE_ONLY if reach is Reach.OFFLINE else Sourcing.NETWORK
    cache = RegistryCache(machine.cache / "registry", settings.registry)
    return NpmRegistry(releases.PACKAGE, settings, cache, machine.clock, sourcing, f"openclaw-upgrader/{__version__}")


def planning(machine: Machine, found: Discovery, keeping: Keeping, reach: Reach) -> PlanOperation:
    """The plan over what is kept and what the registry says."""
    return PlanOperation(
        discovery=found,
        registry=registry(machine, keeping.installation.node, keeping.installation.package.prefix, reach),
        slots=keeping.slots(),
        snapshots=keeping.snapshots(),
        rooms=DiskRooms(machine.data),
        clock=machine.clock,
        table=table_toml.load,
        reach=releases.reach,
        system=_system(),
        private_node=PRIVATE_NODE,
        supervisors=frozenset(SupervisorKind),
    )


def _system() -> str:
    """linux, wsl, darwin or windows, as the conditions of the table name them."""
    name = platform.system().lower()
    if name == "linux" and "microsoft" in platform.release().lower():
        return "wsl"
    return {"darwin": "macos"}.get(name, name)
