"""npm's settings without starting npm: its files say all but npm's own default address, which stands in npm's definitions.

`npm config ls` takes as long as all the rest of a plan: it is run, once, only where they are written otherwise. The order of
the files is npm's (`npm help npmrc`, npm 11): the user's, the machine's at `<prefix>/etc/npmrc`, the one built into npm.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from upgrader.adapters.files.durable import make_private
from upgrader.adapters.node.npm import NpmProgram
from upgrader.adapters.node.npmrc import NpmPlaces, NpmSettings, named_in, read_settings

_DEFINITIONS = "node_modules/@npmcli/config/lib/definitions/definitions.js"
_DEFAULT = re.compile(r"new Definition\('registry', \{\s*default: '(https?://[^'\s]+)',")
_LIMIT = 1024 * 1024
_NAMES = ("userconfig", "globalconfig", "prefix")


@dataclass(frozen=True)
class NpmHere:
    """The npm a person has. `ask` is what `npm config ls` says (slow); `node` the Node beside it, None where there is none."""

    program: NpmProgram
    node: Path | None
    ask: Callable[[], Mapping[str, object]]


def npm_settings(environment: Mapping[str, str], home: Path, npm: NpmHere | None, cache: Path) -> NpmSettings:
    """npm's settings as a global command sees them. Raises RegistryUnconfigured."""
    places = npm_places(environment, home, npm)
    if npm is None or "registry" in named_in(environment, places):
        return read_settings(environment, places)
    written = _written_default(npm.program.script)
    if written:
        return read_settings(environment, places, {"registry": written})
    kept = cache / f"npm-{hashlib.sha256(f'{npm.program.script} {npm.program.version}'.encode()).hexdigest()[:16]}.json"
    default = _read(kept)
    if not default:
        default = npm.ask().get("registry")
        _keep(kept, default)
    return read_settings(environment, places, {"registry": default} if default else None)


def npm_cache_root(environment: Mapping[str, str], home: Path, npm: NpmHere | None) -> Path:
    """Where npm keeps what it has fetched: its `cache`, else ~/.npm."""
    named = named_in(environment, npm_places(environment, home, npm)).get("cache", "")
    return home / named[2:] if named.startswith("~/") else Path(named) if named else home / ".npm"


def npm_places(environment: Mapping[str, str], home: Path, npm: NpmHere | None) -> NpmPlaces:
    """The npmrc files that count, most important first; a project's does not, as in global installs."""
    built_in = (npm.program.script.parent.parent / "npmrc",) if npm else ()
    user = _said(named_in(environment, NpmPlaces(built_in)), home).get("userconfig") or home / ".npmrc"
    said = _said(named_in(environment, NpmPlaces((user, *built_in))), home)
    prefix = said.get("prefix") or (Path(environment["PREFIX"]) if environment.get("PREFIX") else None)
    if prefix is None and npm is not None and npm.node is not None:
        prefix = npm.node.parent.parent
    machine = said.get("globalconfig") or (prefix / "etc" / "npmrc" if prefix else None)
    return NpmPlaces((user, *((machine,) if machine else ()), *built_in))


def _said(values: Mapping[str, str], home: Path) -> dict[str, Path]:
    """The settings that name places; `~/` is the home, as npm reads it."""
    found = {name: values[name] for name in _NAMES if values.get(name)}
    return {name: home / text[2:] if text.startswith("~/") else Path(text) for name, text in found.items()}


def _written_default(script: Path) -> str:
    """The default address as it is written in this npm's own definitions; empty where they are written otherwise.

    Source: node_modules/@npmcli/config/lib/definitions/definitions.js of npm 11.
    """
    try:
        with (script.parent.parent / _DEFINITIONS).open(encoding="utf-8", errors="replace") as file:
            found = _DEFAULT.search(file.read(_LIMIT))
    except OSError:
        return ""
    return found[1] if found else ""


def _read(kept: Path) -> object:
    try:
        return json.loads(kept.read_bytes())["registry"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _keep(kept: Path, default: object) -> None:
    """A cache: where it cannot be written npm is asked again next time."""
    if not isinstance(default, str):
        return
    temporary = kept.with_name(f".{kept.name}.{os.getpid()}")
    try:
        make_private(kept.parent)
        temporary.write_text(json.dumps({"registry": default}))
        temporary.replace(kept)
    except OSError:
        return
