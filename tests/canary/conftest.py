"""What the tests of the canary share."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.canary.bench import Bench, sealed_bench, slot
from tests.canary.releases import Candidate, write_release
from tests.world.fixtures import SeedOf
from tests.world.node import NodeHome
from tests.world.registry import FakeRegistry
from tests.world.release import StandIn
from tests.world.world import World
from upgrader.adapters.canary.stub_model import StubModel
from upgrader.domain.kept.slot import Slot


@pytest.fixture
def candidate(node_home: NodeHome, tmp_path: Path) -> Candidate:
    """A stand-in release on disk, as a slot: `candidate("2026.9.6", refusesAgents={})`."""

    def make(version: str = "2026.9.6", **faults: dict[str, Any]) -> Slot:
        package = tmp_path / f"slot-{version}" / "node_modules" / "openclaw"
        write_release(package, StandIn(version, faults=faults))
        return slot(package, version, node_home.node)

    return make


@pytest.fixture(scope="module")
def shared_bench(
    node_home: NodeHome, seed_of: SeedOf, stub_model: StubModel, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """One machine, one snapshot and one control for all tests of a module that only bring candidates."""
    root = tmp_path_factory.mktemp("shared")
    release = StandIn("2026.9.5")
    with FakeRegistry.serving(release) as registry:
        world = World(root / os.urandom(4).hex(), node_home, registry, seed_of(release), stub_model.base_url, stub_model.token)
        try:
            world.build()
            world.start_gateway()
            yield sealed_bench(world, root / "bench")
        finally:
            world.close()
