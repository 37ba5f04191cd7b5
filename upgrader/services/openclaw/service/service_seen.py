"""What service definitions say, part by part, for a diagnosis: which place names which token, what is started, on which state.

Sources: units.py; OpenClaw's list of gateway-like services in src/daemon/inspect.ts: 2026.2.17 lists every unit whose text
contains openclaw, clawdbot or moltbot and tells to disable the gateway's own unit (run), 2026.9.6 wants an ExecStart with a
gateway argument and tells only to look (read).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from upgrader.domain.diagnosis.scene import Neighbour, TokenPlace
from upgrader.domain.installation.supervision import UnitPart
from upgrader.domain.secret import Fingerprint
from upgrader.domain.version import Version
from upgrader.errors import UsageError
from upgrader.services.openclaw.configuration import config_text
from upgrader.services.openclaw.gateway import gateway_process
from upgrader.services.openclaw.places import locations
from upgrader.services.openclaw.service import units

TOKEN = "OPENCLAW_GATEWAY_TOKEN"
BIND = "OPENCLAW_GATEWAY_BIND"
_MARKERS = ("openclaw", "clawdbot", "moltbot")


@dataclass(frozen=True)
class UnitReading:
    """A definition taken apart. `package` is what it starts, None for a wrapper."""

    command: tuple[str, ...]
    package: Path | None
    node: Path | None
    port: int | None
    state: Path
    environment_files: tuple[Path, ...]
    tokens: tuple[TokenPlace, ...]
    command_from: Path | None


def read_parts(parts: tuple[UnitPart, ...], account_home: Path, exists: Callable[[Path], bool]) -> UnitReading:
    """A unit with its drop-ins; environment files are named and read by the caller (`tokens_of_file`)."""
    definition = units.read_unit(parts)
    command = units.command_of(definition.command)
    environment = {"HOME": str(account_home), **definition.environment}
    return UnitReading(
        command=definition.command,
        package=gateway_process.package_of(definition.command),
        node=Path(definition.command[0]) if definition.command[:1] and definition.command[0].startswith("/") else None,
        port=(command.port if command else None) or locations.port_of(definition.command, definition.environment),
        state=units.state_of(environment, account_home, exists),
        environment_files=definition.environment_files,
        tokens=_tokens(parts),
        command_from=definition.command_from,
    )


def tokens_of_file(path: Path, raw: bytes) -> tuple[TokenPlace, ...]:
    """The token an environment file sets, if it does."""
    value = config_text.parse_dotenv(raw).get(TOKEN, "")
    return (TokenPlace("environment file", str(path), Fingerprint.of(value)),) if value else ()


def neighbour(part: UnitPart, account_home: Path, exists: Callable[[Path], bool]) -> Neighbour | None:
    """What another unit of this user is to OpenClaw's list; None where it mentions nothing of it."""
    text = part.text.decode(errors="replace").lower()
    marker = next((each for each in _MARKERS if each in text), "")
    if not marker:
        return None
    reading = read_parts((part,), account_home, exists)
    is_gateway = reading.package is not None and "gateway" in reading.command
    return Neighbour(part.path.name, part.path, is_gateway, reading.state if is_gateway else None, marker)


def version_of(package_json: bytes) -> Version | None:
    """The version a package.json names, None for what is none of openclaw's."""
    try:
        value = json.loads(package_json)
        return Version.parse(str(value["version"])) if value.get("name") == "openclaw" else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, UsageError):
        return None


def _tokens(parts: tuple[UnitPart, ...]) -> tuple[TokenPlace, ...]:
    found = []
    for number, part in enumerate(parts):
        value = units.read_unit((part,)).environment.get(TOKEN, "")
        if value:
            found.append(TokenPlace("drop-in" if number else "unit", str(part.path), Fingerprint.of(value)))
    return tuple(found)
