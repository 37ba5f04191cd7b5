"""Worlds with the real OpenClaw in them; the same interface as the stand-in's."""

import shutil
from pathlib import Path

from tests.real.installs import Install
from tests.world.node import NodeHome
from tests.world.registry import FakeRegistry
from tests.world.world import Layout, Seed, World


def real_seed(installed: Install, folder: Path, layout: Layout = Layout.LINK) -> Seed:
    """A seed with an empty state: the real gateway makes its own at its first start."""
    state = folder / "state"
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = not installed.version.startswith("2026.2.")
    return Seed(installed.version, "sqlite" if new else "files", installed.prefix, state, layout, start_s=900.0, settle_s=0.4)


class RealWorld(World):
    """A machine with a real release. Its first gateway start makes the state, then the devices are paired."""

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
