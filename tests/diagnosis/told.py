"""What a diagnosis told, for tests. The command line runs within the test's own process: starting Python costs more than it."""

import contextlib
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from tests.world.commands import Said
from tests.world.world import World
from upgrader.cli.app import app, load

load([])  # every command, once


def said(world: World, *words: str, **more: str) -> Said:
    """Run `upgrader WORDS` in this world's environment; its words and its exit code."""
    out, err = io.StringIO(), io.StringIO()
    home = patch("upgrader.context.machine._account_home", lambda _: world.home)
    with home, in_environment({**world.environment, **more}), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = app(list(words), standalone_mode=False)
    return Said(int(code or 0), out.getvalue(), err.getvalue())


def diagnosed(world: World, **more: str) -> Said:
    """`upgrader --json diagnose`."""
    return said(world, "--json", "diagnose", **more)


def causes(world: World, **more: str) -> list[dict[str, Any]]:
    """The causes, likeliest first."""
    return list(diagnosed(world, **more).json["data"]["causes"])


def codes(world: World, **more: str) -> list[str]:
    """Their names."""
    return [each["code"] for each in causes(world, **more)]


def cause(world: World, code: str, **more: str) -> dict[str, Any]:
    """The cause of this name. Fails with all that were told."""
    found = {each["code"]: each for each in causes(world, **more)}
    assert code in found, json.dumps(list(found))
    return found[code]


@contextmanager
def in_environment(wanted: dict[str, str]) -> Iterator[None]:
    """The process's environment and directory are those of a world while the block runs."""
    kept, directory = dict(os.environ), os.getcwd()  # noqa: PTH109 - restored by chdir
    os.environ.clear()
    os.environ.update(wanted)
    os.chdir(wanted["HOME"])
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)
        os.chdir(directory)
