"""Joins the discovery."""

from dataclasses import dataclass
from pathlib import Path

from upgrader.adapters.node.binary import NodeBinaries
from upgrader.adapters.probes.config_file import ConfigFile
from upgrader.adapters.probes.packages import PackageTrees
from upgrader.adapters.probes.state_facts import StateFacts
from upgrader.adapters.probes.unit_reader import UnitReader
from upgrader.adapters.processes.account import SystemAccounts, is_there
from upgrader.context.asking import NODE_VERSIONS
from upgrader.context.choices import Options
from upgrader.context.machine import Machine
from upgrader.domain.installation.facts import Installation
from upgrader.domain.installation.selection import Selection
from upgrader.operations.discover import Discover
from upgrader.services.openclaw import installing, layout
from upgrader.services.openclaw.configuration import config, config_text
from upgrader.services.openclaw.places import install_places, paths
from upgrader.services.openclaw.service import units


@dataclass(frozen=True)
class Finder:
    """Port Discovery: the installation a selection means, looked at anew each time."""

    discover: Discover
    selection: Selection

    def find(self) -> Installation:
        """As it stands now. Raises what Discover.find raises."""
        return self.discover.find(self.selection)

    @property
    def state(self) -> Path:
        """The state directory that is meant, whatever may be wrong with it. Raises UsageError."""
        return self.discover.layout.locate(self.selection, None).state


@dataclass(frozen=True)
class Found:
    """Port Discovery where the look was taken already and nothing has happened since."""

    installation: Installation

    def find(self) -> Installation:
        """As it stood."""
        return self.installation


def finder(machine: Machine, options: Options) -> Finder:
    """The installation that the options of this run mean."""
    return Finder(discovery(machine), machine.selection(options))


def discovery(machine: Machine) -> Discover:
    """The discovery over this machine."""
    slots = machine.data / "slots"
    return Discover(
        layout=layout.OpenClawLayout(is_there),
        installs=PackageTrees(
            install_places.places,
            installing.read_package,
            lambda facts, selection, location: install_places.kind_of(facts, selection, location, slots),
            install_places.prefix_of,
        ),
        nodes=NodeBinaries(machine.runner, machine.cache / NODE_VERSIONS),
        configurations=ConfigFile(config.read_configuration, config.without_configuration),
        states=StateFacts(paths.STATE_DATABASE, paths.AGENT_DATABASES, layout.era_of),
        units=UnitReader(units.read_unit, config_text.parse_dotenv),
        table=machine.processes,
        accounts=SystemAccounts(".openclaw"),
        is_slot=lambda root: root.is_relative_to(slots.resolve()),
    )
