"""How a running OpenClaw is recognised among processes. Pure.

Measured with 2026.2.17, 2026.9.5 and 2026.9.6 as plain processes: the title overwrites the command line with
`openclaw-gateway` and blanks, and `openclaw gateway start` carries the same title without being one; the environment of the
start stays readable; from its start on the gateway holds its lock file open (2.x: `gateway.<8 hex>.lock` below the temporary
directory, 9.x: below `<state>/tmp`), and children started by it inherit those descriptors.
"""

import json
import re
from pathlib import Path

from upgrader.domain.installation.census import ProcessSeen, Reading, Role
from upgrader.domain.installation.selection import Location, Selection
from upgrader.services.openclaw.places.locations import Exists, locate

_LOCK = re.compile(r"^gateway\.(?:state|[0-9a-f]{8})\.lock$")
_LOCK_FOLDER = re.compile(r"^openclaw(?:-\d+)?$")
_TITLE = re.compile(r"^openclaw(?:-[a-z-]+)?\s*$")
# The bin of the package and the files the service definitions start (reference: package.json `bin`, src/daemon).
_ENTRY = re.compile(
    r"^(?P<root>/.*/openclaw)/(?:openclaw\.mjs|dist/(?:index|entry)\.m?js|dist/process/.+|dist/.+\.worker\.m?js)$"
)
# Workers inherit the gateway's lock descriptors and are none (measured: dist/process/spawn-broker/worker.js of 2026.9.5).
_WORKER = re.compile(r"/dist/(?:process/|.+\.worker\.m?js$)")
_MODULES = "node_modules"


def is_lock_file(path: Path) -> bool:
    """Whether this is the lock file by which a gateway owns its state (JSON; its `.sqlite` sibling is another file)."""
    return bool(_LOCK.match(path.name) and _LOCK_FOLDER.match(path.parent.name))


def read_process(seen: ProcessSeen, exists: Exists) -> Reading:
    """What a process is, and on which state. Its title and name decide nothing but that it is OpenClaw at all.

    A gateway is an OpenClaw that holds the gateway's lock file or listens; measured on a busy machine, 2026.9.6 takes the lock
    ten seconds and more after its start. Its state is told, in this order, by the lock
    file's content, by the databases it has open, by the environment it was started with. `exists` looks at paths as that
    process sees them.
    """
    packages = _packages(seen)
    if not (seen.locks or packages or _is_titled(seen)):
        return Reading(Role.STRANGER)
    worker = any(_WORKER.search(word) for word in seen.argv)
    role = Role.OPENCLAW
    if not worker and (seen.locks or seen.ports):
        role = Role.GATEWAY
    elif not worker and _was_told_to_run(seen.argv):
        role = Role.STARTING
    return Reading(role, _state(seen, exists), packages)


def _was_told_to_run(argv: tuple[str, ...]) -> bool:
    """Whether a command line that no title has overwritten yet says `gateway` or `gateway run`.

    Under systemd (`dist/index.js gateway --port N`) it stays readable; by way of `openclaw.mjs` for a moment only.
    """
    place = next((index for index, word in enumerate(argv) if _ENTRY.match(word)), None)
    if place is None or "gateway" not in argv[place:]:
        return False
    following = argv[argv.index("gateway", place) + 1 :]
    return not following or following[0] == "run" or following[0].startswith("-")


def _state(seen: ProcessSeen, exists: Exists) -> Path | None:
    by_environment = _by_environment(seen, exists)
    for raw in seen.locks:
        state, config = _lock_owner(raw)
        if state is not None:
            return state
        if config is not None and (by_environment is None or by_environment.config != config):
            return config.parent
    for path in seen.open_files:
        if path.name == "openclaw.sqlite" and path.parent.name == "state":
            return path.parent.parent
    return by_environment.state if by_environment else None


def _by_environment(seen: ProcessSeen, exists: Exists) -> Location | None:
    home = seen.environment.get("HOME", "")
    if not home and "OPENCLAW_STATE_DIR" not in seen.environment:
        return None
    selection = Selection(environment=seen.environment, account_home=Path(home or "/"), directory=seen.directory or Path("/"))
    return locate(selection, exists)


def _lock_owner(raw: bytes) -> tuple[Path | None, Path | None]:
    """State directory (8.1+) and configuration a lock file names."""
    try:
        owner = json.loads(raw)
    except ValueError:
        return None, None
    if not isinstance(owner, dict):
        return None, None
    return _absolute(owner.get("stateDir")), _absolute(owner.get("configPath"))


def _absolute(value: object) -> Path | None:
    return Path(value) if isinstance(value, str) and value.startswith("/") else None


def _is_titled(seen: ProcessSeen) -> bool:
    return bool(seen.argv and _TITLE.match(seen.argv[0]))


def _packages(seen: ProcessSeen) -> tuple[Path, ...]:
    """Where the package may lie: what the command line names, then the tree whose native modules are mapped."""
    named = package_of(seen.argv)
    found = [named] if named else []
    for path in seen.mapped:
        if path.suffix == ".node" and _MODULES in path.parts:
            found.append(Path(*path.parts[: path.parts.index(_MODULES) + 1], "openclaw"))
    return tuple(dict.fromkeys(found))


def package_of(command: tuple[str, ...]) -> Path | None:
    """The package directory a command line starts, None when it names none."""
    return next((Path(match.group("root")) for word in command if (match := _ENTRY.match(word))), None)
