"""What the HTTP probes of a gateway mean, by release.

Source: src/gateway/server-http*.ts of 2026.3.13, 8.1 and 9.6; answers seen from 2.17, 9.5 and 9.6. Before 3.1 the same paths
are answered with 200 and the Control UI's HTML, so an answer counts only as the JSON it should be.
"""

import json
from dataclasses import dataclass
from typing import Any

from upgrader.domain.pairing.ports import HttpReply
from upgrader.domain.version import Version
from upgrader.services.openclaw.eras import code_line


@dataclass(frozen=True)
class Liveness:
    """Whether the gateway may be used; `detail` names what it waits for, or why nothing can be said."""

    ready: bool
    detail: str


def paths(version: Version) -> tuple[str, ...]:
    """What to ask, in order; nothing before 3.1: there only a WebSocket handshake counts."""
    line = code_line(version)
    if line.at_least("2026.8.1"):
        return ("/startupz", "/readyz")
    return ("/readyz",) if line.at_least("2026.3.1") else ()


def judge(answers: tuple[tuple[str, HttpReply], ...]) -> Liveness:
    """What the answers say together; the first that is not content decides."""
    for path, reply in answers:
        if reply.status == 0:
            return Liveness(False, f"{path}: no answer")
        body = _body(reply.body)
        if body is None:
            return Liveness(False, f"{path}: not a gateway's answer (status {reply.status})")
        content = body.get("status") == "started" if path == "/startupz" else body.get("ready", body.get("ok")) is True
        if reply.status != 200 or not content:
            return Liveness(False, f"{path}: {_waiting(body)}")
    return Liveness(True, ", ".join(path for path, _ in answers))


def _waiting(body: dict[str, Any]) -> str:
    failing = body.get("failing")
    if isinstance(failing, list) and failing:
        return "waits for " + ", ".join(str(each)[:60] for each in failing[:8])
    return str(body.get("pendingReason") or body.get("status") or "not ready")[:120]


def _body(raw: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
