"""What the release does with a state nobody serves: stop and crash, other schemas, other configurations, held locks."""

import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.world.commands import Said
from tests.world.contract import running
from tests.world.processes import start_detached, wait_until
from tests.world.world import World

_LET_GO_S = 5.0


@contextmanager
def untouched(world: World) -> Iterator[None]:
    """The state as it was, afterwards."""
    kept = world.root / f"kept-state-{os.urandom(4).hex()}"
    shutil.copytree(world.state, kept, symlinks=True)
    try:
        yield
    finally:
        shutil.rmtree(world.state)
        kept.rename(world.state)


def _ended(world: World, said: Said) -> dict[str, Any]:
    return {"exit": said.exit_code, "says": running.key_words(said.text)}


def run_command(world: World, *words: str) -> dict[str, Any]:
    return _ended(world, world.openclaw(*words, limit_s=world.seed.start_s))


def stop(world: World) -> dict[str, Any]:
    """SIGTERM to the running gateway: its last words, and what is left of its ownership."""
    mark = world.log_mark()
    world.stop_gateway()
    words = [line.message for line in world.log_since(mark)]
    starts = ("received SIGTERM", "active-work drain settled", "shutdown completed cleanly")
    found: dict[str, Any] = {"log": [start for start in starts if any(w.startswith(start) for w in words)]}
    return {**found, "left": _left(world)}


def _let_go(world: World) -> None:
    """A process may stand as a zombie while its last threads still hold locks: give them a moment."""
    with suppress(AssertionError):  # what is not let go in that time is told as it is
        wait_until(lambda: _is_let_go(world), "locks that are let go", _LET_GO_S)


def _is_let_go(world: World) -> bool:
    return world.era != "sqlite" or all(running.coordinator(world, family) != "taken" for family in running.FAMILIES)


def _left(world: World) -> dict[str, Any]:
    _let_go(world)
    locks = sorted(path.name.split(".")[1] for path in (world.state / "tmp").glob("openclaw-*/gateway.*.lock"))
    found: dict[str, Any] = {"lock files": len(locks)}
    if world.era == "sqlite":
        found["leases"] = world.query("SELECT COUNT(*) FROM state_leases WHERE scope = 'gateway-owner'")[0][0]
        found["coordinators"] = {family: running.coordinator(world, family) for family in running.FAMILIES}
    return found


def crash(world: World) -> dict[str, Any]:
    """SIGKILL: what stays behind, and whether the next start is content with it."""
    identity = world.gateways()[0]
    identity.signal(signal.SIGKILL)
    wait_until(lambda: not identity.alive, "the end of the killed gateway", 20)
    left = _left(world)
    world.end_left_over()
    world.start_gateway()
    return {"left": left, "starts again": world.is_ready()}


def phases(world: World) -> dict[str, Any]:
    """What the probes say on the way up: every different answer, in order of the first time."""
    world.begin_openclaw("gateway", "run")
    seen: dict[str, list[Any]] = {"/healthz": [], "/startupz": [], "/readyz": []}

    def look() -> bool:
        for path, answers in seen.items():
            status, body = world.http(path)
            if status:
                value = json.loads(body)
                shown = {name: value[name] for name in ("ok", "status", "ready", "failing", "pendingReason") if name in value}
                if [status, shown] not in answers:
                    answers.append([status, shown])
        return all(answers and answers[-1][0] == 200 for answers in seen.values())

    wait_until(look, "a gateway that is live, started and ready", world.seed.start_s)
    return dict(seen)


def newer_schema(world: World) -> dict[str, Any]:
    """Databases one schema ahead of this build: the shared one, and an agent's."""
    found: dict[str, Any] = {}
    agent = next(iter(sorted((world.state / "agents").glob("*/agent/openclaw-agent.sqlite"))))
    for name, database in {"shared": world.database, "agent": agent}.items():
        with untouched(world):
            _raise_schema(database, 1)
            found[name] = {
                "gateway run": run_command(world, "gateway", "run"),
                "doctor --fix": run_command(world, "doctor", "--fix", "--non-interactive"),
                "doctor --lint": run_command(world, "doctor", "--lint", "--json", "--severity-min", "error"),
            }
    return found


def _raise_schema(database: Path, by: int) -> None:
    connection = sqlite3.connect(database, timeout=10)
    with connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0] + by
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("UPDATE schema_meta SET schema_version = ? WHERE meta_key = 'primary'", (version,))
    connection.close()


def configurations(world: World) -> dict[str, Any]:
    """Starts with a configuration that is not right."""
    found: dict[str, Any] = {}
    edits: dict[str, Any] = {
        "an unknown key": lambda c: c.update(unheard=1),
        "no gateway.mode": lambda c: c["gateway"].pop("mode"),
        "written by a newer release": lambda c: c.update(meta={"lastTouchedVersion": "2027.1.1"}),
    }
    for name, edit in edits.items():
        if name == "written by a newer release" and world.era == "files":
            continue  # 2.x only warns and would go on to serve
        with untouched(world):
            world.edit_config(edit)
            found[name] = {"gateway run": running.start_or_end(world, world.port)}
            if world.era == "sqlite":
                found[name]["config validate"] = run_command(world, "config", "validate", "--json")
    return found


def held_lifecycle(world: World) -> dict[str, Any]:
    """Another process holds gateway-lifecycle: the start waits, and goes on once it is released; doctor does not wait."""
    holder = sqlite3.connect(running.coordinator_path(world, "gateway-lifecycle"), isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        doctor = run_command(world, "doctor", "--fix", "--non-interactive")
        argv = (str(world.node.node), str(world.package / "openclaw.mjs"), "gateway", "run")
        world.gateway = start_detached(argv, world.environment, world.root / "gateway.out", world.home)
        waits = "waiting for gateway-lifecycle ownership"
        wait_until(
            lambda: waits in world.gateway_output() or not world.gateway_lives(), "a start that waits", world.seed.start_s
        )
        waited = world.gateway_lives() and not world.is_ready()
    finally:
        holder.close()
    wait_until(lambda: world.is_ready() or not world.gateway_lives(), "the end of the waiting", world.seed.start_s)
    ready = world.gateway_lives()
    world.stop_gateway()
    return {"doctor": doctor, "waits": waited, "then ready": ready}


def doctor_alone(world: World) -> dict[str, Any]:
    """Doctor on a stopped, present state."""
    found = {"doctor --fix": run_command(world, "doctor", "--fix", "--non-interactive")}
    lint = world.openclaw("doctor", "--lint", "--json", "--severity-min", "error", limit_s=world.seed.start_s)
    found["doctor --lint"] = {"exit": lint.exit_code, "says": running.key_words(lint.text)}
    touched = json.loads(world.config.read_text()).get("meta", {}).get("lastTouchedVersion")
    return {
        **found,
        "config stamped": touched == world.version,
        "backup of the config": (world.config.with_name("openclaw.json.bak")).exists(),
    }


def commands_alone(world: World) -> dict[str, Any]:
    """The command line with no gateway: health, and a service command away from the account's home."""
    return {
        "health": run_command(world, "health", "--json"),
        "gateway install": run_command(world, "gateway", "install", "--force", "--json") if world.era == "sqlite" else None,
    }
