"""Fixtures of the real tier: OpenClaw itself, installed from the registry into the tests' cache when it is not there."""

import os
from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.real.installs import Install, install
from tests.real.registry import reaching_the_registry
from tests.real.worlds import RealWorld, real_world
from tests.world.node import NodeHome
from tests.world.registry import FakeRegistry
from tests.world.world import Layout, World
from upgrader.adapters.canary.stub_model import StubModel

RealWorldOf = Callable[..., RealWorld]
MovableWorldOf = Callable[[str], tuple[RealWorld, Mapping[str, str]]]
WorldOfRelease = Callable[[str], World]
Installed = Callable[[str], Install]


@pytest.fixture(scope="session")
def installed(node_home: NodeHome) -> Installed:
    """`installed("2026.9.5")`: that release, installed once for all sessions."""
    return lambda version: install(version, node_home)


@pytest.fixture
def real_world_of(
    node_home: NodeHome,
    stub_model: StubModel,
    installed: Installed,
    registry: FakeRegistry,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RealWorldOf]:
    """Makes worlds with a real release: `real_world_of("2026.9.5")`. Paired, gateway not running. All end with the test.

    The package is linked and must not be changed, unless `layout` is Layout.COPY (an upgrade moves it).
    """
    made: list[RealWorld] = []

    def build(version: str, layout: Layout = Layout.LINK) -> RealWorld:
        root = tmp_path_factory.mktemp("real") / os.urandom(4).hex()
        model = (stub_model.base_url, stub_model.token)
        world = real_world(root, node_home, registry, installed(version), model, layout)
        made.append(world)
        return world

    yield build
    for world in made:
        world.close()


@pytest.fixture
def movable_world_of(real_world_of: RealWorldOf, node_home: NodeHome) -> MovableWorldOf:
    """`movable_world_of("2026.9.5")`: a world whose package may be moved, and an environment that reaches the real registry."""

    def build(version: str) -> tuple[RealWorld, Mapping[str, str]]:
        world = real_world_of(version, layout=Layout.COPY)
        return world, reaching_the_registry(world, node_home)

    return build


@pytest.fixture(scope="session")
def world_of_release(
    node_home: NodeHome,
    stub_model: StubModel,
    installed: Installed,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[WorldOfRelease]:
    """One world for each release and session, for tests that look only or put back what they change.

    Its gateway may run or not: `world.gateway_lives()`. The package is linked and must not be changed.
    """
    made: dict[str, RealWorld] = {}
    with FakeRegistry.serving() as registry:

        def shared(version: str) -> World:
            if version not in made:
                root = tmp_path_factory.mktemp("release") / version
                model = (stub_model.base_url, stub_model.token)
                made[version] = real_world(root, node_home, registry, installed(version), model)
            return made[version]

        yield shared
        for world in made.values():
            world.close()
