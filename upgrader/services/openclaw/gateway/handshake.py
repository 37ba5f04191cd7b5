"""The frames of a WebSocket connect, from values to bytes and back.

Source: src/gateway/protocol of 2026.2.17 and 2026.9.6, src/gateway/device-auth.ts (payloads), tried on 2.17, 9.5 and 9.6. The
version 2 payload is accepted by every release from 2.17 on; version 3 pins platform and family as well (2.26 on).
"""

import json
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from upgrader.domain.pairing.observation import ClientKind
from upgrader.domain.pairing.ports import ClientIdentity
from upgrader.domain.secret import Secret
from upgrader.domain.version import Version
from upgrader.services.openclaw.eras import code_line
from upgrader.services.openclaw.pairing.pairing_data import base64url

_REQUEST_ID = "upgrader-connect"
_CLIENT_VERSION = "upgrader"


class SignatureVersion(Enum):
    """Which payload is signed."""

    V2 = "v2"
    V3 = "v3"


class Credential(Enum):
    """What a connect presents: the cached device token, the shared secret of the gateway, or nothing."""

    DEVICE_TOKEN = "device-token"
    SHARED_TOKEN = "shared-token"
    SHARED_PASSWORD = "shared-password"
    NONE = "none"


@dataclass(frozen=True)
class ClientName:
    """How a client names itself. Platform, family and display name are pinned or noted in its record by the gateway."""

    id: str
    mode: str
    platform: str = "linux"
    display_name: str = ""
    device_family: str = ""


@dataclass(frozen=True)
class Connect:
    """One connect to be made. `signs` is False for clients that present no identity. `origin` is for browser clients only."""

    kind: ClientKind
    client: ClientName
    scopes: tuple[str, ...]
    protocol: int
    credential: Credential
    signs: bool = True
    origin: str = ""
    token_field: str = "deviceToken"


@dataclass(frozen=True)
class Accepted:
    """hello-ok. `device_token` is what the gateway handed out, empty where it did not."""

    server_version: str
    scopes: tuple[str, ...]
    method: str = ""
    device_token: Secret = field(default_factory=lambda: Secret(""))


@dataclass(frozen=True)
class Refused:
    """A refusal: the finest code given, the gateway's words, and the pairing request it may have opened."""

    code: str
    reason: str
    request_id: str = ""


Answer = Accepted | Refused


def protocol_of(version: Version) -> int:
    """The WebSocket protocol of a release: 4 from 2026.5.12 on, 3 before."""
    return 4 if code_line(version).at_least("2026.5.12") else 3


def token_field(version: Version) -> str:
    """Where a device token goes: before 2026.2.22 in the place of the shared token, the gateway tries both."""
    return "deviceToken" if code_line(version).at_least("2026.2.22") else "token"


def challenge_nonce(frame: bytes) -> str | None:
    """The nonce of a `connect.challenge` event, None for any other frame."""
    message = _message(frame)
    if message.get("event") != "connect.challenge" or not isinstance(message.get("payload"), dict):
        return None
    nonce = message["payload"].get("nonce")
    return nonce if isinstance(nonce, str) and nonce else None


def connect_frame(
    connect: Connect, identity: ClientIdentity | None, credential: Secret, nonce: str, signed_at_ms: int
) -> bytes:
    """The connect request, signed. Raises ValueError when the identity's key is none of Ed25519."""
    client = {
        "id": connect.client.id,
        "version": _CLIENT_VERSION,
        "platform": connect.client.platform,
        "mode": connect.client.mode,
        "displayName": connect.client.display_name,
        "deviceFamily": connect.client.device_family,
    }
    params: dict[str, Any] = {
        "minProtocol": connect.protocol,
        "maxProtocol": connect.protocol,
        "client": {name: value for name, value in client.items() if value},
        "role": "operator",
        "scopes": list(connect.scopes),
        "caps": [],
        "auth": _auth(connect, credential),
    }
    if identity is not None and connect.signs:
        payload = signature_payload(SignatureVersion.V2, connect, identity.device_id, credential, nonce, signed_at_ms)
        params["device"] = {
            "id": identity.device_id,
            "publicKey": identity.public_key,
            "signature": sign(identity.private_key, payload),
            "signedAt": signed_at_ms,
            "nonce": nonce,
        }
    return json.dumps({"type": "req", "id": _REQUEST_ID, "method": "connect", "params": params}).encode()


def signature_payload(
    version: SignatureVersion, connect: Connect, device_id: str, credential: Secret, nonce: str, signed_at_ms: int
) -> bytes:
    """What is signed. Scopes stand in the order they are sent; a password is no part of it."""
    token = "" if connect.credential in (Credential.SHARED_PASSWORD, Credential.NONE) else credential.reveal()
    client = connect.client
    parts = [
        version.value, device_id, client.id, client.mode, "operator", ",".join(connect.scopes), str(signed_at_ms), token, nonce
    ]  # fmt: skip
    if version is SignatureVersion.V3:
        parts += [client.platform.strip().lower(), client.device_family.strip().lower()]
    return "|".join(parts).encode()


def sign(private_key: Secret, payload: bytes) -> str:
    """The Ed25519 signature in base64url. Raises ValueError for a key of another kind."""
    try:
        key = load_pem_private_key(private_key.reveal().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("the private key of this identity cannot be read") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("the private key of this identity is not Ed25519")
    return base64url(key.sign(payload))


def parse_answer(frame: bytes) -> Answer | None:
    """The answer to our connect, None for any other frame (events may come first)."""
    message = _message(frame)
    if message.get("type") != "res" or message.get("id") != _REQUEST_ID:
        return None
    if message.get("ok") is True:
        return _accepted(_mapping(message.get("payload")))
    error = _mapping(message.get("error"))
    details = _mapping(error.get("details"))
    return Refused(
        code=_text(details.get("code")) or _text(error.get("code")) or "REFUSED",
        reason=_text(error.get("message"))[:300],
        request_id=_text(details.get("requestId")),
    )


def _accepted(payload: dict[str, Any]) -> Accepted:
    auth = _mapping(payload.get("auth"))
    scopes = auth.get("scopes")
    return Accepted(
        server_version=_text(_mapping(payload.get("server")).get("version")),
        scopes=tuple(s for s in scopes if isinstance(s, str)) if isinstance(scopes, list) else (),
        method=_text(auth.get("method")),
        device_token=Secret(_text(auth.get("deviceToken"))),
    )


def _auth(connect: Connect, credential: Secret) -> dict[str, str]:
    match connect.credential:
        case Credential.DEVICE_TOKEN:
            return {connect.token_field: credential.reveal()}
        case Credential.SHARED_TOKEN:
            return {"token": credential.reveal()}
        case Credential.SHARED_PASSWORD:
            return {"password": credential.reveal()}
        case Credential.NONE:
            return {}


def _message(frame: bytes) -> dict[str, Any]:
    try:
        return _mapping(json.loads(frame))
    except (ValueError, RecursionError):
        return {}


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
