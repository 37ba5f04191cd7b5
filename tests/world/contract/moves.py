"""A state made by one release in the hands of another: who migrates what, who refuses."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from tests.world.contract.stopped import run_command, untouched
from tests.world.world import World


def schemas(world: World) -> dict[str, Any]:
    """`user_version` of the shared database and of each agent's."""
    agents = sorted((world.state / "agents").glob("*/agent/openclaw-agent.sqlite"))
    names = {"shared": world.database, **{path.parents[1].name: path for path in agents}}
    return {name: _schema(path) for name, path in names.items() if path.exists()}


def _schema(path: Path) -> int:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    try:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    finally:
        connection.close()


def upward(world: World) -> dict[str, Any]:
    """The newer release on a stopped state of the older: by its own start, by doctor, by `gateway install`."""
    found: dict[str, Any] = {"before": schemas(world)}
    with untouched(world):
        world.start_gateway()
        copies = len(list(world.state.glob("**/*.pre-startup-migration-*.bak")))
        found["start alone"] = {
            "after": schemas(world),
            "ready": world.is_ready(),
            "backups": copies,
            "stamps": _stamped(world),
        }
        world.stop_gateway()
    with untouched(world):
        found["doctor"] = {
            **run_command(world, "doctor", "--fix", "--non-interactive"),
            "after": schemas(world),
            "stamps": _stamped(world),
        }
        world.start_gateway()
        found["doctor"]["then ready"] = world.is_ready()
        world.stop_gateway()
    with untouched(world):
        found["lint"] = {**run_command(world, "doctor", "--lint", "--json", "--severity-min", "error"), "after": schemas(world)}
    with untouched(world):
        found["install"] = {**run_command(world, "gateway", "install", "--force", "--json"), "after": schemas(world)}
        found["start after install"] = {**run_command(world, "gateway", "run"), "after": schemas(world)}
    return found


def downward(world: World) -> dict[str, Any]:
    """The older release on a state that the newer one's doctor has migrated, with and without its stamp in the config."""
    found: dict[str, Any] = {}
    for name in ("with the stamp", "without the stamp"):
        with untouched(world):
            if name == "without the stamp":
                world.edit_config(lambda config: config.pop("meta", None))
            found[name] = {
                "gateway run": run_command(world, "gateway", "run"),
                "doctor --fix": run_command(world, "doctor", "--fix", "--non-interactive"),
            }
    return found


def _stamped(world: World) -> bool:
    return "lastTouchedVersion" in json.loads(world.config.read_text()).get("meta", {})
