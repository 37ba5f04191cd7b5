"""The fixtures that make worlds. tests/conftest.py loads them for all tests."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.world.node import NodeHome, find_node
from tests.world.registry import FakeRegistry
from tests.world.release import StandIn
from tests.world.world import Seed, World, write_npmrc
from upgrader.adapters.canary.stub_model import StubModel, serve

OLD, NEW = StandIn("2026.9.5"), StandIn("2026.9.6", published="2026-09-20T10:00:00.000Z")
SeedOf = Callable[[StandIn], Seed]
WorldOf = Callable[..., World]


@pytest.fixture(scope="session")
def node_home() -> NodeHome:
    """A Node that fits every release, with its npm."""
    return find_node()


@pytest.fixture(scope="session")
def stub_model() -> Iterator[StubModel]:
    """One stand-in for a model provider, for all worlds of the session."""
    with serve() as model:
        yield model


@pytest.fixture(scope="session")
def seed_of(node_home: NodeHome, tmp_path_factory: pytest.TempPathFactory) -> SeedOf:
    """Seeds by version: npm really installs the stand-in from a registry, its doctor makes the first state; once each."""
    made: dict[str, Seed] = {}

    def seed(release: StandIn) -> Seed:
        if release.version not in made:
            made[release.version] = _make_seed(release, node_home, tmp_path_factory.mktemp(f"seed-{release.version}"))
        return made[release.version]

    return seed


def _make_seed(release: StandIn, node: NodeHome, root: Path) -> Seed:
    home, prefix = root / "home", root / "prefix"
    home.mkdir()
    environment = {"HOME": str(home), "PATH": f"{node.bin}:/usr/bin:/bin", "TMPDIR": str(root), "LANG": "C.UTF-8"}
    with FakeRegistry.serving(release) as registry:
        write_npmrc(home, registry.url, root / "cache")
        _run((str(node.npm), "install", "-g", f"openclaw@{release.version}", f"--prefix={prefix}"), environment, home)
    entry = prefix / "lib" / "node_modules" / "openclaw" / "openclaw.mjs"
    state = home / ".openclaw"
    state.mkdir(mode=0o700)
    _run((str(node.node), str(entry), "doctor", "--fix", "--non-interactive"), environment, home)
    shutil.rmtree(root / "cache", ignore_errors=True)
    return Seed(release.version, str(release.profile()["era"]), prefix, state)


def _run(argv: tuple[str, ...], environment: dict[str, str], directory: Path) -> None:
    ended = subprocess.run(argv, env=environment, cwd=directory, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, f"{argv}: {ended.stdout}{ended.stderr}"


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    """A registry of its own with 2026.9.5 and 2026.9.6 (latest) of the stand-in."""
    with FakeRegistry.serving(OLD, NEW) as running:
        yield running


@pytest.fixture
def world_of(
    node_home: NodeHome,
    stub_model: StubModel,
    seed_of: SeedOf,
    registry: FakeRegistry,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[WorldOf]:
    """Makes worlds: `world_of("2026.9.5")`, or of a StandIn. The gateway does not run yet. All end with the test.

    Each is closed, also when another cannot be: a gateway that is left runs for days.
    """
    closing = ExitStack()

    def build(release: StandIn | str = "2026.9.5") -> World:
        wanted = StandIn(release) if isinstance(release, str) else release
        root = tmp_path_factory.mktemp("world") / os.urandom(4).hex()
        world = World(root, node_home, registry, seed_of(wanted), stub_model.base_url, stub_model.token)
        closing.callback(world.close)
        world.build()
        return world

    with closing:
        yield build


@pytest.fixture
def world(world_of: WorldOf) -> World:
    """A machine with the stand-in 2026.9.5, paired, its gateway ready."""
    made = world_of()
    made.start_gateway()
    return made
