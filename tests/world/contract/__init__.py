"""What OpenClaw does, as a list of observations: taken from the real releases and compared with the stand-in.

`observe` runs the list on one release, `observe_move` on a pair. The answers are plain JSON; those of the real releases lie in
tests/services/openclaw/recorded/ (scripts/record-contract writes them), and the stand-in has to give the same.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.world.contract import moves, running, stopped
from tests.world.contract.handshakes import matrix
from tests.world.world import World
from upgrader.adapters.stub_model import StubModel

RECORDED = Path(__file__).parents[2] / "services" / "openclaw" / "recorded"
RELEASES = ("2026.2.17", "2026.2.19", "2026.2.22", "2026.9.5", "2026.9.6")
MOVES = (("2026.9.5", "2026.9.6"),)


def protocol_of(world: World) -> int:
    """The WebSocket protocol: 3 in 2026.2, 4 from 2026.5.12 on."""
    return 4 if world.era == "sqlite" else 3


def observe(world: World, model: StubModel) -> Iterator[tuple[str, Any]]:
    """Every observation of one release, in the order in which they can be made. The gateway must not run yet."""
    sqlite, protocol = world.era == "sqlite", protocol_of(world)
    if sqlite:
        yield "phases of a start", stopped.phases(world)
    else:
        world.start_gateway()
    yield "http probes", running.http_probes(world)
    yield "process", running.process(world)
    yield "ownership", running.ownership(world)
    yield "methods", running.methods(world, protocol)
    yield "handshakes", matrix(world, protocol)
    yield "commands", running.commands(world)
    yield "agent turns", running.agent_turns(world, model)
    yield "log form", running.log_form(world)
    yield "second gateway", running.second_gateway(world)
    if sqlite:
        yield "doctor beside a gateway", running.doctor_beside(world)
    yield "crash", stopped.crash(world)
    yield "stop", stopped.stop(world)
    yield "configurations", stopped.configurations(world)
    yield "commands without a gateway", stopped.commands_alone(world)
    if sqlite:
        yield "newer schema", stopped.newer_schema(world)
        yield "held lifecycle", stopped.held_lifecycle(world)
        yield "doctor alone", stopped.doctor_alone(world)


def observe_move(older: World, newer: World) -> dict[str, Any]:
    """A state that `older` has made and used, in the hands of `newer`, and back.

    The two worlds have the same files: `newer` is `older` with the other package.
    """
    up = moves.upward(newer)
    with stopped.untouched(newer):
        stopped.run_command(newer, "doctor", "--fix", "--non-interactive")
        return {"up": up, "down": moves.downward(older)}


def recorded(name: str) -> dict[str, Any]:
    """The recorded observations of a release, or of a move `old..new`."""
    return dict(json.loads((RECORDED / f"{name}.json").read_text()))


def record(name: str, found: dict[str, Any]) -> None:
    """Write observations in the form in which they are kept."""
    RECORDED.mkdir(parents=True, exist_ok=True)
    (RECORDED / f"{name}.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
