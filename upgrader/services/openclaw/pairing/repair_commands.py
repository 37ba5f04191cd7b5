"""OpenClaw's own commands of a repair as arguments; none of them holds a secret.

Source: src/cli/devices-cli.ts of 2026.2.17 (list, approve, reject, rotate, revoke), 2026.2.19 (remove, clear) and 2026.9.6
(command registrations read). `rotate --scope` writes device and token scopes up to 2.21 and stays within the approval from
2.22 on (rotateDeviceToken of 2.19 read; reference of 2.22). A token in the answer is not kept.
"""

from upgrader.domain.pairing.observation import ClientKind
from upgrader.domain.version import Version
from upgrader.services.openclaw.pairing import scopes

LIST: tuple[str, ...] = ("devices", "list", "--json")
_REMOVE_SINCE = "2026.2.19"


def approve(request_id: str) -> tuple[str, ...]:
    """Approve one request by its id: without one, releases differ in what they do."""
    return ("devices", "approve", request_id, "--json")


def rotate(device_id: str, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """A new operator token with these scopes."""
    named = [word for scope in wanted for word in ("--scope", scope)]
    return ("devices", "rotate", "--device", device_id, "--role", "operator", *named, "--json")


def remove(device_id: str, version: Version) -> tuple[str, ...]:
    """Remove a device; empty where the release has no such command."""
    return ("devices", "remove", device_id, "--json") if version.at_least(_REMOVE_SINCE) else ()


def full_scopes(version: Version) -> tuple[str, ...]:
    """Every scope a client of this machine asks for in this release, for its own record."""
    asks = scopes.rules(version).asks
    wanted = {scope for ask in asks if ask.kind is not ClientKind.CONTROL_UI for scope in ask.scopes}
    return tuple(sorted(wanted | set(scopes.EVERY_SCOPE_UNTIL_3_13)))
