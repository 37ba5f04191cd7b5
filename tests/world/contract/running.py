"""What a running gateway shows: HTTP probes, ownership, refusals of a second one, the command line, agent turns, the log."""

import hashlib
import json
import os
import signal
import sqlite3
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

from tests.world.contract.connecting import Attempt, knock
from tests.world.contract.plain import plain
from tests.world.processes import wait_until
from tests.world.world import World, free_port
from upgrader.adapters.canary.stub_model import StubModel
from upgrader.domain.canary.turns import Saw

FAMILIES = ("gateway-lifecycle", "state-lifecycle", "state-handles")
_PATHS = ("/healthz", "/health", "/readyz", "/ready", "/startupz", "/startup")


def http_probes(world: World) -> dict[str, Any]:
    """Every probe path by GET, HEAD and POST: status, and the names in a JSON body."""
    found: dict[str, Any] = {}
    for path in _PATHS:
        for method in ("GET", "HEAD", "POST"):
            status, kind, body = _request(world, path, method)
            shown: Any = kind
            if kind == "application/json" and body:
                value = json.loads(body)
                shown = {k: v for k, v in value.items() if k in ("ok", "status", "ready", "failing")}
            found[f"{method} {path}"] = [status, shown]
    return found


def _request(world: World, path: str, method: str) -> tuple[int, str, str]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{world.port}{path}", method=method, data=b"" if method == "POST" else None
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get_content_type(), error.read().decode()


def process(world: World) -> dict[str, Any]:
    """What the process table shows of it: the title, and which databases it has open."""
    identity = world.gateways()[0]
    folder = Path("/proc") / str(identity.pid)
    title = (folder / "cmdline").read_bytes().split(b"\0")[0].decode().strip()
    links = {str(link.readlink()) for link in (folder / "fd").iterdir() if link.is_symlink()}
    shown = {plain(link.replace(str(world.state), "<state>")) for link in links if link.startswith(str(world.state))}
    databases = sorted(name for name in shown if name.endswith("state/openclaw.sqlite"))
    return {"title": title, "state database open": databases}


def ownership(world: World) -> dict[str, Any]:
    """Lock files, coordinators (taken or free) and the lease while the gateway runs."""
    pid = world.gateways()[0].pid
    found: dict[str, Any] = {"lock files": _lock_files(world, pid)}
    if world.era == "sqlite":
        found["coordinators"] = {family: coordinator(world, family) for family in FAMILIES}
        found["lease"] = lease(world, pid)
    return found


def coordinator(world: World, family: str) -> str:
    """Whether the exclusive transaction of this family can be had now."""
    path = coordinator_path(world, family)
    if not path.exists():
        return "absent"
    connection = sqlite3.connect(path, timeout=0.2, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        return "free"
    except sqlite3.OperationalError:
        return "taken"
    finally:
        connection.close()


def coordinator_path(world: World, family: str) -> Path:
    """Where a family's coordinator of this state lies."""
    digest = hashlib.sha256(str(world.database.resolve()).encode()).hexdigest()[:8]
    return Path(f"/tmp/openclaw-state-locks-{os.getuid()}") / f"{family}.{digest}.lock.sqlite"


def lease(world: World, pid: int) -> dict[str, Any]:
    """The owner's row: its names, and whether pid, start and times are what they should be."""
    rows = world.query(
        "SELECT lease_key, expires_at, heartbeat_at, payload_json FROM state_leases WHERE scope = 'gateway-owner'"
    )
    if not rows:
        return {"rows": 0}
    key, expires, beat, payload = rows[0]
    value = json.loads(payload)
    owner = value.pop("owner")
    started = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    return {
        "rows": len(rows),
        "key": key,
        "lives for ms": expires - beat,
        "owner": {"pid": owner["pid"] == pid, "host": bool(owner["host"]), "started in ticks": owner["startedAt"] == started},
        "port": value.pop("port") == world.port,
        "rest": value,
    }


def _lock_files(world: World, pid: int) -> dict[str, Any]:
    places = {"state": world.state / "tmp" / f"openclaw-{os.getuid()}", "temp": world.root / "tmp" / f"openclaw-{os.getuid()}"}
    found: dict[str, Any] = {}
    for place, folder in places.items():
        for path in sorted(folder.glob("gateway.*.lock")):
            value = json.loads(path.read_text())
            name = "state" if path.name == "gateway.state.lock" else _digest_of(world, path.name)
            named = {"pid": value["pid"] == pid, "config": value["configPath"] == str(world.config)}
            found[f"{place}: {name}"] = {**named, "keys": sorted(value)}
    return found


def _digest_of(world: World, name: str) -> str:
    digest = name.split(".")[1]
    for kind in ("sha1", "sha256"):
        if hashlib.new(kind, str(world.config).encode()).hexdigest()[:8] == digest:
            return f"{kind} of the config's path"
    return "?"


def second_gateway(world: World) -> dict[str, Any]:
    """Another start on the same state: by another port, and by the same."""
    other = free_port()
    return {
        "other port": start_or_end(world, other, "--port", str(other)),
        "same port": start_or_end(world, 0),
    }


def start_or_end(world: World, port: int, *words: str) -> dict[str, Any]:
    """A start that may come to serve on `port` or end: which of the two, with the exit code when it ended."""
    before = {identity.pid for identity in world.gateways()}
    child = world.begin_openclaw("gateway", "run", *words)
    wait_until(lambda: child.process.poll() is not None or answers(port), "a gateway that serves or ends", world.seed.start_s)
    if child.process.poll() is not None:
        return {"exit": child.process.returncode, "says": key_words(child.said())}
    for identity in world.gateways():
        if identity.pid not in before:
            identity.signal(signal.SIGTERM)
    child.wait(world.seed.start_s)
    return {"serves": True, "says": key_words(child.said())}


def answers(port: int) -> bool:
    """Whether a gateway on this port is ready: by /readyz where there is one, else by answering at all."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


_KEYS = (
    "already owns this state directory",
    "gateway already running",
    "lock timeout",
    "another gateway instance is already listening",
    "is already in use",
    "owner lease is still active",
    "newer than this build",
    "uses newer schema version",
    "requires state migration",
    "run openclaw doctor --fix",
    "older than the config last written by",
    "another OpenClaw process owns gateway-lifecycle",
    "Config invalid",
    "Unrecognized key",
    "gateway.mode",
    "auto-restored from backup",
    "service management skipped",
    "Legacy device identity exists",
    "unknown option",
    "unknown command",
    "pairing required",
)


def key_words(text: str) -> list[str]:
    """Which of the phrases a guard looks for are in what was said."""
    return [words for words in _KEYS if words.lower() in text.lower()]


def commands(world: World) -> dict[str, Any]:
    """The command line against the running gateway: exit codes and the names in its JSON."""
    found: dict[str, Any] = {}
    for line in ("health --json", "devices list --json", "gateway status --json", "config validate --json"):
        words = line.split()
        said = world.openclaw(*words, limit_s=world.seed.start_s)
        found[" ".join(words)] = {"exit": said.exit_code, "json": _names(said.stdout, words[0]), "says": key_words(said.text)}
    said = world.openclaw("--version", limit_s=world.seed.start_s)
    found["--version"] = {"exit": said.exit_code, "says": said.stdout.strip()}
    return found


_WANTED = {
    "health": ("ok", "defaultAgentId", "agents", "channels"),
    "devices": ("pending", "paired"),
    "gateway": ("rpc", "config", "gateway"),
    "config": ("valid", "path"),
}


def _names(text: str, command: str) -> Any:
    start = text.find("{")
    if start < 0:
        return None
    value, _ = json.JSONDecoder().raw_decode(text[start:])
    names: dict[str, Any] = {name: name in value for name in _WANTED[command]}
    if command == "gateway" and "rpc" in value:
        names["rpc.ok"] = value["rpc"].get("ok")
    if command == "health":
        names["ok"] = value.get("ok")
    return names


def doctor_beside(world: World) -> dict[str, Any]:
    """Doctor while the gateway owns the state."""
    found: dict[str, Any] = {}
    for words in (("--fix", "--non-interactive"), ("--lint", "--json", "--severity-min", "error")):
        said = world.openclaw("doctor", *words, limit_s=world.seed.start_s)
        found["doctor " + " ".join(words)] = {"exit": said.exit_code, "says": key_words(said.text), "json": _lint(said.stdout)}
    return found


def _lint(text: str) -> Any:
    if not text.lstrip().startswith("{"):
        return None
    value = json.loads(text)
    return {name: value.get(name) for name in ("schemaVersion", "ok", "findings") if name in value}


def methods(world: World, protocol: int) -> dict[str, Any]:
    """What a connection may call, by its scopes; without an identity, with the shared token."""
    calls: tuple[tuple[str, dict[str, Any]], ...] = (
        ("health", {}),
        ("device.pair.list", {}),
        ("no.such.method", {}),
        ("agents.list", {}),
    )
    found: dict[str, Any] = {}
    for scopes in (("operator.read",), ("operator.pairing",), ("operator.admin",)):
        attempt = Attempt(world.port, (protocol, protocol), {"token": world.token}, scopes=scopes)
        answer = knock(attempt, *calls)
        found[",".join(scopes)] = {r["id"]: r["ok"] or plain(r["error"]) for r in answer.results}
    return found


def agent_turns(world: World, model: StubModel) -> dict[str, Any]:
    """A real turn that spawns a sub-agent, one that sends to another agent; did the tool succeed, did the child run."""
    found: dict[str, Any] = {}
    for tool in ("sessions_spawn", "sessions_send"):
        nonce = os.urandom(4).hex()
        child = f"upgrader child {nonce}: say hi"
        args = (
            {"task": child}
            if tool == "sessions_spawn"
            else {"sessionKey": "agent:beta:main", "message": child, "timeoutSeconds": 60}
        )
        message = f"upgrader probe {nonce}: call {tool} with {json.dumps(args)} end of probe"
        said = world.openclaw("agent", "--agent", "main", "--message", message, limit_s=world.seed.start_s)
        results = [event.result for event in model.events(nonce) if event.saw is Saw.RESULT]
        status, error = _outcome(results[0]) if results else ("no result", "")
        if status in ("accepted", "ok"):
            world.wait(partial(_ran, model, nonce), f"the child of {tool}", world.seed.start_s)
        found[tool] = {"exit": said.exit_code, "status": status, "error": plain(error), "child": _ran(model, nonce)}
    return found


def _ran(model: StubModel, nonce: str) -> bool:
    return Saw.CHILD in [event.saw for event in model.events(nonce)]


def _outcome(result: str) -> tuple[str, str]:
    """Status and error of a tool's answer, which may be wrapped once or twice."""
    found: list[dict[str, Any]] = []

    def walk(value: Any) -> None:
        if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
            try:
                walk(json.loads(value))
            except ValueError:
                return
        elif isinstance(value, dict):
            if isinstance(value.get("status"), str):
                found.append(value)
            for part in value.values():
                walk(part)
        elif isinstance(value, list):
            for part in value:
                walk(part)

    walk(result)
    if not found:
        return "unreadable", ""
    return str(found[0]["status"]), str(found[0].get("error", "")).split("\n")[0]


def suspension(world: World) -> dict[str, Any]:
    """Asked to become idle: what an idle gateway answers, what it refuses meanwhile, and how it goes on."""
    request = json.dumps({"requestId": "observed", "terminalPolicy": "terminate", "drain": True})
    prepared: dict[str, Any] = {}

    def is_idle() -> bool:
        prepared.clear()
        prepared.update(_called(world, "gateway.suspend.prepare", request))
        return prepared.get("status") != "draining"  # some work of the start itself may still run

    world.wait(is_idle, "an idle gateway", world.seed.start_s)
    known = json.dumps({"suspensionId": prepared.pop("suspensionId", "")})
    prepared.pop("expiresAtMs", None)
    return {
        "prepared": prepared,
        "meanwhile": {name: _called(world, name, "{}") for name in ("health", "agents.list")},
        "resumed": _called(world, "gateway.suspend.resume", known),
        "resumed again": _called(world, "gateway.suspend.resume", known),
        "afterwards": world.openclaw("gateway", "call", "health", "--json", limit_s=world.seed.start_s).exit_code,
    }


def _called(world: World, method: str, parameters: str) -> dict[str, Any]:
    said = world.openclaw("gateway", "call", method, "--params", parameters, "--json", limit_s=world.seed.start_s)
    answer: dict[str, Any] = json.loads(said.stdout)
    return dict(answer["error"], exit=said.exit_code) if "error" in answer else answer


def log_form(world: World) -> dict[str, Any]:
    """What a line of the log file consists of."""
    lines = [line for line in world.log_since() if line.subsystem.startswith("gateway")]
    keys = set.intersection(*(set(line.keys) for line in lines))
    return {
        "keys of every line": sorted(keys),
        "subsystems": sorted({line.subsystem for line in lines} & {"gateway", "gateway/ws"}),
    }
