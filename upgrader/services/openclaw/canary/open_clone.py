"""What a clone without walls has no more: secrets, and whatever runs programs or speaks with the world. Pure.

Sections and keys of 2026.2.17 (its zod schema) and of 9.5 and 9.6 (`openclaw config schema`); each is touched only where it is.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from upgrader.domain.canary.clone import Edit
from upgrader.services.openclaw.configuration.secret_places import (
    Document,
    is_secret,
    is_secret_file,
    texts,
    without_credentials,
)

_RUNTIME = ("group:runtime",)
_NO_FILE = "/dev/null"
_OURS = "no walls here"
_MEMORY = "memory-core"  # comes with every release
# Variables that steer a process and are no secrets: `NODE_OPTIONS=inert` ends every program of Node, and the client of OpenClaw
# takes OPENCLAW_GATEWAY_TOKEN before the configuration's.
_STEERS = re.compile(r"^(OPENCLAW|CLAWDBOT|MOLTBOT|NODE|LD|LC|XDG|GIT)_|^(TZ|LANG|PATH|HOME|TMPDIR|SHELL)$", re.IGNORECASE)
_PROXIES = re.compile(
    r"^((https?|all|no|ftp|socks|global_agent_https?)_proxy|openclaw_proxy_url|node_use_env_proxy)$", re.IGNORECASE
)
# One setting of a file of variables, as dotenv reads it: its name, and a value that may go over several lines in quotes.
_SETTING = re.compile(
    r"^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*=[ \t]*"
    r"('(?:\\'|[^'])*'|\"(?:\\\"|[^\"])*\"|`(?:\\`|[^`])*`|[^\n]*)[^\n]*(?:\n|$)",
    re.MULTILINE,
)
# (section, key): switched off where the section is.
_SWITCHES = (
    ("memory", "search", "enabled"),
    ("agents", "defaults", "memorySearch", "enabled"),
    ("acp", "enabled"),
    ("desktop", "host", "enabled"),
)


def without_proxies(document: Document) -> Iterator[Edit]:
    """No variable of the configuration leads elsewhere: the stand-in model is on loopback, and a proxy is not there."""
    section = _mapping(document.get("env"))
    for held in (section, _mapping(section.get("vars"))):
        for name in [name for name in held if _PROXIES.match(name)]:
            del held[name]
            yield Edit(f"env.{name}", "no way out, and the stand-in model is asked directly")
    proxy = _mapping(document.get("proxy"))
    if proxy.get("enabled") is True:
        proxy["enabled"] = False
        yield Edit(
            "proxy.enabled", "no way out", "proxy was off in the canary: what it does to OpenClaw's own calls was not tried"
        )


def variables_without_proxies(data: bytes) -> bytes:
    """A file of variables without those of proxies; all else as it was."""
    text = data.decode("utf-8", "surrogateescape")
    kept = _SETTING.sub(lambda found: "" if _PROXIES.match(found[1]) else found[0], text)
    return kept.encode("utf-8", "surrogateescape")


def inert_variables(data: bytes) -> bytes:
    """A file of variables in which each is inert, but for those that steer a process: they are left out."""
    names = [found[1] for found in _SETTING.finditer(data.decode("utf-8", "replace").replace("\r\n", "\n"))]
    return "".join(f"{name}=inert\n" for name in names if not _STEERS.match(name) and not _PROXIES.match(name)).encode()


def make_inert(document: Document, token: str, spared: object) -> Iterator[Edit]:
    """Replace every secret by its place, and all of `env`. The gateway's own becomes `token`; `spared` is left alone."""
    count = 0
    for container, key, place, value in list(texts({k: v for k, v in document.items() if k != "env"})):
        if container is spared:
            continue
        inert = _NO_FILE if is_secret_file(place) else f"inert-{token[:8]}" if is_secret(place) else without_credentials(value)
        count += inert != value
        container[key] = inert
    section = _mapping(document.get("env"))
    for held in (section, _mapping(section.get("vars"))):
        for name in [name for name, value in held.items() if isinstance(value, str)]:
            count += 1
            held[name] = "inert"
            if _STEERS.match(name):
                del held[name]
    _give_secret(_mapping(_mapping(document["gateway"]).setdefault("auth", {})), token)
    yield Edit("*", f"{count} secrets are inert: this place has no walls")


def _give_secret(auth: Document, token: str) -> None:
    """The gateway's own secret is `token`, under every name it is held by."""
    held = [key for key in ("token", "password") if key in auth]
    if not held and auth.get("mode") in (None, "token", "password"):  # the live one is given by its environment
        held = ["password" if auth.get("mode") == "password" else "token"]
    for key in held:
        auth[key] = token


def without_hands(document: Document) -> Iterator[Edit]:
    """No agent runs a program, no plugin a person configured starts its service, nothing is ordered of elsewhere.

    `group:runtime` is exec and process (dist/pi-embedded-helpers-*.js of 2026.2.17; tool-policy.md in the docs of 9.6).
    """
    tools = document.get("tools")
    tools = tools if isinstance(tools, dict) else {}
    denied = tools.get("deny")
    document["tools"] = {**tools, "deny": [*(denied if isinstance(denied, list) else []), *_RUNTIME]}
    yield Edit("tools.deny", "no programs are run: this place has no walls")
    for path in _SWITCHES:
        yield from _off(document, path)
    if _mapping(_mapping(document.get("nodeHost")).get("mcp")).pop("servers", None):
        yield Edit("nodeHost.mcp.servers", "their commands and credentials stay out")
    if document.pop("cloudWorkers", None):
        yield Edit("cloudWorkers", "no machines are ordered", "cloudWorkers: they were not there in the canary")
    yield from _plugins(_mapping(document.get("plugins")))


def with_hands(config: Mapping[str, object]) -> Mapping[str, object]:
    """A clone's configuration without the denial that `without_hands` put at the end of its list."""
    tools = _mapping(config.get("tools"))
    denied = tools.get("deny")
    if not isinstance(denied, list) or tuple(denied[-len(_RUNTIME) :]) != _RUNTIME:
        return config
    rest = {key: value for key, value in tools.items() if key != "deny"}
    before = denied[: -len(_RUNTIME)]
    policy = {**tools, "deny": before} if before else rest
    return {**config, "tools": policy} if policy else {key: value for key, value in config.items() if key != "tools"}


def _plugins(plugins: Document) -> Iterator[Edit]:
    """Paths of elsewhere would lead nowhere. Up to 7.x such a path is an error of the configuration, and so is each name that
    is then of no plugin (`plugin not found` in dist/*.js of 2026.2.17). What is installed starts there without being named."""
    slots = set(_mapping(plugins.get("slots")).values())
    installed = _mapping(plugins.get("installs"))
    elsewhere = bool(_mapping(plugins.get("load")).pop("paths", None))
    if elsewhere:
        edit = Edit("plugins.load.paths", "no plugins of elsewhere: this place has no walls")
        yield replace(edit, limit="plugins.load.paths: those plugins were not there in the canary")
        yield from _without_names(plugins, {*slots, *installed})
    if installed:
        plugins.setdefault("entries", {})
    entries = _mapping(plugins.get("entries"))
    for name in (name for name in dict.fromkeys((*entries, *installed)) if name not in slots):
        entry = entries.setdefault(name, {})
        if isinstance(entry, dict) and entry.get("enabled") is not False:
            entry["enabled"] = False
            yield Edit(f"plugins.entries.{name}", "no services of plugins: this place has no walls")


def _without_names(plugins: Document, known: set[object]) -> Iterator[Edit]:
    """Leaves of the lists what is known to be there. An empty list of those allowed would allow all."""
    entries = _mapping(plugins.get("entries"))
    for name in [name for name in entries if name not in known]:
        del entries[name]
        yield Edit(f"plugins.entries.{name}", "its plugin may lie elsewhere, and is not there")
    for key, otherwise in (("allow", [_MEMORY]), ("deny", [])):
        listed = plugins.get(key)
        if isinstance(listed, list) and (kept := [name for name in listed if name in known]) != listed:
            plugins[key] = kept or otherwise
            yield Edit(f"plugins.{key}", "its plugins may lie elsewhere, and are not there")


def _off(document: Document, path: tuple[str, ...]) -> Iterator[Edit]:
    here = document
    for name in path[:-1]:
        here = _mapping(here.get(name))
    if here and here.get(path[-1]) is not False:
        here[path[-1]] = False
        yield Edit(".".join(path), _OURS)


def _mapping(value: object) -> Document:
    return value if isinstance(value, dict) else {}
