"""What OpenClaw does, as a list of observations: taken from the real releases and compared with the stand-in.

`observe` runs the list on one release, `observe_move` on a pair. The answers are plain JSON; those of the real releases lie in
tests/services/openclaw/recorded/ (scripts/record-contract writes them), and the stand-in has to give the same.
"""

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from tests.world.contract import moves, running, stopped
from tests.world.contract.handshakes import matrix
from tests.world.world import World
from upgrader.adapters.canary.stub_model import StubModel

RECORDED = Path(__file__).parents[2] / "services" / "openclaw" / "recorded"
RELEASES = ("2026.2.17", "2026.2.19", "2026.2.22", "2026.9.5", "2026.9.6")
MOVES = (("2026.9.5", "2026.9.6"),)


def protocol_of(world: World) -> int:
    """The WebSocket protocol: 3 in 2026.2, 4 from 2026.5.12 on."""
    return 4 if world.era == "sqlite" else 3


class Needs(Enum):
    """How the gateway has to stand before an observation."""

    RUNNING = "running"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Observation:
    """One line of the list. `eras` are those in which there is something to observe."""

    name: str
    needs: Needs
    look: Callable[[World, StubModel], Any]
    eras: tuple[str, ...] = ("files", "sqlite")


_SQLITE = ("sqlite",)
OBSERVATIONS = (
    Observation("phases of a start", Needs.STOPPED, lambda world, _: stopped.phases(world), _SQLITE),
    Observation("http probes", Needs.RUNNING, lambda world, _: running.http_probes(world)),
    Observation("process", Needs.RUNNING, lambda world, _: running.process(world)),
    Observation("ownership", Needs.RUNNING, lambda world, _: running.ownership(world)),
    Observation("methods", Needs.RUNNING, lambda world, _: running.methods(world, protocol_of(world))),
    Observation("handshakes", Needs.RUNNING, lambda world, _: matrix(world, protocol_of(world))),
    Observation("commands", Needs.RUNNING, lambda world, _: running.commands(world)),
    Observation("agent turns", Needs.RUNNING, running.agent_turns),
    Observation("suspension", Needs.RUNNING, lambda world, _: running.suspension(world), _SQLITE),
    Observation("log form", Needs.RUNNING, lambda world, _: running.log_form(world)),
    Observation("second gateway", Needs.RUNNING, lambda world, _: running.second_gateway(world)),
    Observation("doctor beside a gateway", Needs.RUNNING, lambda world, _: running.doctor_beside(world), _SQLITE),
    Observation("crash", Needs.RUNNING, lambda world, _: stopped.crash(world)),
    Observation("stop", Needs.RUNNING, lambda world, _: stopped.stop(world)),
    Observation("configurations", Needs.STOPPED, lambda world, _: stopped.configurations(world)),
    Observation("commands without a gateway", Needs.STOPPED, lambda world, _: stopped.commands_alone(world)),
    Observation("newer schema", Needs.STOPPED, lambda world, _: stopped.newer_schema(world), _SQLITE),
    Observation("held lifecycle", Needs.STOPPED, lambda world, _: stopped.held_lifecycle(world), _SQLITE),
    Observation("doctor alone", Needs.STOPPED, lambda world, _: stopped.doctor_alone(world), _SQLITE),
)


def observe(world: World, model: StubModel, only: Collection[str] = ()) -> Iterator[tuple[str, Any]]:
    """Every observation of one release in order, or only the named ones. The gateway is started and stopped as needed."""
    for each in OBSERVATIONS:
        if world.era not in each.eras or (only and each.name not in only):
            continue
        if each.needs is Needs.RUNNING and not world.gateways():
            world.start_gateway()
        elif each.needs is Needs.STOPPED and world.gateways():
            world.stop_gateway()
        yield each.name, each.look(world, model)


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
