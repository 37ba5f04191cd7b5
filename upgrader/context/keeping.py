"""Joins what is kept: slots, Node, snapshots, journals, locks. What only a move needs is loaded by those who move."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from upgrader.adapters.kept.slot_shelf import SlotShelf
from upgrader.adapters.kept.snapshot_shelf import SnapshotShelf
from upgrader.adapters.moves.open_marks import OpenMarks, beside_package, beside_state
from upgrader.context.machine import Machine
from upgrader.domain.installation.facts import Installation, NodeRuntime

if TYPE_CHECKING:
    from upgrader.adapters.kept.slots import SlotStore
    from upgrader.adapters.kept.snapshots import FileSnapshots
    from upgrader.adapters.moves.journal_file import Journals
    from upgrader.adapters.node.runtime import NodeStore
    from upgrader.domain.canary.held import HeldCanary
    from upgrader.operations.status import Records


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

    @property
    def shelf(self) -> SlotShelf:
        """Which retained installs there are."""
        return SlotShelf(self.machine.data)

    @property
    def snapshot_shelf(self) -> SnapshotShelf:
        """Which snapshots of this installation there are."""
        return SnapshotShelf(self.home)

    @property
    def canaries(self) -> Path:
        """Where canaries of this installation have their directories."""
        return self.home / "canaries"

    def held(self) -> "tuple[HeldCanary, ...]":
        """The canaries that were left running."""
        from upgrader.adapters.place.held import living

        return living(self.canaries)

    def open_notes(self) -> tuple[str, ...]:
        """A word on a move that has not ended, for what only looks: by its marks, which cost a look each."""
        if not any(place.exists() for place in self.marks.places):
            return ()
        return ("a move has not ended, and this is how it looks in its middle; `upgrader status` ends one that was killed",)

    def slots(self) -> "SlotStore":
        """The retained installs of this machine."""
        return slot_store(self.machine, self.installation.node)

    def snapshots(self) -> "FileSnapshots":
        """The snapshots of this installation."""
        from upgrader.adapters.kept.snapshots import FileSnapshots
        from upgrader.services.openclaw.places import paths

        era = self.installation.state.era
        return FileSnapshots(self.home, lambda path: paths.classify(era, path), self.machine.clock)

    def journals(self) -> "Journals":
        """The moves of this installation."""
        from upgrader.adapters.moves.journal_file import Journals  # pydantic

        return Journals(self.home / "journal", self.marks.put)

    @property
    def marks(self) -> OpenMarks:
        """What tells a run with another data directory, or about another state of this package, of one that has not ended."""
        state, pointer = self.installation.state.path, self.installation.package.pointer
        return OpenMarks(self.machine.data.resolve(), state, (beside_state(state), beside_package(pointer)))

    def mark_repair(self, records: Path) -> None:
        """The same for a repair: it leaves the package alone, and may work where nothing can be written beside the state; then
        only runs with this data directory know of it."""
        with suppress(OSError):
            replace(self.marks, places=self.marks.places[:1]).put(records)

    def records(self) -> "Records":
        """All three, for `status`."""
        from upgrader.operations.status import Records

        return Records(self.slots(), self.snapshots(), self.journals())


def open_records(home: Path) -> tuple[str, ...]:
    """The records of a repair that has not ended: it is at work, or it died."""
    places = (home / name for name in ("outage.json", "repair.json"))
    return tuple(str(place) for place in places if place.exists())


def installation_home(machine: Machine, state: Path) -> Path:
    """Where everything of one installation lies: a key of the canonical state directory, which survives upgrades."""
    return machine.data / "installations" / hashlib.sha256(str(state).encode()).hexdigest()[:12]


def left_open(machine: Machine, state: Path) -> Installation | None:
    """The installation as an unfinished move on this state found it, None where none is open. Raises JournalDamaged."""
    from upgrader.adapters.moves.journal_file import Journals  # pydantic

    journal = Journals(installation_home(machine, state.resolve()) / "journal").open_run()
    return journal.opened().installation if journal is not None else None


def slot_store(machine: Machine, node: NodeRuntime | None) -> "SlotStore":
    """The slots below the data directory; `node` is the one that runs the installation, where there is one."""
    from upgrader.adapters.kept.slots import Releases, SlotStore
    from upgrader.services.openclaw import installing

    return SlotStore(
        machine.data,
        machine.runner,
        machine.environment,
        machine.clock,
        node_store(machine, node),
        Releases(installing.recipe, installing.read_package),
    )


def node_store(machine: Machine, node: NodeRuntime | None) -> "NodeStore":
    """The Node binaries we keep."""
    from upgrader.adapters.node.packages import NodePackages
    from upgrader.adapters.node.runtime import NodeStore

    packages = NodePackages(machine.runner, machine.environment, machine.python, node, machine.data / "nodes")
    return NodeStore(machine.data, machine.runner, packages)
