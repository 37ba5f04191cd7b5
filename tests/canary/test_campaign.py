"""Many canaries through the command line, a third of them killed at any moment: nothing is ever left.

The number of runs is UPGRADER_CAMPAIGN_RUNS (100 where it is not set); `scripts/canary-campaign` keeps the result,
and gives each piece another seed for the moments of death.
"""

import os
import random
import time
from pathlib import Path

import psutil
import pytest

from tests.world.processes import Identity, belonging_to, wait_until
from tests.world.world import World

_RUNS = int(os.environ.get("UPGRADER_CAMPAIGN_RUNS", "100"))


def tidy(world: World) -> tuple[list[Path], list[Path]]:
    """Directories of canaries, and what lies in the temporary directory of the machine."""
    data = world.home / ".local/share/openclaw-upgrader/installations"
    return sorted(data.glob("*/canaries/*")), sorted((world.root / "tmp").iterdir())


def strangers(world: World, known: frozenset[Identity]) -> list[Identity]:
    """Processes of this machine that were not there before."""
    return [each for each in belonging_to(world.root) if each not in known]


def listening(world: World) -> set[int]:
    """Ports of loopback that processes of this machine listen on."""
    pids = {each.pid for each in belonging_to(world.root)}
    found = psutil.net_connections("tcp")
    return {c.laddr.port for c in found if c.laddr and c.status == "LISTEN" and c.pid in pids}


def let_run(seconds: float) -> None:
    until = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > until, "the moment to kill", seconds + 5)


@pytest.mark.long
@pytest.mark.timeout(60 * _RUNS)
def test_nothing_is_left_after_many_canaries_a_third_of_them_killed(world: World) -> None:
    chance = random.Random(int(os.environ.get("UPGRADER_CAMPAIGN_SEED", "7")))
    began = time.monotonic()
    said = world.run("--json", "canary", "2026.9.6", limit_s=240)
    assert said.exit_code == 0, said.text
    usual = time.monotonic() - began
    known, ports, (_, temporary) = frozenset(belonging_to(world.root)), listening(world), tidy(world)
    killed = 0
    for run in range(_RUNS):
        child = world.begin("--json", "canary", "2026.9.6")
        if run % 3 == 0:
            let_run(chance.uniform(0.2, usual))
            child.kill()
            killed += 1
            wait_until(lambda: not strangers(world, known), f"the end of what run {run} had started", 30)
            assert world.run("--json", "status", limit_s=60).exit_code == 0
        else:
            assert child.wait(240) == 0, child.said()
        assert strangers(world, known) == []
        assert listening(world) == ports
        assert tidy(world) == ([], temporary), run
    assert world.serving_version() == "2026.9.5"
    print(f"{_RUNS} runs, {killed} killed, no process, port or directory left")
