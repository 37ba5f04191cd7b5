"""A canary left running: reached from outside, entered by a shell, ended, and gone also when its keeper is killed."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

from tests.world.processes import wait_until
from tests.world.world import World


@pytest.fixture
def kept(world: World) -> dict[str, object]:
    """A stand-in 2026.9.6 left running on a clone."""
    said = world.run("--json", "canary", "2026.9.6", "--keep", limit_s=240)
    assert said.exit_code == 0, said.text
    held = said.json["data"]["held"]
    assert isinstance(held, dict)
    return held


def canaries(world: World) -> list[Path]:
    return list(world.home.glob(".local/share/openclaw-upgrader/installations/*/canaries/*"))


def enter(world: World, typed: str) -> str:
    """What a shell in the canary shows of these lines."""
    ended = subprocess.run(
        (sys.executable, "-m", "upgrader", "canary", "--enter"),
        input=typed.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=world.environment,
        cwd=world.home,
        timeout=60,
        check=False,
    )
    return ended.stdout.decode(errors="replace")


def test_who_interrupts_the_keeping_leaves_none_running(world: World) -> None:
    child = world.begin("canary", "2026.9.6", "--keep")
    wait_until(lambda: "leaving a canary running" in child.said(), "the start of the keeper", 240)
    wait_until(lambda: canaries(world) != [], "the keeper's directory", 60)
    child.identity.signal(signal.SIGINT)
    assert child.wait(120) == 130
    assert canaries(world) == []
    assert len(world.gateways()) == 1


def test_a_canary_left_running_is_reached_entered_and_ended(world: World, kept: dict[str, object]) -> None:
    with urllib.request.urlopen(f"{kept['url']}startupz", timeout=10) as answer:
        assert json.loads(answer.read())["version"] == "2026.9.6"
    assert world.serving_version() == "2026.9.5"
    assert world.token not in json.dumps(kept)
    assert f"a canary of 2026.9.6 runs on the clone at {kept['url']}" in " ".join(world.run("status").stdout.split())
    shown = enter(world, "openclaw --version; openclaw agent --agent main --message hello; exit\n")
    assert "2026.9.6" in shown
    assert "hello from the stand-in model" in shown
    said = world.run("--json", "canary", "--end", limit_s=90)
    assert (said.exit_code, len(said.json["data"]["held"])) == (0, 1)
    assert canaries(world) == []
    assert len(world.gateways()) == 1
    assert world.run("--json", "status").json["data"]["held"] == []
    again = world.run("--json", "canary", "--enter")
    assert (again.exit_code, again.json["errors"][0]["code"]) == (1, "canary_not_held")


def test_a_keeper_that_is_killed_leaves_no_process_and_the_next_command_no_directory(
    world: World, kept: dict[str, object]
) -> None:
    keeper = kept["keeper"]
    assert isinstance(keeper, dict)
    os.kill(int(keeper["pid"]), signal.SIGKILL)
    wait_until(lambda: len(world.gateways()) == 1, "the end of the canary's gateway", 30)
    assert len(canaries(world)) == 1
    said = world.run("--json", "status")
    assert said.exit_code == 0, said.text
    assert canaries(world) == []
    assert not [p for p in psutil.process_iter() if p.pid == keeper["pid"] and p.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize(
    "words",
    [("--keep", "--end"), ("2026.9.6", "--enter"), ("2026.9.6", "2026.9.5", "--keep")],
    ids=["keep and end", "a release to enter", "two to keep"],
)
def test_words_that_do_not_go_together_are_refused(world: World, words: tuple[str, ...]) -> None:
    said = world.run("--json", "canary", *words)
    assert (said.exit_code, said.json["errors"][0]["code"]) == (2, "usage")
