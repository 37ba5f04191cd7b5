"""Asking a gateway to become idle: `gateway.suspend.prepare` with `drain`, and its release.

Sources: docs/gateway/external-apps.md of 2026.9.6 (requests, answers, the two-minute lease that renews with the same
requestId and reopens by itself); openclaw/openclaw#103618, #130003 and #131308 (where it came from). Tried on 2026.9.5: a
running turn answers `draining` with its blockers, another turn is refused meanwhile ("agent unavailable during gateway
suspension"), the turn ends undisturbed, the next call answers `ready`, and SIGTERM then ends the gateway in 0.2 s, where it
waited more than 20 s for the turn without. `system.info` and then `gateway.suspend.handoff` (openclaw/openclaw#138885): SIGTERM
ends 2026.9.5 in 0.8 s with a turn running, the command that waits for it ends "aborted", and the turn resumes by itself
after the next start. `system.info` is refused once a suspension has begun.
"""

import json

from upgrader.domain.moves.quiet import GatewayIdentity, Quietness, Suspension
from upgrader.domain.version import Version
from upgrader.services.openclaw.eras import code_line

# From here on a call with the shared token on loopback shows no identity and so changes no record (calls.py).
_FROM = "2026.8.1"
_STATES = {"ready": Quietness.READY, "draining": Quietness.DRAINING}
_NOT_OFFERED = Suspension(Quietness.NOT_OFFERED)


def is_offered(version: Version) -> bool:
    """Whether this release may be asked at all; an older one would be written to by the very question."""
    return code_line(version).at_least(_FROM)


def suspend_arguments(request: str) -> tuple[str, ...]:
    """Admit no new work and say what still runs; the same request asks again and renews. Open terminals do not count."""
    parameters = {"requestId": request, "terminalPolicy": "terminate", "drain": True}
    return ("gateway", "call", "gateway.suspend.prepare", "--params", json.dumps(parameters), "--json")


def resume_arguments(suspension: str) -> tuple[str, ...]:
    """Admit work again."""
    return ("gateway", "call", "gateway.suspend.resume", "--params", json.dumps({"suspensionId": suspension}), "--json")


def identify_arguments() -> tuple[str, ...]:
    """Which process serves: has to be asked before the suspension."""
    return ("gateway", "call", "system.info", "--json")


def read_identity(raw: bytes) -> GatewayIdentity | None:
    """Pid and instance of the serving process, None where the release does not tell them."""
    try:
        said = json.loads(raw)
        return GatewayIdentity(int(said["pid"]), str(said["processInstanceId"]))
    except (ValueError, KeyError, TypeError):
        return None


def interrupt_arguments(suspension: str, gateway: GatewayIdentity) -> tuple[str, ...]:
    """Let the next SIGTERM of exactly this process cut off what runs; OpenClaw resumes it after the next start."""
    target = {"pid": gateway.pid, "processInstanceId": gateway.instance}
    parameters = json.dumps({"suspensionId": suspension, "target": target})
    return ("gateway", "call", "gateway.suspend.handoff", "--params", parameters, "--json")


def is_armed(raw: bytes) -> bool:
    """Whether the interruption was accepted."""
    try:
        return bool(json.loads(raw)["status"] == "armed")
    except (ValueError, KeyError, TypeError):
        return False


def read_answer(raw: bytes) -> Suspension:
    """What the gateway said. Anything but an answer of the known form counts as not offered: the stop itself drains too."""
    try:
        said = json.loads(raw)
        state = _STATES[said["status"]]
        work = tuple(_words(each) for each in said["blockers"])
        return Suspension(state, str(said["suspensionId"]), work)
    except (ValueError, KeyError, TypeError):
        return _NOT_OFFERED


def _words(blocker: dict[str, object]) -> str:
    """One blocker without the ids that a task's message carries."""
    return f"{blocker['count']} {str(blocker['kind']).replace('-', ' ')}"
