"""How npm is told to reach its registry: read from npm itself where there is one, else from its files and variables.

Credentials are read from the files in both cases: `npm config ls` and `npm config get` do not show them.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from upgrader.domain.ports import Command, Runner
from upgrader.domain.process import CommandMissing, CommandTimedOut
from upgrader.domain.secret import Secret
from upgrader.errors import UpgraderError

_ASK_LIMIT = timedelta(seconds=30)
_LIMIT_BYTES = 1024 * 1024
_PREFIX = "npm_config_"
_VARIABLE = re.compile(r"(\\*)\$\{([^}?]+)(\?)?\}")
_SECRET_KEYS = ("_authToken", "_auth", "username", "_password")


class RegistryUnconfigured(UpgraderError):
    """Nothing says which registry to ask."""

    default_code = "registry_unconfigured"


@dataclass(frozen=True)
class Credential:
    """What one part of a registry wants: `place` is `//host[:port]/path/`, `header` the value of `Authorization`."""

    place: str
    header: Secret


@dataclass(frozen=True)
class NpmSettings:
    """npm's settings as far as asking a registry needs them. `cafile` and `ca` replace the machine's trust, as in npm."""

    registry: str
    credentials: tuple[Credential, ...] = ()
    cafile: Path | None = None
    ca: tuple[str, ...] = field(default=(), repr=False)
    strict_ssl: bool = True
    proxy: Secret = field(default_factory=lambda: Secret(""))
    https_proxy: Secret = field(default_factory=lambda: Secret(""))
    noproxy: tuple[str, ...] = ()
    extra_ca: Path | None = None
    problems: tuple[str, ...] = ()

    def authorization(self, url: str) -> Secret | None:
        """What to present at `url`: the credential of the longest place it lies under, on that very host and port."""
        parts = urlsplit(url)
        where = f"//{parts.netloc.rpartition('@')[2]}{parts.path}"
        fitting = [one for one in self.credentials if f"{where}/".startswith(one.place)]
        return max(fitting, key=lambda one: len(one.place)).header if fitting else None


@dataclass(frozen=True)
class NpmPlaces:
    """Where npm's configuration files lie, most important first. Those that do not exist are fine."""

    files: tuple[Path, ...]


def ask_npm(runner: Runner, npm: tuple[str, ...], environment: Mapping[str, str]) -> Mapping[str, object]:
    """What `npm config ls --json` says; empty when this npm cannot be run or says something else."""
    try:
        ran = runner.run(Command((*npm, "config", "ls", "--json", "--location=global"), _ASK_LIMIT, dict(environment)))
        found = json.loads(ran.stdout) if ran.exit_code == 0 else {}
    except (CommandMissing, CommandTimedOut, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def read_settings(environment: Mapping[str, str], places: NpmPlaces, said: Mapping[str, object] | None = None) -> NpmSettings:
    """npm's settings. `said` is npm's own answer and wins over what the files say. Raises RegistryUnconfigured."""
    problems: list[str] = []
    values = _merged(environment, _places(places, said), problems)
    values.update({key: _text(value) for key, value in (said or {}).items() if value is not None and key in _ASKED})
    registry = values.get("registry", "")
    if urlsplit(registry).scheme not in ("http", "https") or not urlsplit(registry).hostname:
        raise RegistryUnconfigured(
            "no package registry is configured",
            why=f"{registry[:80]!r} is no address" if registry else "there is no npm to ask and no .npmrc names one",
            hint="`npm config set registry ADDRESS`, or set npm_config_registry",
        )
    extra = environment.get("NODE_EXTRA_CA_CERTS", "")
    strict = values.get("strict-ssl", "true").lower() != "false"
    if not strict:
        problems.append("npm is told not to verify certificates (strict-ssl=false), so neither does this tool")
    return NpmSettings(
        registry=registry.rstrip("/") + "/",
        credentials=_credentials(values, problems),
        cafile=Path(values["cafile"]).expanduser() if values.get("cafile") else None,
        ca=tuple(part for part in values.get("ca", "").replace("\\n", "\n").split("\0") if "BEGIN" in part),
        strict_ssl=strict,
        proxy=Secret(_first(values.get("proxy"), environment.get("HTTP_PROXY"), environment.get("http_proxy"))),
        https_proxy=Secret(
            _first(
                values.get("https-proxy"),
                values.get("proxy"),
                environment.get("HTTPS_PROXY"),
                environment.get("https_proxy"),
                environment.get("HTTP_PROXY"),
                environment.get("http_proxy"),
            )
        ),
        noproxy=_names(_first(values.get("noproxy"), environment.get("NO_PROXY"), environment.get("no_proxy"))),
        extra_ca=Path(extra) if extra else None,
        problems=tuple(problems),
    )


def named_in(environment: Mapping[str, str], places: NpmPlaces) -> Mapping[str, str]:
    """What the files and the variables say, without any default of npm's. It may hold credentials: for looking up only."""
    return _merged(environment, places.files, [])


_ASKED = frozenset({"registry", "cafile", "ca", "strict-ssl", "proxy", "https-proxy", "noproxy"})


def parse_npmrc(text: str, environment: Mapping[str, str]) -> Mapping[str, str]:
    """The keys of one .npmrc. Repeated `key[]` values are joined by NUL; `${NAME}` is replaced where NAME is set.

    As in npm an unset `${NAME}` stays as it is written, `${NAME?}` becomes empty, and `\\${NAME}` is no variable.
    """
    values: dict[str, str] = {}
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped[0] in "#;[":
            continue
        key, equals, value = stripped.partition("=")
        key = _expand(key.strip(), environment)
        value = _expand(_unquote(value.strip()), environment) if equals else "true"
        if key.endswith("[]"):
            key = key[:-2]
            value = f"{values[key]}\0{value}" if key in values else value
        values[key] = value
    return values


def _merged(environment: Mapping[str, str], files: tuple[Path, ...], problems: list[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for path in reversed(files):
        values.update(_read_file(path, environment, problems))
    return {**values, **_from_environment(environment)}


def _places(places: NpmPlaces, said: Mapping[str, object] | None) -> tuple[Path, ...]:
    named = [Path(value) for key in ("userconfig", "globalconfig") if isinstance(value := (said or {}).get(key), str)]
    return tuple(named) if len(named) == 2 else places.files


def _read_file(path: Path, environment: Mapping[str, str], problems: list[str]) -> Mapping[str, str]:
    try:
        if path.stat().st_size > _LIMIT_BYTES:
            problems.append(f"{path} is too large to be an npmrc and was left out")
            return {}
        return parse_npmrc(path.read_text("utf-8", errors="replace"), environment)
    except FileNotFoundError:
        return {}
    except OSError as error:
        problems.append(f"{path} could not be read: {error.strerror}")
        return {}


def _from_environment(environment: Mapping[str, str]) -> Mapping[str, str]:
    """`npm_config_*`, in any case; underscores in names become dashes, those of `//host/:_authToken` stay."""
    found: dict[str, str] = {}
    for name, value in environment.items():
        if not name.lower().startswith(_PREFIX) or not value:
            continue
        key = name[len(_PREFIX) :]
        found[key if key.startswith("//") else key.lower().replace("_", "-")] = value
    return found


def _credentials(values: Mapping[str, str], problems: list[str]) -> tuple[Credential, ...]:
    by_place: dict[str, dict[str, str]] = {}
    for key, value in values.items():
        place, colon, name = key.rpartition(":")
        if colon and place.startswith("//") and name in _SECRET_KEYS:
            by_place.setdefault(place if place.endswith("/") else place + "/", {})[name] = value
    found = []
    for place, parts in by_place.items():
        header = _header(parts)
        if "${" in header:
            problems.append(f"the credential for {place} names a variable that is not set")
        elif header:
            found.append(Credential(place, Secret(header)))
    return tuple(found)


def _header(parts: Mapping[str, str]) -> str:

    if parts.get("_authToken"):
        return f"Bearer {parts['_authToken']}"
    if parts.get("_auth"):
        return f"Basic {parts['_auth']}"
    if parts.get("username") and parts.get("_password"):
        try:
            password = base64.b64decode(parts["_password"], validate=False)
        except (binascii.Error, ValueError):
            return ""
        return "Basic " + base64.b64encode(parts["username"].encode() + b":" + password).decode()
    return ""


def _expand(text: str, environment: Mapping[str, str]) -> str:
    def put(match: re.Match[str]) -> str:
        if len(match[1]) % 2:
            return match[0][(len(match[1]) + 1) // 2 :]
        value = environment.get(match[2])
        if value is None:
            return "" if match[3] else match[0]
        return match[1][len(match[1]) // 2 :] + value

    return _VARIABLE.sub(put, text)


def _unquote(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        try:
            return str(json.loads(value))
        except ValueError:
            return value[1:-1]
    if len(value) >= 2 and value[0] == value[-1] == "'":
        return value[1:-1]
    return value


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "\0".join(str(one) for one in value)
    return str(value)


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in re.split(r"[,\0\s]+", text) if part.strip())


def _first(*texts: str | None) -> str:
    return next((text for text in texts if text and text not in ("null", "false", "undefined")), "")
