"""The retained installs on disk: `<data>/slots/<id>/` with package.json, lock file, node_modules, manifest and slot.json.

A staged slot grows in `<id>.staging` and gets its name when it is complete and durable; slot.json comes last, and a
directory without it is no slot. An adopted slot is only described here: its tree stays where npm made it.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from upgrader.adapters.files.durable import make_private, sync_directory
from upgrader.adapters.files.exchange import file_id, present_id
from upgrader.adapters.files.half_made import end_workers, half_made, leaving_nothing, mark, translated, unmark
from upgrader.adapters.files.tree import (
    TreeFacts,
    digest_file,
    first_difference,
    make_read_only,
    remove_tree,
    sync_file_system,
    write_manifest,
)
from upgrader.adapters.files.tree_glance import NAME as GLANCE
from upgrader.adapters.files.tree_glance import glance, remember, still_is
from upgrader.adapters.kept.slot_record import RECORD, write_record
from upgrader.adapters.kept.slot_shelf import SlotShelf
from upgrader.adapters.moves.lock import locked
from upgrader.adapters.node.npm import Locked, Npm
from upgrader.adapters.node.packages import fits
from upgrader.adapters.node.runtime import KeptNode, NodeAndNpm, NodeStore
from upgrader.domain.installation.facts import Installation
from upgrader.domain.kept.slot import (
    AdoptFailed,
    InstalledPackage,
    IntegrityMismatch,
    ReadPackage,
    Recipe,
    RecipeFor,
    Slot,
    SlotDamaged,
    SlotOrigin,
    StageFailed,
)
from upgrader.domain.plan.release import Release
from upgrader.domain.ports import Clock, Runner
from upgrader.domain.version import Version

_MANIFEST = "files.manifest"
_STAGED = ("node_modules", "package-lock.json", "package.json")
_ENDING = ".staging"


@dataclass(frozen=True)
class Releases:
    """What the slots must know of the service: how a release is installed, how its package.json is read."""

    recipe: RecipeFor
    read_package: ReadPackage


class SlotStore(SlotShelf):
    """Port Slots under one data directory (0700)."""

    def __init__(
        self,
        data: Path,
        runner: Runner,
        environment: Mapping[str, str],
        clock: Clock,
        nodes: NodeStore,
        releases: Releases,
    ) -> None:
        super().__init__(data)
        self._data = data
        self._runner = runner
        self._environment = dict(environment)
        self._clock = clock
        self._nodes = nodes
        self._releases = releases

    def stage(self, release: Release) -> Slot:
        """Install `release` beside the running gateway; a present, intact slot of it is used again.

        Raises StageFailed, IntegrityMismatch, NodeUnavailable, Busy; nothing of a failed stage is left.
        """
        with self.alone(f"stage {release.version}"):
            again = self._intact(release)
            if again is not None:
                return again
            name = f"{release.version}-{secrets.token_hex(4)}"
            staging = self._root / f"{name}{_ENDING}"
            with leaving_nothing(staging, self._root / name):
                return self._staged(release, name, staging)

    def adopt(self, installation: Installation) -> Slot:
        """Describe the present install, with a copy of its Node; moves and changes nothing of it.

        A tree described before and unchanged since keeps its slot. Raises UpgraderError when it cannot be read.
        """
        root = installation.package.root
        ours = self._holding(root)
        if ours is not None:
            return ours
        name = f"{installation.package.version}-{secrets.token_hex(4)}"
        home = self._root / name
        with self.alone("adopt"), leaving_nothing(home), translated(f"describe {root}", AdoptFailed):
            node = self._nodes.keep(installation.node)
            mark(make_private(home))
            facts = write_manifest(root, (), home / _MANIFEST)
            package = self._releases.read_package((root / "package.json").read_bytes())
            slot = replace(self._slot(name, root, package, node, facts), origin=SlotOrigin.ADOPTED, identity=file_id(root))
            known = next((each for each in self.list() if _same_tree(each, slot)), None)
            if known is not None:
                remove_tree(home)
                return known
            self._recorded(home, slot)
            return slot

    def verify(self, slot: Slot) -> None:
        """Raises SlotDamaged naming the first path of tree or Node that is not what was recorded."""
        home = self._root / slot.id
        staged = slot.origin is SlotOrigin.STAGED
        root, names = (home, _STAGED) if staged else (slot.package_root, ())
        try:
            if slot.identity is not None and present_id(slot.package_root) != slot.identity:
                raise _damaged(slot, f"its tree is no longer at {slot.package_root}")
            odd = first_difference(root, names, home / _MANIFEST, slot.digest)
            if odd is not None:
                raise _damaged(slot, f"{odd.path}: {odd.what}")
            if digest_file(slot.node.path) != slot.node_digest:
                raise _damaged(slot, f"its Node {slot.node.path} is not the one that was kept")
        except OSError as error:
            raise _damaged(slot, f"{error.filename}: {error.strerror}") from error

    def was_read(self, slot: Slot) -> bool:
        """Whether looks alone can tell of it: it was read in full some time."""
        return (self._root / slot.id / GLANCE).is_file()

    def look_over(self, slot: Slot) -> None:
        """As `verify`; by looks alone where nothing has changed since it was last read in full. Raises SlotDamaged."""
        home = self._root / slot.id
        now = int(self._clock.now().timestamp() * 1_000_000_000)
        places = [home / name for name in _STAGED] if slot.origin is SlotOrigin.STAGED else [slot.package_root]
        try:
            seen = glance((*places, home / _MANIFEST, slot.node.path))
        except OSError:
            seen = None
        content = f"{slot.digest} {slot.node_digest}"
        if seen is not None and still_is(home, seen, content, now):
            return
        self.verify(slot)
        if seen is not None:
            remember(home, seen, content, now)

    # -- staging ---------------------------------------------------------------------------------------------------

    def _staged(self, release: Release, name: str, staging: Path) -> Slot:
        recipe = self._releases.recipe(release.version)
        make_private(staging)
        mark(staging)
        tools = self._nodes.with_npm(release.engines)
        lock = self._npm(tools).fetch(staging, recipe)
        _compare(release, lock)
        package = self._installed(staging, recipe, release.version)
        if not fits(tools.node.runtime.version, package.engines):  # the registry told less than the package
            tools = self._nodes.with_npm(package.engines)
        home = make_private(staging / ".home")
        self._npm(tools).run_scripts(staging, recipe, home)
        remove_tree(home)
        for each in _STAGED:
            make_read_only(staging / each)
        facts = write_manifest(staging, _STAGED, staging / _MANIFEST)
        sync_file_system(staging)
        final = staging.rename(self._root / name)
        root = final / "node_modules" / recipe.package
        slot = replace(self._slot(name, root, package, tools.node, facts), integrity=lock.integrity)
        self._recorded(final, slot)
        return slot

    def _slot(self, name: str, root: Path, package: InstalledPackage, node: KeptNode, facts: TreeFacts) -> Slot:
        return Slot(
            id=name,
            version=package.version,
            origin=SlotOrigin.STAGED,
            package_root=root,
            node=node.runtime,
            node_digest=node.digest,
            digest=facts.digest,
            files=facts.files,
            size_bytes=facts.size_bytes,
            created=self._clock.now().isoformat(),
            state_schema=package.state_schema,
            agent_schema=package.agent_schema,
        )

    def _npm(self, tools: NodeAndNpm) -> Npm:
        return Npm(self._runner, self._environment, tools.npm, tools.node.runtime, tools.configuration)

    def _installed(self, staging: Path, recipe: Recipe, wanted: Version) -> InstalledPackage:
        package = self._releases.read_package((staging / "node_modules" / recipe.package / "package.json").read_bytes())
        if package.version != wanted:
            raise IntegrityMismatch(
                f"asked for {wanted}, the registry gave {package.version}",
                why="the version stands in the package's own package.json",
                code="version_mismatch",
            )
        return package

    def _recorded(self, home: Path, slot: Slot) -> None:
        sync_directory(self._root)
        write_record(home, slot)
        unmark(home)

    def _intact(self, release: Release) -> Slot | None:
        for slot in reversed(self.list()):
            same = slot.origin is SlotOrigin.STAGED and slot.version == release.version
            if same and release.integrity in ("", slot.integrity):
                try:
                    self.verify(slot)
                except SlotDamaged:
                    continue
                return slot
        return None

    # -- upkeep ----------------------------------------------------------------------------------------------------

    @contextmanager
    def alone(self, owner: str) -> Iterator[None]:
        """Nobody else stages, adopts or removes while the block runs; what dead runs left is gone. Raises Busy."""
        make_private(self._root)
        with locked((self._data / "locks" / "slots.lock",), owner):
            self._clear_left_overs()
            yield

    def _clear_left_overs(self) -> None:
        """Remove what dead runs left half-made: we hold the lock, so nobody alive is at work on it."""
        with translated("remove what an earlier run left half-made", StageFailed):
            for home in half_made(self._root, unless=RECORD):
                end_workers(home)
                remove_tree(home)
            self._nodes.clear_left_overs()

    def _holding(self, root: Path) -> Slot | None:
        """The staged slot this tree is."""
        return next((slot for slot in self.list() if slot.origin is SlotOrigin.STAGED and slot.package_root == root), None)


def _compare(release: Release, lock: Locked) -> None:
    """What npm installed against what the registry announced; before any script of it has run."""
    if release.integrity and not set(release.integrity.split()) & set(lock.integrity.split()):
        raise IntegrityMismatch(
            f"the downloaded {release.version} is not what the registry announced",
            why=f"announced {release.integrity}, the lock file has {lock.integrity or 'none'}",
            hint="do not install this; `npm cache verify` shows whether the cache is to blame",
        )


def _same_tree(known: Slot, slot: Slot) -> bool:
    return (known.identity, known.digest, known.node_digest) == (slot.identity, slot.digest, slot.node_digest)


def _damaged(slot: Slot, why: str) -> SlotDamaged:
    return SlotDamaged(
        f"the slot {slot.id} of {slot.version} is not what was recorded",
        why=why,
        hint=f"`upgrader upgrade {slot.version}` stages it anew" if slot.origin is SlotOrigin.STAGED else "",
    )
