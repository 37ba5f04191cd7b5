"""The parts of OpenClaw's configuration that decide something here, typed. Pure.

Source: src/config/paths.ts, src/agents/agent-scope-config.ts, src/agents/workspace-default-path.ts, src/config/
config-env-vars.ts of 2026.9.6; src/gateway/auth.ts of 2026.2.17 (mode where none is set).
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from upgrader.domain.installation.configuration import AgentPlaces, ConfigInvalid, Configuration, IncludeAccess
from upgrader.domain.installation.facts import AuthFacts
from upgrader.domain.installation.selection import Location
from upgrader.domain.secret import Secret
from upgrader.domain.version import Version
from upgrader.errors import UsageError
from upgrader.services.openclaw.configuration import config_policy
from upgrader.services.openclaw.configuration.config_text import parse_dotenv, with_includes, with_variables

# Set by the configuration itself they are ignored (src/config/config-env-vars.ts of 2026.9.6).
_NOT_BY_CONFIG = frozenset(
    {"OPENCLAW_ALLOW_OLDER_BINARY_DESTRUCTIVE_ACTIONS", "OPENCLAW_INCLUDE_ROOTS", "OPENCLAW_CONFIG_READONLY"}
)
_SYSTEM = frozenset({"usr", "bin", "sbin", "lib", "lib64", "etc", "proc", "dev", "sys", "run"})
_POLICY_KEYS = frozenset({"agentToAgent", "allow", "alsoAllow", "deny", "profile", "sessions", "subagents"})


def read_configuration(
    raw: bytes, location: Location, access: IncludeAccess, environment: Mapping[str, str], dotenv: bytes
) -> Configuration:
    """What the configuration at `location.config` says. `dotenv` are the bytes of the state's `.env`, empty for none.

    A variable is looked up in `environment`, then in `.env`, then in the configuration's own `env`. Raises ConfigInvalid.
    """
    tree, files = with_includes(raw, location.config, location.include_roots, access)
    if not isinstance(tree, dict):
        raise ConfigInvalid(f"{location.config} is not an object", code="config_shape")
    known = {**_own_variables(tree), **parse_dotenv(dotenv), **{k: v for k, v in environment.items() if v.strip()}}
    unresolved: list[str] = []
    resolved = with_variables(tree, known, unresolved)
    agents = _agents(resolved, location, known)
    return Configuration(
        files=files,
        port=_port(_at(resolved, "gateway", "port")),
        bind=_text(_at(resolved, "gateway", "bind")),
        auth=_auth(resolved, known),
        agents=agents,
        tool_policy=_tool_policy(_at(resolved, "tools")),
        updates_itself=_at(resolved, "update", "auto", "enabled") is True,
        log_file=_path(_at(resolved, "logging", "file"), location.home),
        last_touched=_version(_at(resolved, "meta", "lastTouchedVersion")),
        external=_external(resolved, location, agents),
        mentioned=tuple(_mentioned(resolved, location)),
        unresolved=tuple(unresolved),
        channels=_channels(_at(resolved, "channels")),
        policy=config_policy.policy_of(resolved, tuple(agent.id for agent in agents)),
        secrets=tuple(Secret(text) for text in config_policy.secret_texts(resolved)),
    )


def without_configuration(location: Location, environment: Mapping[str, str]) -> Configuration:
    """What counts where there is no configuration file."""
    return Configuration(auth=_auth({}, environment), agents=_agents({}, location, environment))


def _own_variables(tree: Mapping[str, Any]) -> dict[str, str]:
    """`env.vars.NAME` and `env.NAME`; values that refer to other variables do not count."""
    section = tree.get("env")
    if not isinstance(section, dict):
        return {}
    found: dict[str, str] = {}
    for group in (section.get("vars"), {name: value for name, value in section.items() if name not in {"vars", "shellEnv"}}):
        for name, value in (group if isinstance(group, dict) else {}).items():
            if isinstance(value, str) and value.strip() and "${" not in value and name.upper() not in _NOT_BY_CONFIG:
                found[name] = value
    return found


def _channels(section: object) -> tuple[str, ...]:
    """The chat channels with a section of their own that does not say `enabled: false`; `defaults` is none of them."""
    found = section if isinstance(section, dict) else {}
    own = {name: each for name, each in found.items() if name != "defaults" and isinstance(each, dict)}
    return tuple(sorted(name for name, each in own.items() if each.get("enabled") is not False))


def _tool_policy(section: object) -> str:
    """The keys that decide which tools an agent has, and a digest of the whole section, which may hold keys of services."""
    known = section if isinstance(section, dict) else {}
    shown = {key: value for key, value in known.items() if key in _POLICY_KEYS}
    whole = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
    return json.dumps({**shown, "sha256": whole}, sort_keys=True)


def _auth(tree: Mapping[str, Any], known: Mapping[str, str]) -> AuthFacts:
    """Gateway authentication as the server takes it: the configuration first, the environment where it says nothing.

    A reference to an environment variable is followed; one to a file or a program is not: its value stays unknown.
    """
    section = _at(tree, "gateway", "auth")
    token = _secret(_at(section, "token"), known)
    password = _secret(_at(section, "password"), known)
    if not _at(section, "token"):
        token = Secret(known.get("OPENCLAW_GATEWAY_TOKEN", ""))
    if not _at(section, "password"):
        password = Secret(known.get("OPENCLAW_GATEWAY_PASSWORD", ""))
    mode = _text(_at(section, "mode"))
    if not mode:
        mode = "password" if password else "token" if token or _at(section, "token") else "none"
    return AuthFacts(mode, token, password)


def _secret(value: object, known: Mapping[str, str]) -> Secret:
    if isinstance(value, str):
        return Secret("" if value.startswith("${") and value.endswith("}") else value)
    if isinstance(value, dict) and value.get("source") == "env" and isinstance(value.get("id"), str):
        return Secret(known.get(str(value["id"]), ""))
    return Secret("")


def _agents(tree: Mapping[str, Any], location: Location, known: Mapping[str, str]) -> tuple[AgentPlaces, ...]:
    """The agents and where they live; without a roster there is one, `main`.

    The default agent (marked, else the only one, else the first) works in `agents.defaults.workspace` or `<state>/workspace`;
    others in a folder of theirs below the former or in `<state>/workspace-<id>`. 2026.9.6 forgets the mark once its doctor
    has made ownership explicit: then the default agent may live as the others do.
    """
    roster = _roster(tree)
    owner = next((name for name, entry in roster if entry.get("default") is True), roster[0][0])
    common = _path(_at(tree, "agents", "defaults", "workspace"), location.home)
    named = _path(known.get("OPENCLAW_WORKSPACE_DIR"), location.home)
    places = []
    for name, entry in roster:
        own = common / name if common else location.state / f"workspace-{name}"
        shared = common or named or location.state / "workspace"
        workspace = _path(entry.get("workspace"), location.home)
        maybe = () if workspace else ((own,) if name == owner else ())
        directory = _path(entry.get("agentDir"), location.home) or location.state / "agents" / name / "agent"
        places.append(AgentPlaces(name, workspace or (shared if name == owner else own), directory, maybe))
    return tuple(places)


def _roster(tree: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """`agents.entries.<id>` (8.1+) or `agents.list[]` (before)."""
    entries, listed = _at(tree, "agents", "entries"), _at(tree, "agents", "list")
    found: list[tuple[str, dict[str, Any]]] = []
    if isinstance(entries, dict):
        found = [(name.lower(), each if isinstance(each, dict) else {}) for name, each in entries.items()]
    elif isinstance(listed, list):
        found = [(each["id"].lower(), each) for each in listed if isinstance(each, dict) and isinstance(each.get("id"), str)]
    return found or [("main", {})]


def _external(tree: Mapping[str, Any], location: Location, agents: tuple[AgentPlaces, ...]) -> tuple[Path, ...]:
    named = [place for agent in agents for place in (agent.workspace, agent.directory)]
    store = _path(_at(tree, "session", "store"), location.home)
    if store is not None:  # it may be a pattern with {agentId}
        named.append(next((each for each in (store, *store.parents) if "{" not in str(each)), store))
    paths = _at(tree, "plugins", "load", "paths")
    for each in paths if isinstance(paths, list) else []:
        place = _path(each, location.home)
        if place is not None:
            named.append(place)
    return tuple(dict.fromkeys(place for place in named if not place.is_relative_to(location.state)))


def _mentioned(node: Any, location: Location) -> Iterator[Path]:
    """Whatever looks like a path of some depth, but the system's own and what holds the state or the home itself."""
    if isinstance(node, str) and node.startswith(("/", "~/")):
        place = _path(node, location.home) or Path("/")
        holds = any(each.is_relative_to(place) for each in (location.state, location.home))
        if len(place.parts) > 2 and place.parts[1] not in _SYSTEM and not holds:
            yield place
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _mentioned(each, location)


def _at(value: object, *keys: str) -> Any:
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _path(value: object, home: Path) -> Path | None:
    text = _text(value)
    if not text or "${" in text:
        return None
    if text == "~" or text.startswith("~/"):
        text = str(home) + text[1:]
    return Path(os.path.normpath(home / text))


def _port(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 65535 else None


def _version(value: object) -> Version | None:
    try:
        return Version.parse(value) if isinstance(value, str) else None
    except UsageError:
        return None
