"""Worlds with the real OpenClaw in them; the same interface as the stand-in's."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.real.installs import Install
from tests.world.node import NodeHome
from tests.world.processes import Identity
from tests.world.registry import FakeRegistry
from tests.world.world import Layout, Seed, World

_TRIES = 4
_SQLITE_FROM = 8  # 2026.8.1 is the first release with its pairings in a database
_TOO_BUSY = "state lease heartbeat did not become ready"  # its limit is 5 s


def real_seed(installed: Install, folder: Path, layout: Layout = Layout.LINK) -> Seed:
    """A seed with an empty state: the real gateway makes its own at its first start."""
    state = folder / "state"
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    month = int(installed.version.split(".")[1])
    era = "sqlite" if month >= _SQLITE_FROM else "files"
    return Seed(installed.version, era, installed.prefix, state, layout, start_s=900.0, settle_s=0.4)


class RealWorld(World):
    """A machine with a real release. Its first gateway start makes the state, then the devices are paired."""

    def start_gateway(self) -> Identity:
        """Start it; again when the release gave up only because the machine was too busy (seen of 2026.9.6 at load 20)."""
        for _ in range(_TRIES - 1):
            try:
                return super().start_gateway()
            except AssertionError as error:
                if _TOO_BUSY not in str(error):
                    raise
                self.end_left_over()
        return super().start_gateway()

    def build(self) -> None:
        """Lay everything out, let the release make its state, pair the devices; nothing runs afterwards."""
        self.lay_out()
        self.start_gateway()
        self.stop_gateway()
        self.pair_all()


def real_world(
    root: Path, node: NodeHome, registry: FakeRegistry, installed: Install, model: tuple[str, str], layout: Layout = Layout.LINK
) -> RealWorld:
    """A real world, built; `model` is the stub's address and token."""
    seed = real_seed(installed, root.parent / f"{root.name}-seed", layout)
    world = RealWorld(root, node, registry, seed, *model)
    try:
        world.build()
    except BaseException:
        world.close()
        raise
    shutil.rmtree(root.parent / f"{root.name}-seed")
    return world


def paired_by_2_17_itself(world: RealWorld) -> RealWorld:
    """Its command line pairs on its first call, with the three scopes of that release; nothing here invents a record."""
    for folder in ("identity", "devices"):
        shutil.rmtree(world.state / folder, ignore_errors=True)
    world.start_gateway()
    assert world.openclaw("devices", "list", limit_s=300).exit_code == 0
    world.stop_gateway()
    assert (world.state / "devices" / "paired.json").exists()
    return world


def npm_globally(world: World, installed: Install, version: str) -> None:
    """Put a release in the package's place as `npm install -g` leaves it: one directory, its dependencies inside.

    2026.2.x no longer installs that way from today's registry, so the directory is put together from a project's install.
    `version` is written into its package.json: a release the registry lacks differs from its neighbour by that word.
    """
    source = installed.package.parent
    if world.package.is_symlink():
        world.package.unlink()
    else:
        shutil.rmtree(world.package)
    shutil.copytree(installed.package, world.package, symlinks=True)
    inner = world.package / "node_modules"
    inner.mkdir(exist_ok=True)
    for each in source.iterdir():
        if each != installed.package and not (inner / each.name).exists() and not each.name.startswith("."):
            shutil.copytree(each, inner / each.name, symlinks=True)
    manifest = world.package / "package.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "version": version}, indent=2) + "\n")


def in_use(world: World, environment: Mapping[str, str]) -> None:
    """What a release makes at its first use (caches, tables, profiles) is there before anything is compared."""
    for agent in ("main", "beta"):
        assert world.openclaw("agent", "--agent", agent, "--message", "hello", limit_s=180).exit_code == 0
    assert world.run("verify", limit_s=180, environment=environment).exit_code == 0
    world.wait(lambda: (world.state / "cache" / "control-ui-assets").is_dir(), "the cache of a first start", 120)
    world.stop_gateway()
    world.start_gateway()
    assert world.run("verify", limit_s=180, environment=environment).exit_code == 0
