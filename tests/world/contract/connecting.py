"""A connect to a gateway, made as exactly as wished: a prober of its own, so that it can also do what no client does."""

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.world.devices import Device

_LIMIT_S = 15.0


@dataclass(frozen=True)
class Attempt:
    """One connect. `auth` goes into the frame as it is; the signature covers `signed_token`.

    `spoil` names what is wrong with the proof: signature, id, key, nonce, or no-nonce; `age_ms` makes it older.
    """

    port: int
    protocol: tuple[int, int]
    auth: Mapping[str, str] = field(default_factory=dict, repr=False)
    device: Device | None = None
    signed_token: str = field(default="", repr=False)
    scopes: tuple[str, ...] | None = ("operator.read",)
    role: str = "operator"
    client_id: str = "gateway-client"
    client_mode: str = "backend"
    platform: str = "linux"
    signature: str = "v2"
    spoil: str = ""
    age_ms: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)
    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Answer:
    """`hello` or `error` as the gateway sent them; `close` is its close code and reason after a refusal."""

    hello: dict[str, Any] | None
    error: dict[str, Any] | None
    close: tuple[int, str] | None
    results: tuple[dict[str, Any], ...] = ()


def knock(attempt: Attempt, *methods: tuple[str, dict[str, Any]]) -> Answer:
    """Connect, call the methods when let in, and close."""
    url = f"{'wss' if attempt.tls else 'ws'}://{attempt.host}:{attempt.port}/"
    with connect(url, ssl=attempt.tls, open_timeout=_LIMIT_S, close_timeout=1, compression=None, proxy=None) as socket:
        nonce = _receive(socket)["payload"]["nonce"]
        socket.send(json.dumps({"type": "req", "id": "1", "method": "connect", "params": _params(attempt, nonce)}))
        try:
            answer = _reply(socket, "1")
        except ConnectionClosed as closed:
            return Answer(None, None, _closed(closed))
        if not answer["ok"]:
            return Answer(None, answer["error"], _wait_for_close(socket))
        return Answer(answer["payload"], None, None, tuple(_call(socket, name, params) for name, params in methods))


def _receive(socket: ClientConnection) -> dict[str, Any]:
    return dict(json.loads(socket.recv(timeout=_LIMIT_S)))


def _reply(socket: ClientConnection, wanted: str) -> dict[str, Any]:
    while True:
        frame = _receive(socket)
        if frame.get("type") == "res" and frame.get("id") == wanted:
            return frame


def _call(socket: ClientConnection, method: str, params: dict[str, Any]) -> dict[str, Any]:
    socket.send(json.dumps({"type": "req", "id": method, "method": method, "params": params}))
    return _reply(socket, method)


def _wait_for_close(socket: ClientConnection) -> tuple[int, str] | None:
    try:
        socket.recv(timeout=5)
    except ConnectionClosed as closed:
        return _closed(closed)
    except TimeoutError:
        return None
    return None


def _closed(closed: ConnectionClosed) -> tuple[int, str] | None:
    return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else None


def _params(attempt: Attempt, nonce: str) -> dict[str, Any]:
    client = {"id": attempt.client_id, "version": "1", "platform": attempt.platform, "mode": attempt.client_mode}
    least, most = attempt.protocol
    params: dict[str, Any] = {"minProtocol": least, "maxProtocol": most, "client": client, "role": attempt.role, "caps": []}
    if attempt.scopes is not None:
        params["scopes"] = list(attempt.scopes)
    if attempt.auth:
        params["auth"] = dict(attempt.auth)
    if attempt.device:
        params["device"] = _proof(attempt, attempt.device, nonce)
    return {**params, **attempt.extra}


def _proof(attempt: Attempt, device: Device, nonce: str) -> dict[str, Any]:
    at = int(time.time() * 1000) - attempt.age_ms
    who = [device.id, attempt.client_id, attempt.client_mode, attempt.role, ",".join(attempt.scopes or ())]
    fields = [attempt.signature, *who, str(at), attempt.signed_token]
    if attempt.signature != "v1":
        fields.append(nonce)
    if attempt.signature == "v3":
        fields += [attempt.platform, ""]
    signer = Device.new("somebody else") if attempt.spoil == "signature" else device
    proof: dict[str, Any] = {"id": device.id, "publicKey": device.public_key, "signedAt": at}
    proof["signature"] = signer.signature("|".join(fields))
    if attempt.signature != "v1":
        proof["nonce"] = "another" if attempt.spoil == "nonce" else nonce
    if attempt.spoil == "id":
        proof["id"] = "0" * 64
    if attempt.spoil == "key":
        proof["publicKey"] = Device.new("somebody else").public_key
    return proof


__all__ = ["Answer", "Attempt", "knock", "replace"]
