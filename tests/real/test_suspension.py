"""What a real 2026.9 gateway does when it is asked to become idle while an agent works."""

import signal
import time

import pytest

from tests.real.conftest import RealWorldOf
from tests.world.gate import Gate, gate_before
from tests.world.processes import Child
from tests.world.world import World
from upgrader.adapters.canary.stub_model import StubModel
from upgrader.domain.moves.quiet import Quietness, Suspension
from upgrader.services.openclaw.gateway import suspension

pytestmark = [pytest.mark.real, pytest.mark.timeout(1200)]
RELEASES = ("2026.9.5", "2026.9.6")


def asked(world: World) -> Suspension:
    """The gateway's answer to the wish to become idle."""
    said = world.openclaw(*suspension.suspend_arguments("tried"), limit_s=120)
    return suspension.read_answer(said.stdout.encode())


def at_work(world: World, gate: Gate) -> Child:
    """A turn that waits for its model."""
    gate.opened.clear()
    before = gate.waiting
    turn = world.begin_openclaw("agent", "--agent", "main", "--message", "hello")
    world.wait(lambda: gate.waiting > before, "a turn that asks the model", 120)
    return turn


def stopped_after(world: World) -> float:
    """Seconds from SIGTERM to the end of the gateway."""
    began = time.monotonic()
    assert world.gateway is not None
    world.gateway.signal(signal.SIGTERM)
    world.wait(lambda: not world.gateways(), "the end of the gateway", 400)
    return time.monotonic() - began


@pytest.mark.parametrize("version", RELEASES)
def test_work_is_waited_for_or_cut_off_and_an_idle_gateway_stops_at_once(
    real_world_of: RealWorldOf, stub_model: StubModel, version: str
) -> None:
    world = real_world_of(version)
    with gate_before(stub_model.port) as gate:
        address = f"http://127.0.0.1:{gate.port}/v1"
        world.edit_config(lambda config: config["models"]["providers"]["stub"].update(baseUrl=address))
        world.start_gateway()
        turn = at_work(world, gate)
        busy = asked(world)
        assert busy.quietness is Quietness.DRAINING
        assert any("chat run" in work for work in busy.work)
        gate.open()
        assert turn.wait(120) == 0, turn.said()
        world.wait(lambda: asked(world).quietness is Quietness.READY, "an idle gateway", 120)
        idle = stopped_after(world)

        world.start_gateway()
        identity = suspension.read_identity(world.openclaw(*suspension.identify_arguments(), limit_s=120).stdout.encode())
        assert identity is not None
        turn = at_work(world, gate)
        armed = world.openclaw(*suspension.interrupt_arguments(asked(world).id, identity), limit_s=120)
        assert suspension.is_armed(armed.stdout.encode()), armed.text
        cut = stopped_after(world)
        assert turn.wait(120) != 0
        before = gate.waiting
        world.start_gateway()
        world.wait(lambda: gate.waiting > before, "the turn that resumes by itself", 120)
        gate.open()
    print(f"\n{version}: stop of an idle gateway {idle:.1f} s, with a turn cut off {cut:.1f} s")
