"""A canary over a disposable machine: real clones, real places, real processes; the packages are stand-ins."""

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.world.installations import installation_on, installed_at, state_at
from tests.world.world import World
from upgrader.adapters.canary.clone_databases import schema_of
from upgrader.adapters.canary.clones import StateClones
from upgrader.adapters.canary.compiled import CompiledCode
from upgrader.adapters.files.trees import copy_tree
from upgrader.adapters.place.seal import LinuxPlaces
from upgrader.adapters.processes.children import ProcessRunner
from upgrader.context.keeping import Keeping
from upgrader.context.machine import Machine
from upgrader.context.proving import CLONE_SUBJECTS, Proving, settle_clone
from upgrader.domain.canary.clone import Clone, ClonePlan
from upgrader.domain.canary.contents import Contents
from upgrader.domain.canary.course import Budgets, Until
from upgrader.domain.canary.own_probes import OwnProbe
from upgrader.domain.canary.report import CanaryReport, CanaryRequest, CanaryRun, Extra, Seal
from upgrader.domain.check import Judgement
from upgrader.domain.installation.facts import AuthFacts, Installation, NodeRuntime, PairingEra
from upgrader.domain.kept.slot import Slot, SlotOrigin
from upgrader.domain.kept.snapshot import Moment, Snapshot
from upgrader.domain.moves.settle import SettleReport
from upgrader.domain.secret import Secret
from upgrader.domain.version import Version
from upgrader.operations.canary.proof import CloneCanary
from upgrader.operations.canary.tools import CourseTools
from upgrader.services.openclaw.places import paths


class Unsealed(LinuxPlaces):
    """A machine whose kernel permits no namespaces."""

    def seal(self) -> Seal:
        """What trying finds on such a machine."""
        return Seal.UNSEALED

    def why_unsealed(self) -> str:
        """The step it fails at there."""
        return "unshare: errno 1"


class Told:
    """Progress that is only kept."""

    def __init__(self) -> None:
        self.told: list[str] = []

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Do it."""
        self.told.append(text)
        yield

    def note(self, text: str) -> None:
        """Keep it."""
        self.told.append(text)


@dataclass
class Spoilt:
    """Clones that another process changes between the copy and the first look: `spoil(state directory)`."""

    clones: StateClones
    spoil: Callable[[Path], None]

    def directory(self) -> AbstractContextManager[Path]:
        """As it is."""
        return self.clones.directory()

    def sweep(self) -> tuple[Path, ...]:
        """As it is."""
        return self.clones.sweep()

    def blank(self, config_name: str, data: bytes) -> AbstractContextManager[Path]:
        """As it is."""
        return self.clones.blank(config_name, data)

    def schema(self, state: Path) -> int | None:
        """As it is."""
        return self.clones.schema(state)

    def contents(self, state: Path, config_name: str, package: Path) -> Contents:
        """As it is."""
        return self.clones.contents(state, config_name, package)

    def mentions(self, state: Path, words: tuple[str, ...], since: float) -> frozenset[str]:
        """As it is."""
        return self.clones.mentions(state, words, since)

    def make(self, tree: Path, state: Path, plan: ClonePlan, config_name: str, source: Mapping[str, object]) -> Clone:
        """Made as always, then spoilt, then compared as always."""
        clone = self.clones.make(tree, state, plan, config_name, source)
        self.spoil(state)
        return replace(clone, likeness=self.clones.compare(tree, state, plan, config_name, source))


def slot(package: Path, version: str, node: Path) -> Slot:
    """A package on disk as a slot."""
    return Slot(version, Version(version), SlotOrigin.STAGED, package.resolve(), NodeRuntime(node, "24"), digest="")


@dataclass
class Bench:
    """One machine and what is tried on it."""

    world: World
    root: Path
    sealed: Seal = Seal.SEALED
    spoil: Callable[[Path], None] | None = None
    kind: type[LinuxPlaces] = LinuxPlaces
    budgets: Budgets | None = None
    probes: tuple[OwnProbe, ...] = ()
    settle: Callable[[Path, Path, tuple[Path, ...]], SettleReport] = settle_clone
    snapshot_tree: Path = field(init=False)
    controls: dict[tuple[str, str, str, Until], CanaryRun] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root.mkdir(mode=0o700, exist_ok=True)
        self.snapshot_tree = self.root / "snapshot"

    def places(self) -> LinuxPlaces:
        """The places this machine permits, or only those without walls."""
        kind = self.kind if self.sealed is Seal.SEALED else Unsealed
        return kind(ProcessRunner({}), self.root / "trial")

    def take_snapshot(self) -> None:
        """The state as it is now; databases as complete single files."""
        live = self.world.state.resolve()
        copy_tree(live, self.snapshot_tree, lambda path: not path.startswith(("tmp", "cache")) and ".sqlite" not in path)
        for database in live.rglob("*.sqlite"):
            if not database.is_relative_to(live / "tmp"):
                _back_up(database, self.snapshot_tree / database.relative_to(live))

    def installation(self) -> Installation:
        """The machine as the discovery would find it."""
        world = self.world
        named = json.loads(world.config.read_text())["agents"]["defaults"].get("workspace")
        external = (Path(named),) if named else ()
        real, link = world.state.resolve(), world.state if world.state.is_symlink() else None
        return installation_on(
            real,
            package=installed_at(world.package, world.version, world.prefix),
            node=NodeRuntime(world.node.node, "24"),
            home=world.home,
            state=state_at(real, real.stat().st_uid, PairingEra(world.era), external=external, named=link),
            port=world.port,
            auth=AuthFacts("token", Secret(world.token)),
        )

    def run(self, candidate: Slot, extras: frozenset[Extra] = frozenset()) -> CanaryReport:
        """The canary of `candidate`."""
        return self.canary().run(self.request(candidate, extras))

    def canary(self) -> CloneCanary:
        """One canary, for one or several candidates."""
        return CloneCanary(self.tools(), self.budgets, _controls=self.controls)

    def request(self, candidate: Slot, extras: frozenset[Extra] = frozenset()) -> CanaryRequest:
        """To try `candidate` on the snapshot, which is taken when there is none."""
        if not self.snapshot_tree.exists():
            self.take_snapshot()
        found = self.installation()
        present = slot(self.world.package, self.world.version, self.world.node.node)
        database = self.snapshot_tree / paths.STATE_DATABASE
        snapshot = Snapshot(
            "s", "", Moment.STOPPED, present.version, present.id, self.snapshot_tree, 0, 1_000_000, str(schema_of(database))
        )
        return CanaryRequest(found, snapshot, candidate, present, extras=extras)

    def tools(self) -> CourseTools:
        """All real; only progress is not shown."""
        real = StateClones(self.root / "canaries", CLONE_SUBJECTS, lambda path: not path.startswith(("tmp", "cache")))
        machine = Machine.apart(self.world.home, self.world.environment)
        compiled = CompiledCode(self.root / "live-tmp", os.geteuid())
        return replace(
            Proving(machine, Keeping(machine, self.installation()), Told()).tools(),
            clones=real if self.spoil is None else Spoilt(real, self.spoil),
            places=self.places(),
            hand_on=compiled.hand_on,
            lend=compiled.lend,
            own_probes=self.probes,
            settle=self.settle,
        )


def _back_up(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


def sealed_bench(world: World, root: Path) -> Bench:
    """A bench with walls; skips where the kernel permits none."""
    made = Bench(world, root)
    if (places := made.places()).seal() is not Seal.SEALED:
        pytest.skip(f"this machine permits no namespaces: {places.why_unsealed()}")
    return made


def judged(report: CanaryReport, check: str) -> Judgement:
    """What the candidate's course said of a check."""
    return next(j for j in report.candidate.judgements if j.check == check)
