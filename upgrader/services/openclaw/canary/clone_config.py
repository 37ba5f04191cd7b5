"""The configuration of a clone: quiet, on loopback, with the stand-in model, and otherwise the user's own.

Schemas are strict: a key the release does not know makes the whole file invalid. The keys set here exist in 2026.2.17
(zod schema in its dist/plugin-sdk/config-*.js) and in 2026.9.5/9.6 (started with them); a younger key has a rule that says so.
OpenClaw's own canary makes much the same edits (dist/update-candidate-rehearsal-*.mjs of 9.6), but with a random gateway
token; here gateway.auth stays, since pairing is what is tested.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import cast

from upgrader.domain.canary.clone import CloneWish, Edit, EditedConfig
from upgrader.domain.version import Version
from upgrader.services.openclaw.canary.clone_secrets import named_variables, settle_references
from upgrader.services.openclaw.canary.open_clone import make_inert, without_hands, without_proxies
from upgrader.services.openclaw.configuration.secret_places import texts

PROVIDER = "upgrader-canary"
_NOT_A_CHANNEL = frozenset({"defaults", "modelByChannel"})
_MODEL_KEYS = (
    *("model", "models", "modelPolicy", "fastMode", "utilityModel"),
    *("imageModel", "imageGenerationModel", "videoGenerationModel", "voiceModel", "pdfModel"),
)
_TO_A_NETWORK = frozenset({"lan", "tailnet", "custom"})

Document = dict[str, object]


@dataclass(frozen=True)
class _Set:
    """Set `value` at `path`. `only_if` is the key that must be there already for the rule to apply (depth into path)."""

    path: tuple[str, ...]
    value: object
    why: str
    only_if: int = 0
    since: str = "2026.1.1"


_RULES = (
    _Set(("gateway", "mode"), "local", "a clone is a gateway, never a client of another"),
    _Set(("gateway", "tls", "enabled"), False, "the probes speak plain WebSocket on loopback", only_if=2),
    _Set(("gateway", "tailscale", "mode"), "off", "no way out", only_if=2),
    _Set(("cron", "enabled"), False, "due jobs must not run"),
    _Set(("hooks", "enabled"), False, "no webhooks"),
    _Set(("hooks", "internal", "enabled"), False, "no hook scripts of the user: 9.x runs installed packs without a word here"),
    _Set(("discovery", "mdns", "mode"), "off", "not announced on the network"),
    _Set(("browser", "enabled"), False, "no browser is started"),
    _Set(("update", "checkOnStart"), False, "no call to the registry"),
    _Set(("update", "auto", "enabled"), False, "it must not update itself", only_if=2),
    _Set(("models", "catalogRefresh", "enabled"), False, "no call to a catalogue", since="2026.8.1"),
    _Set(("agents", "defaults", "heartbeat", "every"), "0m", "no turns of their own"),
    _Set(("env", "shellEnv", "enabled"), False, "the user's login shell is not run", only_if=2),
    _Set(("diagnostics", "otel", "enabled"), False, "no telemetry", only_if=2),
    _Set(("telemetry", "enabled"), False, "no telemetry", only_if=1),
    _Set(("transcripts", "enabled"), False, "no recording", only_if=1),
    _Set(("web", "enabled"), False, "no channel", only_if=1),
)


def quiet_config(source: Mapping[str, object], wish: CloneWish) -> EditedConfig:
    """The clone's configuration from the user's (parsed, includes resolved)."""
    document = cast(Document, json.loads(json.dumps(source)))
    edits = [
        *_bind(document, wish),
        *_apply_rules(document, wish.version),
        *_set(document, ("gateway", "port"), wish.port, "its own port"),
        *_set(document, ("logging", "file"), str(wish.log), "the live log is shared by all gateways of a user"),
        *_channels(document),
        *_models(document, wish),
        *_agents(document),
        *_without_servers(document),
        *without_proxies(document),
        *settle_references(document, wish.own.reveal()),
    ]
    for move in wish.moves:
        if count := _move_paths(document, str(move.old), str(move.new)):
            edits.append(Edit("*", f"{count} absolute paths now lead into the clone"))
    if wish.inert is not None:
        stub = _mapping(_mapping(_mapping(document["models"]).get("providers")).get(PROVIDER))
        edits.extend(make_inert(document, wish.inert.reveal(), stub))
        edits.extend(without_hands(document))
    data = (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
    return EditedConfig(data, tuple(edits), named_variables(document, data.decode()))


def fresh_config(token: str) -> bytes:
    """An empty profile: what `openclaw gateway run` needs before it starts (gateway.mode) and a token of its own."""
    gateway = {"mode": "local", "auth": {"mode": "token", "token": token}}
    return (json.dumps({"gateway": gateway}) + "\n").encode()


def agent_ids(config: Mapping[str, object]) -> tuple[str, ...]:
    """The configured agents, the default one first. `agents.list` up to 7.x, `agents.entries` from 8.1; none means `main`."""
    agents = _mapping(config.get("agents"))
    found = [(str(a.get("id")).lower(), a.get("default") is True) for a in _mappings(agents.get("list")) if a.get("id")]
    found += [(name.lower(), _mapping(a).get("default") is True) for name, a in _mapping(agents.get("entries")).items()]
    if not found:
        return ("main",)
    return tuple(name for name, _ in sorted(found, key=lambda pair: not pair[1]))


def _apply_rules(document: Document, version: Version) -> Iterator[Edit]:
    for rule in _RULES:
        if not version.at_least(rule.since) or not _has(document, rule.path[: rule.only_if]):
            continue
        yield from _set(document, rule.path, rule.value, rule.why)


def _set(document: Document, path: tuple[str, ...], value: object, why: str) -> Iterator[Edit]:
    here = document
    for name in path[:-1]:
        inner = here.get(name)
        if not isinstance(inner, dict):
            inner = here[name] = {}
        here = inner
    if here.get(path[-1]) != value:
        here[path[-1]] = value
        yield Edit(".".join(path), why)


def _has(document: Mapping[str, object], path: tuple[str, ...]) -> bool:
    here: object = document
    for name in path:
        if not isinstance(here, dict) or name not in here:
            return False
        here = here[name]
    return True


def _bind(document: Document, wish: CloneWish) -> Iterator[Edit]:
    """Loopback. Behind walls a gateway that listens to a network still does so, on the only interface there is: releases refuse
    to start there for reasons of their own ("non-loopback Control UI requires gateway.controlUi.allowedOrigins", 2026.3.13 and
    later), and that is to be seen. An address or a tailnet of the machine is not there, so it becomes all addresses.
    """
    gateway = _mapping(document.get("gateway"))
    if wish.inert is None and gateway.get("bind") in _TO_A_NETWORK:
        yield from _set(document, ("gateway", "bind"), "lan", "the address it listens on is not there behind walls")
    else:
        yield from _set(document, ("gateway", "bind"), "loopback", "nobody outside may reach it")
    if _mapping(gateway.get("tls")).get("enabled") is True:
        limit = "gateway.tls was off in the canary: certificates and clients that speak TLS were not tried"
        yield Edit("gateway.tls", "the probes speak plain WebSocket on loopback", limit)


def _channels(document: Document) -> Iterator[Edit]:
    for name, channel in _mapping(document.get("channels")).items():
        if name not in _NOT_A_CHANNEL and isinstance(channel, dict) and channel.get("enabled") is not False:
            channel["enabled"] = False
            yield Edit(f"channels.{name}.enabled", "a canary never speaks to a real channel")


def _models(document: Document, wish: CloneWish) -> Iterator[Edit]:
    free = {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0}
    model = {
        "id": wish.model.model_id,
        "name": "Canary",
        "reasoning": False,
        "input": ["text"],
        "cost": free,
        "contextWindow": 200000,
        "maxTokens": 8192,
    }
    provider = {
        "baseUrl": wish.model.base_url,
        "apiKey": wish.model.token.reveal(),
        "api": "openai-completions",
        "models": [model],
    }
    yield from _set(document, ("models", "providers"), {PROVIDER: provider}, "the stand-in model instead of real providers")
    primary = {"primary": f"{PROVIDER}/{wish.model.model_id}"}
    yield from _drop(document, ("agents", "defaults"), _MODEL_KEYS, "the stand-in model answers")
    yield from _drop(document, ("agents", "defaults", "heartbeat"), ("model",), "the stand-in model answers")
    yield from _drop(document, ("agents", "defaults", "subagents"), ("model",), "the stand-in model answers")
    yield from _drop(document, ("agents", "defaults", "compaction"), ("model",), "the stand-in model answers")
    yield from _set(document, ("agents", "defaults", "model"), primary, "the stand-in model answers")


def _agents(document: Document) -> Iterator[Edit]:
    agents = _mapping(document.get("agents"))
    entries = _mapping(agents.get("entries"))
    each = [(str(a.get("id")), a) for a in _mappings(agents.get("list"))]
    each += [(name, agent) for name, agent in entries.items() if isinstance(agent, dict)]
    for name, agent in each:
        place = f"agents.{name}"
        for key in [k for k in _MODEL_KEYS if k in agent]:
            del agent[key]
            yield Edit(f"{place}.{key}", "the stand-in model answers")
        if isinstance(inner := agent.get("subagents"), dict) and inner.pop("model", None):
            yield Edit(f"{place}.subagents.model", "the stand-in model answers")
        if isinstance(beat := agent.get("heartbeat"), dict):
            beat.pop("model", None)
            beat["every"] = "0m"
            yield Edit(f"{place}.heartbeat", "no turns of their own")
        if _mapping(agent.get("runtime")).get("type") == "acp":
            del agent["runtime"]
            limit = f"{name} works in a harness of its own (runtime acp): in the canary it answered without"
            yield Edit(f"{place}.runtime", "no other program answers here", limit)
        yield from _unsandboxed(agent, place)
    defaults = agents.get("defaults")
    if isinstance(defaults, dict):
        yield from _unsandboxed(defaults, "agents.defaults")


def _unsandboxed(agent: Document, place: str) -> Iterator[Edit]:
    """Containers cannot be started from a sealed place; tool policy and visibility of sandboxes stay as they are."""
    sandbox = agent.get("sandbox")
    if isinstance(sandbox, dict) and sandbox.get("mode") not in (None, "off"):
        sandbox["mode"] = "off"
        limit = f"{place} works in containers (sandbox): in the canary its turns ran without one"
        yield Edit(f"{place}.sandbox.mode", "no containers here: what a sandboxed turn does is not shown", limit)


def _without_servers(document: Document) -> Iterator[Edit]:
    names = ", ".join(sorted(_mapping(_mapping(document.get("mcp")).get("servers"))))
    for edit in _drop(document, ("mcp",), ("servers",), "their commands and credentials stay out"):
        yield replace(edit, limit=f"MCP servers were left out of the canary: {names}") if names else edit


def _drop(document: Document, path: tuple[str, ...], keys: tuple[str, ...], why: str) -> Iterator[Edit]:
    here: object = document
    for name in path:
        here = _mapping(here).get(name)
    if isinstance(here, dict):
        for key in [k for k in keys if k in here]:
            del here[key]
            yield Edit(".".join((*path, key)), why)


def _move_paths(node: object, old: str, new: str) -> int:
    """Rewrite every string that is `old` or lies below it; returns how many."""
    count = 0
    for container, key, _, value in texts(node):
        if value == old or value.startswith(old + "/"):
            container[key] = new + value[len(old) :]
            count += 1
    return count


def _mapping(value: object) -> Document:
    return value if isinstance(value, dict) else {}


def _mappings(value: object) -> list[Document]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []
