"""The discovery on real releases of both eras, as plain processes."""

import os
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from tests.discovery.machine import discover_below, process_table, wait_for
from tests.real.conftest import RealWorldOf
from tests.real.worlds import RealWorld
from upgrader.domain.installation.facts import Installation, InstallKind, PairingEra, ProcessIdentity
from upgrader.domain.installation.selection import Selection

pytestmark = [pytest.mark.real, pytest.mark.timeout(2400)]
_STOP = timedelta(seconds=120)


def find(world: RealWorld) -> Installation:
    """What the discovery makes of this world."""
    selection = Selection(environment=world.environment, uid=os.geteuid(), account_home=world.home, directory=world.root)
    return discover_below(world.root, Path("/nowhere")).find(selection)


@pytest.mark.parametrize(
    ("version", "era", "schema"),
    [("2026.2.17", PairingEra.FILES, None), ("2026.9.5", PairingEra.SQLITE, 17), ("2026.9.6", PairingEra.SQLITE, 18)],
)
def test_a_real_installation_is_found_stopped_and_running_and_its_gateway_ends_by_identity(
    real_world_of: RealWorldOf, version: str, era: PairingEra, schema: int | None
) -> None:
    world = real_world_of(version)
    stopped = find(world)
    assert (str(stopped.package.version), stopped.package.kind) == (version, InstallKind.NPM_GLOBAL)
    assert stopped.package.pointer == world.package
    assert (stopped.state.path, stopped.state.era, stopped.state.state_schema) == (world.state, era, schema)
    assert (stopped.is_running, stopped.obstacles, stopped.port) == (False, (), world.port)

    world.start_gateway()
    assert world.gateway is not None
    running = find(world)
    (gateway,) = running.gateways
    # 2026.2.17 starts itself again as a child with other Node flags; what was started is the parent then.
    assert world.gateway.pid in (gateway.identity.pid, psutil.Process(gateway.identity.pid).ppid())
    assert gateway.uid == os.geteuid()
    assert world.port in gateway.ports
    assert (gateway.package_root, gateway.node) == (running.package.root, running.node.path)
    assert str(gateway.version) == version
    assert (running.port, running.obstacles) == (world.port, ())

    table = process_table()
    table.end(gateway.identity, _STOP)
    assert not table.is_alive(gateway.identity)
    wait_for(lambda: not world.gateway or not table.is_alive(ProcessIdentity(world.gateway.pid, world.gateway.started)))
    assert table.gateways_on(world.state) == ()
    assert find(world).state.state_schema == schema
