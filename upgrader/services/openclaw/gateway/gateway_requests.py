"""Requests over an open gateway connection, from values to frames and back: an agent's turn, and what a session holds.

`agent` as the command line of 2026.9.6 sends it (agentViaGatewayCommand in dist/agent-via-gateway-*.mjs): as client `cli` in
mode `cli`, with the shared secret on loopback and no identity (shouldOmitDeviceIdentityForGatewayCall in dist/call-*.mjs), with
the scope operator.admin. It is answered twice: accepted, then how it ended. `chat.history` is what the terminal client and the
Control UI ask for in every release from 2026.2.17 to 9.6; it needs operator.read.
"""

import json
from collections.abc import Mapping

from upgrader.domain.canary.contents import SkillsListed
from upgrader.domain.canary.turns import TurnEnded, TurnProbe
from upgrader.domain.pairing.observation import ClientKind, Handshake, HandshakeResult
from upgrader.domain.version import Version
from upgrader.services.openclaw.eras import code_line
from upgrader.services.openclaw.gateway.handshake import ClientName, Connect, Credential, protocol_of

_APART_FROM = "2026.8.1"
_LAST = 20  # messages of a session that are looked through
_ADMIN = ("operator.admin",)
_READERS = frozenset({"operator.read", "operator.write", "operator.admin"})


def asks_apart(version: Version, auth_mode: str) -> bool:
    """Whether the command line's own connect shows no identity: then ours is the same, and nothing is recorded of either."""
    return code_line(version).at_least(_APART_FROM) and auth_mode in ("token", "password")


def turn_connect(version: Version, auth_mode: str) -> Connect:
    """The connect of `openclaw agent`."""
    credential = Credential.SHARED_PASSWORD if auth_mode == "password" else Credential.SHARED_TOKEN
    return Connect(ClientKind.CLI, ClientName("cli", "cli"), _ADMIN, protocol_of(version), credential, signs=False)


def turn_frame(probe: TurnProbe, seconds: float) -> bytes:
    """The request for one turn."""
    named = {"message": probe.message, "agentId": probe.agent, "deliver": False, "idempotencyKey": f"upgrader-{probe.nonce}"}
    return _request(f"turn-{probe.nonce}", "agent", {**named, "timeout": int(seconds)})


def turn_ended(probe: TurnProbe, frame: bytes) -> TurnEnded | None:
    """How that turn ended; None for any other frame, and for the word that it was accepted."""
    answer = _answer(frame, f"turn-{probe.nonce}")
    payload = _mapping(answer.get("payload"))
    if not answer or payload.get("status") == "accepted":
        return None
    if answer.get("ok") is True and payload.get("status") in ("ok", "completed"):
        return TurnEnded(0, _texts(payload))
    error = _mapping(answer.get("error"))
    return TurnEnded(1, str(error.get("message") or payload.get("summary") or payload.get("status") or "it was refused"))


def may_read(met: Handshake) -> bool:
    """Whether a connect was accepted with a scope that `chat.history` takes; a probe of 9.6 is given none."""
    return met.result is HandshakeResult.ACCEPTED and bool(_READERS & set(met.scopes))


def history_frame(session: str, word: str) -> bytes:
    """The request for what was said last in a session."""
    return _request(f"history-{word}", "chat.history", {"sessionKey": session, "limit": _LAST})


def history_holds(word: str, frame: bytes) -> bool | None:
    """Whether the answer to that request holds the word; None for any other frame."""
    answer = _answer(frame, f"history-{word}")
    return word in json.dumps(answer.get("payload")) if answer else None


def skills_frame() -> bytes:
    """The request for the default agent's skills (`skills.status`; handleSkillsStatus in dist/skills-*.mjs of 2026.9.6)."""
    return _request("skills", "skills.status", {})


def skills_listed(frame: bytes) -> SkillsListed | None:
    """Their names, where the answer has that form; None for any other frame."""
    answer = _answer(frame, "skills")
    if not answer:
        return None
    skills = _mapping(answer.get("payload")).get("skills")
    return SkillsListed(tuple(str(_mapping(s).get("name")) for s in skills) if isinstance(skills, list) else None)


def main_session(agent: str, config: Mapping[str, object]) -> str:
    """The session that a turn without a session of its own goes to."""
    session = _mapping(config.get("session"))
    return "global" if session.get("scope") == "global" else f"agent:{agent}:{session.get('mainKey') or 'main'}"


def _request(name: str, method: str, params: Mapping[str, object]) -> bytes:
    return json.dumps({"type": "req", "id": f"upgrader-{name}", "method": method, "params": params}).encode()


def _answer(frame: bytes, name: str) -> dict[str, object]:
    try:
        message = json.loads(frame)
    except ValueError:
        return {}
    wanted = isinstance(message, dict) and message.get("type") == "res" and message.get("id") == f"upgrader-{name}"
    return message if wanted else {}


def _texts(payload: Mapping[str, object]) -> str:
    payloads = _mapping(payload.get("result")).get("payloads")
    return " ".join(str(_mapping(each).get("text") or "") for each in payloads) if isinstance(payloads, list) else ""


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
