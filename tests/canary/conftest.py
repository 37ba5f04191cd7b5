"""What the tests of the canary share."""

from pathlib import Path
from typing import Any

import pytest

from tests.canary.bench import slot
from tests.canary.releases import Candidate, write_release
from tests.world.node import NodeHome
from tests.world.release import StandIn
from upgrader.domain.slot import Slot


@pytest.fixture
def candidate(node_home: NodeHome, tmp_path: Path) -> Candidate:
    """A stand-in release on disk, as a slot: `candidate("2026.9.6", refusesAgents={})`."""

    def make(version: str = "2026.9.6", **faults: dict[str, Any]) -> Slot:
        package = tmp_path / f"slot-{version}" / "node_modules" / "openclaw"
        write_release(package, StandIn(version, faults=faults))
        return slot(package, version, node_home.node)

    return make
