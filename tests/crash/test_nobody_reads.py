"""A reader that leaves, a lost terminal, a stop that is asked for twice: the work goes on, or back, to its end."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.world.world import World


def until(world: World, seen: str, *words: str) -> "subprocess.Popen[str]":
    """A move that begins, its canary answered from memory, as far as this word of its progress."""
    argv = (sys.executable, "-m", "tests.crash.killer", "0", str(world.root / "report"), "--yes", *words)
    environment = {**world.environment, "PYTHONPATH": str(Path(__file__).parents[2])}
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    moving = subprocess.Popen(argv, env=environment, cwd=world.home, stdin=nothing, stdout=pipe, stderr=pipe, text=True)
    assert moving.stderr is not None
    assert any(seen in line for line in moving.stderr)
    return moving


@pytest.mark.timeout(300)
def test_a_move_whose_reader_leaves_ends_as_it_would_have(world: World) -> None:
    moving = until(world, "stopping the gateway", "upgrade", "2026.9.6")
    assert moving.stderr is not None
    assert moving.stdout is not None
    moving.stderr.close()
    moving.stdout.close()
    assert moving.wait(60) == 0
    assert (world.version, world.schema(), world.serving_version()) == ("2026.9.6", 18, "2026.9.6")
    asked = until(world, "bringing the restored state in", "rollback")
    asked.terminate()
    assert asked.stderr is not None
    assert any("undoing" in line for line in asked.stderr)
    asked.terminate()
    said, _ = asked.communicate(timeout=60)
    assert (asked.returncode, "2026.9.6 serves again" in said) == (143, True), said
    assert (world.version, world.serving_version()) == ("2026.9.6", "2026.9.6")
    shown = world.run("--json", "status").json
    assert (shown["data"]["open_move"], shown["notices"]) == (None, [])
