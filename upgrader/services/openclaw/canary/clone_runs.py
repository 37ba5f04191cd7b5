"""How a release is run on a clone: environment, command lines, readiness, and what its agents are asked to do."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from upgrader.domain.canary.course import Readiness
from upgrader.domain.canary.enclosure import NO_BUS, NO_RUNTIME
from upgrader.domain.canary.turns import TurnKind, TurnProbe
from upgrader.domain.kept.slot import Slot
from upgrader.domain.pairing.observation import LogFinding
from upgrader.domain.version import Version
from upgrader.services.openclaw.canary.clone_config import agent_ids
from upgrader.services.openclaw.canary.turn_policy import agent_section, taking
from upgrader.services.openclaw.commands import ENTRY
from upgrader.services.openclaw.configuration.secret_places import without_secrets

# Environment switches of OpenClaw's own canary (dist/update-rehearsal-paths-*.mjs of 2026.9.6); all but the last three are
# known to 2026.2.17 as well. Its NODE_DISABLE_COMPILE_CACHE is left out: a canary may warm that cache.
_QUIET = {
    "OPENCLAW_SKIP_CHANNELS": "1",
    "OPENCLAW_SKIP_PROVIDERS": "1",
    "OPENCLAW_SKIP_CRON": "1",
    "OPENCLAW_SKIP_GMAIL_WATCHER": "1",
    "OPENCLAW_SKIP_CANVAS_HOST": "1",
    "OPENCLAW_SKIP_BROWSER_CONTROL_SERVER": "1",
    "OPENCLAW_DISABLE_BONJOUR": "1",
    "OPENCLAW_NO_RESPAWN": "1",
    "OPENCLAW_NO_AUTO_UPDATE": "1",
    "OPENCLAW_SKIP_STARTUP_MODEL_PREWARM": "1",
    "DO_NOT_TRACK": "1",
}
# Tables whose every row must be in the clone as in the source. Names of 2026.9.5 and 9.6.
PAIRING_TABLES = (
    "device_identities",
    "device_auth_tokens",
    "gateway_origin_device_tokens",
    "device_pairing_paired",
    "device_pairing_pending",
    "device_bootstrap_tokens",
    "device_pairing_join_codes",
    "exec_approvals_config",
)
PAIRING_FILES = (
    "identity/device.json",
    "identity/device-auth.json",
    "devices/paired.json",
    "devices/pending.json",
    "devices/bootstrap.json",
    "nodes/paired.json",
    "nodes/pending.json",
    "exec-approvals.json",
)
# Ports a gateway derives from its own: browser control, and the debugging ports of the browsers it starts (docs of 2026.9.5,
# gateway/multiple-gateways: + 2, and from 9 to 108 above that). Its canvas is served on the gateway's port.
DERIVED_PORTS = (2, *range(2 + 9, 2 + 108 + 1))
_TUI_ANSWERED = (r"hello.{1,20}from.{1,20}the.{1,20}stand-in",)  # the stand-in model's words; colours may stand between
_TUI_REFUSED = (r"pairing required", r"unauthorized", r"gateway closed")
# Lines of a gateway's log that a healthy canary does not have (reference 3.2); the words are OpenClaw's.
_SIGNATURES = {
    "pairing-required": re.compile(rb"pairing required", re.IGNORECASE),
    "device-token-mismatch": re.compile(rb"device token mismatch|device_token_mismatch", re.IGNORECASE),
    "token-mismatch": re.compile(rb"gateway token mismatch", re.IGNORECASE),
    "missing-scope": re.compile(rb"missing scope: operator", re.IGNORECASE),
    "newer-schema": re.compile(rb"uses newer schema version", re.IGNORECASE),
    "legacy-identity": re.compile(rb"Legacy device identity exists", re.IGNORECASE),
    "quarantine": re.compile(rb"database quarantined", re.IGNORECASE),
}

# An OpenClaw process that finds the state's locks held, and what becomes of its agents' databases then (9.6, seen).
_HELD = re.compile(r"another OpenClaw process owns|Agent (?:native close and lease|database) cleanup failed", re.IGNORECASE)
_FULL = re.compile(r"ENOSPC|EDQUOT|no space left on device|disk quota exceeded|database or disk is full", re.IGNORECASE)
# What differs between two runs of the same fault: ids, ports, times, paths of the clone.
_VARIES = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9a-f]{12,}\b|\d+(?:\.\d+)?|/\S+", re.IGNORECASE)


def readiness(version: Version) -> Readiness:
    """What to ask. `/readyz` exists from 3.1 on, `/startupz` from 8.1 on (string scan; both answered by 9.5 and 9.6)."""
    if version.at_least("2026.8.1"):
        return Readiness.STARTUPZ
    return Readiness.READYZ if version.at_least("2026.3.1") else Readiness.SOCKET


def is_ready(path: str, status: int, body: bytes) -> bool:
    """Whether the answer to `/startupz` or `/readyz` says ready. A page of HTML with 200 says nothing."""
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    if status != 200 or not isinstance(answer, dict):
        return False
    return answer.get("status") == "started" if path == "/startupz" else answer.get("ready", answer.get("ok")) is True


def is_greeting(message: bytes) -> bool:
    """Whether a WebSocket's first message is a gateway's challenge (2026.2.17 and later send it unasked)."""
    try:
        greeting = json.loads(message)
    except ValueError:
        return False
    return isinstance(greeting, dict) and greeting.get("event") == "connect.challenge"


def terminal_arguments(nonce: str, config: Mapping[str, object]) -> tuple[str, ...]:
    """`openclaw tui` in a session of its own: the main one would show what earlier probes said. It says a word of its own
    (`--message`, in the help of 2026.2.17, 2.19, 2.22, 9.5 and 9.6).

    The key names the agent: with several agents 2026.9.6 ends with "session agent resolution has no explicit owner" (seen).
    """
    session = f"agent:{agent_ids(config)[0]}:upgrader-{nonce}"
    return ("tui", "--session", session, "--message", f"upgrader turn {nonce}: say hello")


def terminal_patterns(_version: Version) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What `openclaw tui` shows when it was answered, and when it was refused."""
    return _TUI_ANSWERED, _TUI_REFUSED


def log_findings(data: bytes) -> tuple[LogFinding, ...]:
    """Known signatures in a log file of one gateway. The sample is the matched words only: a line may hold secrets."""
    found = []
    for name, pattern in _SIGNATURES.items():
        if hits := pattern.findall(data):
            found.append(LogFinding(name, len(hits), hits[0].decode("utf-8", "replace").lower()))
    return tuple(found)


def reason(why: str) -> str:
    """The signatures a failure carries, whatever a release says around them; else its text without ids, numbers and paths."""
    data = why.encode()
    known = [name for name, pattern in _SIGNATURES.items() if pattern.search(data)]
    return ", ".join(known) or _VARIES.sub("·", why)


def environment(slot: Slot, home: Path, state: Path, temporary: Path, config_name: str, profile: str) -> dict[str, str]:
    """All a candidate gets to see of an environment: no bus, no runtime directory, no proxy, no key."""
    named = {"OPENCLAW_PROFILE": profile} if profile else {}
    return {
        **_QUIET,
        **named,
        "HOME": str(home),
        "OPENCLAW_STATE_DIR": str(state),
        "OPENCLAW_CONFIG_PATH": str(state / config_name),
        "TMPDIR": str(temporary),
        "PATH": f"{slot.node.path.parent}:/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        # Leaving them out is not enough: 2026.9.6 finds the user's runtime directory by itself (measured under systemd).
        "XDG_RUNTIME_DIR": str(temporary / NO_RUNTIME),
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={temporary}/{NO_BUS}",
    }


def code_paths(config: Mapping[str, object], home: Path) -> tuple[Path, ...]:
    """`plugins.load.paths` and `skills.load.extraDirs`, absolute: files or directories of a person's own."""
    listed = (("plugins", "paths"), ("skills", "extraDirs"))
    named = [_mapping(_mapping(config.get(section)).get("load")).get(key) for section, key in listed]
    words = [word for each in named if isinstance(each, list) for word in each if isinstance(word, str)]
    places = [home / word[2:] if word.startswith("~/") else Path(word) for word in words]
    return tuple(dict.fromkeys(place for place in places if place.is_absolute() and len(place.parts) > 2))


def command(slot: Slot, *arguments: str) -> tuple[str, ...]:
    """An OpenClaw command of this slot."""
    return (str(slot.node.path), str(slot.package_root / ENTRY), *arguments)


def turn_arguments(probe: TurnProbe) -> tuple[str, ...]:
    """`openclaw agent`, through the gateway."""
    return ("agent", "--agent", probe.agent, "--message", probe.message)


def reason_first(said: str) -> str:
    """Without the four lines about its gateway that the command line of 9.6 puts after an error (seen)."""
    return re.sub(r"^\s*(?:Gateway target|Source|Config|Bind): .*\n?", "", said, flags=re.MULTILINE)


def ran_embedded(said: str) -> bool:
    """Whether the CLI gave up on the gateway and ran the turn itself: then nothing was shown of the gateway."""
    return re.search(r"falling back to embedded|gateway agent failed", said, re.IGNORECASE) is not None


def is_passing(said: str) -> bool:
    """Whether a turn was turned away only because another OpenClaw process held the state at that moment.

    Seen of 2026.9.6 beside its own terminal client, and in the turns right after its first start on a migrated state: "another
    OpenClaw process owns state-lifecycle"; an agent's database that could not be closed meanwhile is not opened again by that
    process ("Agent database cleanup failed"); after the next start all went well (docs/openclaw-canary.md).
    """
    return _HELD.search(said) is not None


def is_no_room(said: str) -> bool:
    """Whether something failed because a disk was full: the words of Node (libuv) and of SQLite."""
    return _FULL.search(said) is not None


def turn_probe(kind: TurnKind, nonce: str, config: Mapping[str, object], version: Version) -> TurnProbe:
    """The turn that makes an agent spawn a sub-agent, or write to another agent, or just answer; the policy must let one.

    Arguments of sessions_spawn and sessions_send are those accepted by 2026.2.17, 2.19, 2.22, 9.5 and 9.6.
    """
    agents = taking(kind, config, version)
    child = f"upgrader child {nonce}: say hi"
    if kind is TurnKind.SPAWN:
        call = {"task": child, "label": f"upgrader-{nonce}", **_spawn_target(config, agents[0])}
        return TurnProbe(kind, agents[0], nonce, _ask(nonce, "sessions_spawn", call), "sessions_spawn")
    if kind is TurnKind.SEND:
        call = {"sessionKey": f"agent:{agents[1]}:{_main_key(config)}", "message": child, "timeoutSeconds": "60"}
        return TurnProbe(kind, agents[0], nonce, _ask(nonce, "sessions_send", {**call, "timeoutSeconds": 60}), "sessions_send")
    return TurnProbe(kind, agents[0], nonce, f"upgrader turn {nonce}: say hello")


def answer_status(result: str) -> tuple[str, str]:
    """(status, error) of a tool's answer, found through the wrapping of 9.6's tool_call. Both empty when there is none."""
    found = _find_answer(_loaded(result), 6)
    status, error = found.get("status"), found.get("error")
    return str(status or ""), str(error or "")


def holds_answer(result: str, probe: TurnProbe) -> bool:
    """Whether a tool's answer brings what the other agent said (`reply` of sessions_send: 2026.2.22, 7.1, 9.5, 9.6, seen)."""
    return f"upgrader answer {probe.nonce}" in result


def returns_answers(version: Version) -> bool:
    """Whether a sub-agent's answer is told to the agent that spawned it, where no channel is at hand.

    Seen of 2026.7.1, 9.5 and 9.6, two seconds after the sub-agent ended at most; not within 12 s of 2026.2.22. What lies
    between was not tried.
    """
    return version.at_least("2026.7.1")


def policy_views(config: Mapping[str, object]) -> tuple[tuple[str, str | None], ...]:
    """What of a configuration must be equal in source and clone, each with a digest (None: absent)."""
    defaults = _mapping(_mapping(config.get("agents")).get("defaults"))
    sandbox = _mapping(defaults.get("sandbox"))
    views: dict[str, object] = {
        "gateway.auth": _mapping(config.get("gateway")).get("auth"),
        "gateway.auth.policy": without_secrets(_mapping(config.get("gateway")).get("auth")),
        "gateway.controlUi": _mapping(config.get("gateway")).get("controlUi"),
        "gateway.nodes": _mapping(config.get("gateway")).get("nodes"),
        "tools": without_secrets(config.get("tools")),
        "session": config.get("session"),
        "agents": list(agent_ids(config)),
        "agents.tools": {name: without_secrets(agent_section(config, name).get("tools")) for name in agent_ids(config)},
        "agents.subagents": {name: _allowed(agent_section(config, name)) for name in agent_ids(config)},
        "agents.defaults.sandbox.sessionToolsVisibility": sandbox.get("sessionToolsVisibility"),
    }
    return tuple((name, None if value is None else _digest(value)) for name, value in views.items())


def _ask(nonce: str, tool: str, call: Mapping[str, object]) -> str:
    return f"upgrader probe {nonce}: call {tool} with {json.dumps(call)} end of probe"


def _spawn_target(config: Mapping[str, object], agent: str) -> dict[str, str]:
    """Whose sub-agent it is to be, where the policy wants that said (requireAgentId, 2026.9.5): one that may be, own first."""
    own = _mapping(agent_section(config, agent).get("subagents"))
    common = _mapping(_mapping(_mapping(config.get("agents")).get("defaults")).get("subagents"))
    policy = {**common, **own}
    if policy.get("requireAgentId") is not True:
        return {}
    allow = policy.get("allowAgents")
    named = {str(name).lower() for name in allow} if isinstance(allow, list) else set()
    own_first = (agent, *agent_ids(config))
    return {"agentId": next((each for each in own_first if {each, "*"} & named), agent)}


def _main_key(config: Mapping[str, object]) -> str:
    return str(_mapping(config.get("session")).get("mainKey") or "main")


def _allowed(agent: Mapping[str, object]) -> object:
    return _mapping(agent.get("subagents")).get("allowAgents")


def _find_answer(value: object, depth: int) -> Mapping[str, object]:
    if isinstance(value, str) and depth:
        return _find_answer(_loaded(value), depth - 1)
    if isinstance(value, dict) and isinstance(value.get("status"), str):
        return value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts if depth else ():
        if found := _find_answer(part, depth - 1):
            return found
    return {}


def _loaded(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
