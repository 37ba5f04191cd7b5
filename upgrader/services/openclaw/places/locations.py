"""Where OpenClaw keeps its state and configuration, by its own rules. Pure: whether a path exists is asked of the caller.

Source: src/config/paths.ts, src/config/state-dir.ts, src/infra/home-dir.ts, src/cli/profile.ts, src/cli/profile-utils.ts of
2026.9.6; src/config/paths.ts and src/cli/profile.ts of 2026.2.17 for the older names.
"""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from upgrader.domain.installation.selection import Location, Selection
from upgrader.domain.version import Version
from upgrader.errors import UsageError

DEFAULT_PORT = 18789
DEV_PORT = "19001"
CONFIG_NAME = "openclaw.json"
# Names that say whose state a process works on; tokens and passwords are not among them.
SELECTING = (
    "HOME",
    "USERPROFILE",
    "OPENCLAW_HOME",
    "OPENCLAW_STATE_DIR",
    "OPENCLAW_CONFIG_PATH",
    "OPENCLAW_PROFILE",
    "OPENCLAW_GATEWAY_PORT",
    "OPENCLAW_INCLUDE_ROOTS",
    "OPENCLAW_SYSTEMD_UNIT",
    "OPENCLAW_NIX_MODE",
    "CLAWDBOT_STATE_DIR",
    "CLAWDBOT_CONFIG_PATH",
    "CLAWDBOT_GATEWAY_PORT",
)
_PROFILE = re.compile(r"^[a-z0-9][a-z0-9_-]{0,63}$", re.IGNORECASE)
_PORT_WITH_HOST = re.compile(r"^(?:\[[^\]]+\]|[^:]+):(\d+)$")
_LEGACY_ENDED = "2026.3.22"  # CLAWDBOT_* is read in 2026.3.13 and no longer in 2026.3.22 (string scan)
_STATE_NAMES = (".openclaw", ".clawdbot")
_STATE_NAMES_THEN = (*_STATE_NAMES, ".moldbot", ".moltbot")
_CONFIG_NAMES = (CONFIG_NAME, "clawdbot.json")
_CONFIG_NAMES_THEN = (*_CONFIG_NAMES, "moldbot.json", "moltbot.json")

_RENAMED = ("STATE_DIR", "CONFIG_PATH", "GATEWAY_PORT")

Exists = Callable[[Path], bool]


def locate(selection: Selection, exists: Exists, version: Version | None = None) -> Location:
    """The home, state directory and configuration a selection means.

    Options stand for what OpenClaw reads from its environment and win over it: `--state-dir` for OPENCLAW_STATE_DIR,
    `--config` for OPENCLAW_CONFIG_PATH, `--profile` for its own option. A state directory given as an option is that
    installation's: a configuration path left over in the environment does not mix another one into it.
    Names of before the renaming count while `version` is unknown or at most 2026.3.13. Raises UsageError (code `bad_profile`).
    """
    legacy = version is None or not version.at_least(_LEGACY_ENDED)
    known = _told(selection.environment, with_old_names=legacy)
    home = home_of(known, selection.account_home, selection.directory)
    known = _with_options(known, selection)
    profile = _profile(selection.profile or known.get("OPENCLAW_PROFILE", ""))
    if selection.profile:
        known = _with_profile(known, home, selection, profile)

    def resolved(text: str) -> Path:
        return _resolved(text, home, selection.directory)

    state, config = known.get("OPENCLAW_STATE_DIR", ""), known.get("OPENCLAW_CONFIG_PATH", "")
    place = resolved(state) if state else _first(home, _STATE_NAMES_THEN if legacy else _STATE_NAMES, exists)
    roots = (root for root in known.get("OPENCLAW_INCLUDE_ROOTS", "").split(":") if root.strip())
    return Location(
        home=home,
        profile=profile,
        state=place,
        config=resolved(config) if config else _first(place, _CONFIG_NAMES_THEN if legacy else _CONFIG_NAMES, exists),
        port=parse_port(known.get("OPENCLAW_GATEWAY_PORT", "")),
        include_roots=tuple(dict.fromkeys(map(resolved, roots))),
    )


def _told(environment: Mapping[str, str], *, with_old_names: bool) -> dict[str, str]:
    """What the environment says, empty values left out; the names of before the renaming where the new ones are not used."""
    known = {name: value.strip() for name, value in environment.items() if value.strip()}
    for name in _RENAMED if with_old_names else ():
        if f"CLAWDBOT_{name}" in known:
            known.setdefault(f"OPENCLAW_{name}", known[f"CLAWDBOT_{name}"])
    return known


def _with_options(known: Mapping[str, str], selection: Selection) -> dict[str, str]:
    """The environment as the options overrule it."""
    if selection.state_dir:
        known = {name: value for name, value in known.items() if name != "OPENCLAW_CONFIG_PATH"}
        known["OPENCLAW_STATE_DIR"] = selection.state_dir
    return {**known, **({"OPENCLAW_CONFIG_PATH": selection.config} if selection.config else {})}


def home_of(environment: Mapping[str, str], account_home: Path, directory: Path) -> Path:
    """OpenClaw's effective home: OPENCLAW_HOME, HOME, USERPROFILE, the account's; "undefined" and "null" count as unset."""
    system = _word(environment, "HOME") or _word(environment, "USERPROFILE") or str(account_home)
    chosen = _word(environment, "OPENCLAW_HOME")
    if chosen == "~" or chosen.startswith("~/"):
        chosen = system + chosen[1:]
    return _absolute(chosen or system, directory)


def default_port(profile: str, version: Version) -> int:
    """The port without any setting. Named profiles have one of their own (FNV-1a of the name) where `version` derives it.

    Source: resolveGatewayPort of 2026.9.5 and 2026.9.6; 2026.2.17 always takes 18789. The release in between that began
    is not known: below 2026.9.5 the old default counts, and a port is believed only if something listens there.
    """
    if not profile or not version.at_least("2026.9.5"):
        return DEFAULT_PORT
    digest = 2166136261
    for byte in profile.encode():
        digest = ((digest ^ byte) * 16777619) & 0xFFFFFFFF
    return 20000 + digest % 40000


def parse_port(text: str) -> int | None:
    """A port out of OPENCLAW_GATEWAY_PORT: `N`, `host:N` or `[v6]:N`; None for anything else, as OpenClaw ignores it."""
    with_host = _PORT_WITH_HOST.match(text.strip())
    digits = with_host.group(1) if with_host else text.strip()
    if not digits.isascii() or not digits.isdigit():
        return None
    return int(digits) if 0 < int(digits) <= 65535 else None


def unit_name(profile: str) -> str:
    """The systemd user unit OpenClaw gives a profile. Source: src/daemon/constants.ts of 2026.9.6."""
    return f"openclaw-gateway-{profile}.service" if profile else "openclaw-gateway.service"


def _profile(text: str) -> str:
    if not text or text.lower() == "default":
        return ""
    if not _PROFILE.match(text):
        raise UsageError(
            f"{text[:80]!r} is not an OpenClaw profile",
            why="a profile has letters, digits, _ and -, begins with a letter or digit and has at most 64 of them",
            hint="give `--profile NAME`, or unset OPENCLAW_PROFILE",
            code="bad_profile",
        )
    return text


def _with_profile(known: Mapping[str, str], home: Path, selection: Selection, profile: str) -> dict[str, str]:
    """The environment after `--profile`: an inherited directory is kept unless it is the inherited profile's own."""
    after = dict(known)
    inherited = _profile_state(home, _profile(known.get("OPENCLAW_PROFILE", "")))
    chosen = _profile_state(home, profile)
    at_present = known.get("OPENCLAW_STATE_DIR", "")
    own = bool(at_present) and not selection.state_dir and _resolved(at_present, home, selection.directory) == inherited
    if not at_present or (own and inherited != chosen):
        after["OPENCLAW_STATE_DIR"] = str(chosen)
        config = known.get("OPENCLAW_CONFIG_PATH", "")
        if config and not selection.config and _resolved(config, home, selection.directory) == inherited / CONFIG_NAME:
            del after["OPENCLAW_CONFIG_PATH"]
    state = _resolved(after["OPENCLAW_STATE_DIR"], home, selection.directory)
    after.setdefault("OPENCLAW_CONFIG_PATH", str(state / CONFIG_NAME))
    if profile == "dev":
        after.setdefault("OPENCLAW_GATEWAY_PORT", DEV_PORT)
    return after


def _profile_state(home: Path, profile: str) -> Path:
    return home / (f".openclaw-{profile}" if profile else ".openclaw")


def _first(folder: Path, names: tuple[str, ...], exists: Exists) -> Path:
    """The first of the names that exists in the folder, else the first of all."""
    return next((folder / name for name in names if exists(folder / name)), folder / names[0])


def _word(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    return "" if value in {"undefined", "null"} else value


def _resolved(text: str, home: Path, directory: Path) -> Path:
    text = text.strip()
    if text == "~" or text.startswith("~/"):
        text = str(home) + text[1:]
    return _absolute(text, directory)


def _absolute(text: str, directory: Path) -> Path:
    return Path(os.path.normpath(directory / text))


def port_of(command: tuple[str, ...], environment: Mapping[str, str]) -> int | None:
    """The port a start demands: `--port` wins over OPENCLAW_GATEWAY_PORT, which wins over the configuration."""
    for word, following in zip(command, (*command[1:], ""), strict=False):
        asked = parse_port(
            word.removeprefix("--port=") if word.startswith("--port=") else following if word == "--port" else ""
        )
        if asked is not None:
            return asked
    return parse_port(environment.get("OPENCLAW_GATEWAY_PORT", ""))
