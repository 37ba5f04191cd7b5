"""Root on somebody's installation, and somebody on root's: refused with what to type, and nothing of theirs is touched."""

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.diagnosis.told import in_environment
from tests.world.fixtures import WorldOf
from tests.world.world import World
from upgrader.cli.app import app, load
from upgrader.errors import UpgraderError

load([])  # every command, once
SOMEBODY = 54321
COMMANDS = (
    ("status",),
    ("plan",),
    ("plan", "--all"),
    ("diagnose",),
    ("verify",),
    ("--yes", "upgrade", "2026.9.6"),
    ("--yes", "rollback"),
    ("--yes", "repair"),
    ("--yes", "restore"),
    ("--yes", "adopt"),
    ("--yes", "prune"),
    ("watch", "--once"),
    ("pin", "--reason", "because"),
    ("history",),
    ("canary", "2026.9.6"),
    ("--yes", "repair", "--rotate-gateway-token"),
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")


def given(root: Path, uid: int) -> None:
    """Everything below `root` belongs to this user."""
    for folder, names, files in os.walk(root):
        for name in (folder, *(f"{folder}/{each}" for each in (*names, *files))):
            os.chown(name, uid, uid, follow_symlinks=False)


def of_others(root: Path, uid: int) -> list[str]:
    """What below `root` belongs to somebody else."""
    return [str(path.relative_to(root)) for path in root.rglob("*") if path.lstat().st_uid != uid]


@pytest.fixture
def theirs(world_of: WorldOf) -> Iterator[World]:
    """A machine that belongs to somebody, and that root can reach."""
    world = world_of()
    given(world.home, SOMEBODY)
    yield world
    given(world.home, os.geteuid())


def as_root(world: World, *words: str) -> dict[str, str]:
    """Run it as root in a home that is theirs, as a sudo that keeps HOME does; root has one below the world. What it said."""
    out = io.StringIO()
    home = patch("upgrader.context.machine._account_home", lambda _: world.root / "home of root")
    with home, in_environment(world.environment), contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        try:
            app(["--json", *words], standalone_mode=False)
        except UpgraderError as error:
            return {"code": error.code, "hint": error.hint}
    first = json.loads(out.getvalue())["data"]["causes"][0]
    return {"code": first["code"], "hint": first["remedy"]}


def test_root_on_somebodys_installation_is_told_who_must_run_it_and_leaves_no_file(theirs: World) -> None:
    (theirs.root / "home of root").mkdir()
    for words in COMMANDS:
        said = as_root(theirs, *words)
        assert said == {"code": "wrong_user", "hint": f"run `upgrader` as uid {SOMEBODY}"}, words
        assert of_others(theirs.home, SOMEBODY) == [], words


def test_somebody_on_roots_installation_is_told_so_too(world_of: WorldOf) -> None:
    world = world_of()
    for folder in (world.home, *world.root.parents):
        if folder.stat().st_uid == 0 and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    own = world.root / "somebodys home"
    own.mkdir()
    os.chown(own, SOMEBODY, SOMEBODY)
    environment = {**world.environment, "HOME": str(own), "TMPDIR": "/tmp"}
    became = ("setpriv", f"--reuid={SOMEBODY}", f"--regid={SOMEBODY}", "--clear-groups")
    for command, mode in (("status", 0o711), ("plan", 0o711), ("upgrade", 0o711), ("diagnose", 0o711), ("plan", 0o700)):
        world.home.chmod(mode)
        argv = (*became, sys.executable, "-m", "upgrader", "--json", "--yes", "--state-dir", str(world.state), command)
        said = world.command(*argv, environment=environment, limit_s=60)
        first = (said.json["errors"] or said.json["data"]["causes"])[0]
        assert (said.exit_code, said.json["command"]) == (3 if command == "diagnose" else 1, command), said.text
        assert (first["code"], first.get("hint") or first["remedy"]) == (
            "wrong_user",
            "run `upgrader` as root: `sudo -iu root upgrader …`",
        ), said.text
    assert of_others(world.home, 0) == []
