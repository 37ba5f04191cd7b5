"""A snapshot of a running OpenClaw serves in its place; a start and a stop change only what stands on the list."""

import shutil

import pytest

from tests.real.conftest import RealWorldOf
from tests.snapshots.test_snapshots import contents, without
from tests.world.installations import installation_on, running
from upgrader.adapters.clock import SystemClock
from upgrader.adapters.files.exchange import exchange
from upgrader.adapters.kept.compare import Comparer
from upgrader.adapters.kept.snapshots import FileSnapshots
from upgrader.adapters.settling.settler import Settler
from upgrader.domain.installation.facts import PairingEra
from upgrader.services.openclaw.places.effects import KNOWLEDGE
from upgrader.services.openclaw.places.paths import classify
from upgrader.services.openclaw.places.sameness import EXCLUSIONS

pytestmark = [pytest.mark.real, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("version", ["2026.9.5"])
def test_a_snapshot_of_a_running_gateway_serves_in_its_place(real_world_of: RealWorldOf, version: str) -> None:
    world = real_world_of(version)
    data, standby = world.root / "data", world.state.with_name("standby")
    snapshots = FileSnapshots(data, lambda path: classify(PairingEra(world.era), path), SystemClock())
    world.start_gateway()
    taken = snapshots.take(running(installation_on(world.state)), "slot", "live")
    snapshots.verify(taken)
    paired = world.rows()
    snapshots.materialise(taken, standby)
    world.stop_gateway()
    exchange(world.state, standby)
    world.start_gateway()
    assert world.rows().keys() == paired.keys()
    world.stop_gateway()
    snapshots.verify(taken)


@pytest.mark.parametrize("version", ["2026.9.5"])
def test_a_start_and_a_stop_change_only_what_stands_on_the_list(real_world_of: RealWorldOf, version: str) -> None:
    world = real_world_of(version)
    data, standby = world.root / "data", world.state.with_name("standby")
    snapshots = FileSnapshots(data, lambda path: classify(PairingEra(world.era), path), SystemClock())
    world.start_gateway()
    taken = snapshots.take(running(installation_on(world.state)), "slot", "live")
    snapshots.materialise(taken, standby)
    snapshots.prefill(world.state, standby)
    world.stop_gateway()
    snapshots.refresh(world.state, standby)
    assert contents(standby) == without(contents(world.state), "tmp")
    shutil.copytree(world.state, world.root / "stopped", symlinks=True)
    world.start_gateway()
    world.stop_gateway()
    exchange(world.state, standby)
    assert Settler(data, KNOWLEDGE, SystemClock()).settle(world.state, standby, ()).items == ()
    assert Comparer(EXCLUSIONS, world.root).compare(world.root / "stopped", world.state).differences == ()
    assert Comparer(EXCLUSIONS, world.root).compare(world.root / "stopped", standby).differences == ()
