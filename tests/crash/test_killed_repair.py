"""kill -9 in the middle of a `repair`: the next command ends it, the gateway serves, and the pairing is whole."""

import json
from collections.abc import Callable

import pytest

from tests.crash.walk import Moment, killed, moments_of
from tests.diagnosis.told import codes
from tests.world.processes import start_detached
from tests.world.world import World

MEND, ROTATE = ("repair",), ("repair", "--rotate-gateway-token")
Spoil = Callable[[World], None]


def token_differs(world: World) -> None:
    world.change_token(world.own)


def narrower_than_its_token(world: World) -> None:
    """Mended by removing the record and pairing again: in between this machine has none."""
    world.narrow_scopes(world.own)


def nothing(world: World) -> None:
    """The gateway's token is changed on a healthy machine."""


def a_few(moments: tuple[Moment, ...]) -> tuple[Moment, ...]:
    """The first, the middle and the last after each record: where a fault would show first."""
    found: dict[str, list[Moment]] = {}
    for moment in moments:
        found.setdefault(moment.entry, []).append(moment)
    chosen = [each for group in found.values() for each in (group[0], group[len(group) // 2], group[-1])]
    return tuple(dict.fromkeys(chosen))


def walk(
    world: World, words: tuple[str, ...], spoil: Spoil, choose: Callable[[tuple[Moment, ...]], tuple[Moment, ...]]
) -> None:
    phone = world.devices()[world.phone.id]
    spoil(world)
    wrong, moments = [], choose(moments_of(world, *words))
    report = world.root / "report"
    for moment in moments:
        spoil(world)
        code = killed(world, moment.number, report, *words)
        told = world.run("--json", "status")
        ended = world.run("--json", "--yes", "repair")
        if (
            code not in (-9, 0)
            or told.exit_code
            or ended.exit_code
            or problems(world)
            or world.devices()[world.phone.id] != phone
        ):
            wrong.append((code, moment, told.text[-600:], ended.text[-600:], problems(world)))
    print(f"\nkilled at {len(moments)} moments of `{' '.join(words)}`")
    assert not wrong, json.dumps(wrong, indent=1, default=str)


def problems(world: World) -> list[str]:
    """What is not whole: a gateway that does not serve, a token in two forms, a pairing that is not let in."""
    found = [] if len(world.gateways()) == 1 else [f"{len(world.gateways())} gateways run"]
    left = [path.name for path in world.root.rglob("outage.json")] + [path.name for path in world.root.rglob("repair.json")]
    return [*found, *left, *codes(world)]


def restart_with_its_token_in_the_environment(world: World) -> None:
    world.stop_gateway()
    token = json.loads(world.config.read_text())["gateway"]["auth"]["token"]
    argv = (str(world.node.node), str(world.package / "openclaw.mjs"), "gateway", "run")
    environment = {**world.environment, "OPENCLAW_GATEWAY_TOKEN": token}
    world.gateway = start_detached(argv, environment, world.root / "gateway.out", world.home)
    world.wait(world.is_ready, "the gateway")


@pytest.mark.parametrize("spoil", [token_differs, narrower_than_its_token])
@pytest.mark.timeout(900)
def test_a_repair_killed_in_the_middle_is_ended_by_the_next_command(world: World, spoil: Spoil) -> None:
    walk(world, MEND, spoil, a_few)


@pytest.mark.timeout(900)
def test_a_new_gateway_token_killed_in_the_middle_is_the_old_or_the_new_everywhere(world: World) -> None:
    restart_with_its_token_in_the_environment(world)
    walk(world, ROTATE, nothing, a_few)


@pytest.mark.long
@pytest.mark.parametrize("spoil", [token_differs, narrower_than_its_token])
@pytest.mark.timeout(7200)
def test_a_repair_killed_at_any_moment_at_all_is_ended_by_the_next_command(world: World, spoil: Spoil) -> None:
    walk(world, MEND, spoil, lambda moments: moments)
