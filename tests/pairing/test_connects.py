"""Which connects and calls are made, and the frames they are made of."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.pairing.stores import KNOWLEDGE, Stored, reader
from upgrader.adapters.gateway.identities import FreshIdentities
from upgrader.domain.installation.facts import AuthFacts
from upgrader.domain.pairing.observation import ClientKind, Handshake, HandshakeResult, Reach
from upgrader.domain.pairing.ports import Attempt, Gateway, PairWish
from upgrader.domain.secret import Secret
from upgrader.domain.version import Version

CHALLENGE = json.dumps({"type": "event", "event": "connect.challenge", "payload": {"nonce": "n-1", "ts": 1}}).encode()
SHARED = "s" * 48
HEALTH = ("gateway", "call", "health", "--json", "--timeout", "45000")


def gateway(release: str, mode: str = "token") -> Gateway:
    return Gateway(Version(release), 18789, AuthFacts(mode, Secret(SHARED), Secret(SHARED)))


def attempts(stored: Stored, release: str, reach: Reach, mode: str = "token") -> dict[str, Attempt | Handshake]:
    found = KNOWLEDGE.attempts(
        gateway(release, mode), stored.read(), reader(stored.state.parent).credentials(stored.state), reach, 1_788_000_000_000
    )
    return {each.kind.value if isinstance(each, Attempt) else each.client: each for each in found}


def frames(planned: dict[str, Attempt | Handshake]) -> dict[str, dict[str, object]]:
    """What would be sent, by kind of client."""
    made = {name: each.reply(CHALLENGE) for name, each in planned.items() if isinstance(each, Attempt)}
    return {name: json.loads(raw)["params"] for name, raw in made.items() if raw is not None}


@pytest.mark.parametrize("release", ["2026.2.17", "2026.2.22", "2026.5.12", "2026.9.5", "2026.9.6"])
def test_a_live_gateway_never_sees_the_shared_secret(tmp_path: Path, release: str) -> None:
    stored = Stored(tmp_path / "state", "sqlite" if release > "2026.8" else "files")
    sent = frames(attempts(stored, release, Reach.LIVE))
    assert sent
    for params in sent.values():
        assert SHARED not in json.dumps(params)
        assert stored.own.token in json.dumps(params["auth"])
        assert params["role"] == "operator"
        assert isinstance(params["device"], dict)
        assert params["device"]["id"] == stored.own.id


def test_a_live_connect_names_itself_as_its_record_does(tmp_path: Path) -> None:
    stored = Stored(tmp_path / "state", "sqlite")
    for params in frames(attempts(stored, "2026.9.6", Reach.LIVE)).values():
        client = params["client"]
        assert isinstance(client, dict)
        assert (client["displayName"], client["platform"]) == ("this machine", "linux")


def test_up_to_8_1_a_live_gateway_is_asked_once_and_for_nothing_new(tmp_path: Path) -> None:
    stored = Stored(tmp_path / "state", "files")
    stored.edit(stored.own, lambda record: record.update(clientId="gateway-client", clientMode="backend"))
    stored.edit_token(stored.own, scopes=["operator.admin"])
    sent = frames(attempts(stored, "2026.2.17", Reach.LIVE))
    assert set(sent) == {"stored-token"}
    client = sent["stored-token"]["client"]
    assert isinstance(client, dict)
    assert (client["id"], client["mode"]) == ("gateway-client", "backend")
    assert sent["stored-token"]["scopes"] == ["operator.admin"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (lambda s: s.forget_device(s.own), "is not paired"),
        (lambda s: s.edit(s.own, lambda r: r.update(publicKey="A" * 43)), "another key"),
        (lambda s: s.edit(s.own, lambda r: r.update(roles=["node"], role="node")), "not paired as operator"),
        (lambda s: s.drop_cache(), "hold no operator token"),
        (lambda s: s.edit_cache(token=""), "hold no operator token"),
        (lambda s: s.edit_token(s.own, revokedAtMs=1), "revoked on purpose"),
        (lambda s: s.edit(s.own, lambda r: r.update(platform="")), "names no platform"),
    ],
    ids=["not paired", "another key", "another role", "no cache", "empty token", "revoked", "no platform"],
)
@pytest.mark.parametrize("release", ["2026.2.22", "2026.9.6"])
def test_a_connect_that_would_change_something_is_not_made(tmp_path: Path, release: str, fault: object, reason: str) -> None:
    stored = Stored(tmp_path / "state", "sqlite" if release > "2026.8" else "files")
    assert callable(fault)
    fault(stored)
    planned = attempts(stored, release, Reach.LIVE)
    assert set(planned) == {"stored-token"}
    only = planned["stored-token"]
    assert isinstance(only, Handshake)
    assert only.result is HandshakeResult.NOT_TRIED
    assert reason in only.reason


@pytest.mark.parametrize("mode", ["none", "trusted-proxy"])
def test_a_live_gateway_that_does_not_look_at_the_token_is_left_alone(tmp_path: Path, mode: str) -> None:
    planned = attempts(Stored(tmp_path / "state", "sqlite"), "2026.9.6", Reach.LIVE, mode)
    assert [type(each) for each in planned.values()] == [Handshake]


def test_a_password_is_no_part_of_what_is_signed_and_is_sent_as_such(tmp_path: Path) -> None:
    sent = frames(attempts(Stored(tmp_path / "state", "sqlite"), "2026.9.6", Reach.CLONE, "password"))
    assert sent["tui"]["auth"] == {"password": SHARED}


def test_a_token_that_is_another_than_the_recorded_one_is_tried(tmp_path: Path) -> None:
    stored = Stored(tmp_path / "state", "sqlite")
    stored.edit_token(stored.own, token="x" * 43)
    assert isinstance(attempts(stored, "2026.9.6", Reach.LIVE)["stored-token"], Attempt)


def test_kinds_that_ask_for_more_than_the_token_holds_are_not_tried_live(tmp_path: Path) -> None:
    stored = Stored(tmp_path / "state", "sqlite")
    stored.edit_cache(scopes=["operator.read"])
    planned = attempts(stored, "2026.9.6", Reach.LIVE)
    tried = {name for name, each in planned.items() if isinstance(each, Attempt)}
    assert tried == {"stored-token", "backend-read", "probe"}


@pytest.mark.parametrize(
    ("release", "with_identity"),
    [
        ("2026.2.19", {"cli", "backend-read", "backend-write", "tui", "control-ui", "acp", "probe"}),
        ("2026.9.6", {"tui", "acp"}),
    ],
)
def test_on_a_clone_every_kind_connects_as_the_real_client_does(tmp_path: Path, release: str, with_identity: set[str]) -> None:
    stored = Stored(tmp_path / "state", "sqlite" if release > "2026.8" else "files")
    sent = frames(attempts(stored, release, Reach.CLONE))
    kinds = {kind.value for kind in ClientKind} - ({"control-ui"} if release > "2026.8" else set())
    assert set(sent) == kinds
    shared = {name for name, params in sent.items() if params["auth"] == {"token": SHARED}}
    assert shared == kinds - {"stored-token"}
    assert {name for name in shared if "device" in sent[name]} == with_identity


def test_the_signature_is_over_what_is_sent(tmp_path: Path) -> None:
    stored = Stored(tmp_path / "state", "sqlite")
    params = frames(attempts(stored, "2026.9.6", Reach.LIVE))["tui"]
    device, client, scopes = params["device"], params["client"], params["scopes"]
    assert isinstance(device, dict)
    assert isinstance(client, dict)
    assert isinstance(scopes, list)
    signed = "|".join(
        ["v2", device["id"], client["id"], client["mode"], "operator", ",".join(scopes), str(device["signedAt"]),
         stored.own.token, "n-1"]
    )  # fmt: skip
    key = Ed25519PublicKey.from_public_bytes(stored.own.raw_key)
    key.verify(base64.urlsafe_b64decode(device["signature"] + "=="), signed.encode())


def test_nothing_is_sent_without_a_challenge(tmp_path: Path) -> None:
    stored = Stored(tmp_path / "state", "sqlite")
    each = attempts(stored, "2026.9.6", Reach.LIVE)["cli"]
    assert isinstance(each, Attempt)
    empty = b'{"event":"connect.challenge","payload":{"nonce":""}}'
    for frame in (b"{}", b"[1]", b"not json", b'{"event":"connect.challenge"}', empty):
        assert each.reply(frame) is None


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"ok": True, "payload": {"server": {"version": "2026.9.6"}, "auth": {"scopes": ["operator.read"]}}},
         (HandshakeResult.ACCEPTED, "", "2026.9.6")),
        ({"ok": False, "error": {"code": "NOT_PAIRED", "message": "pairing required"}},
         (HandshakeResult.REFUSED, "NOT_PAIRED", "")),
        ({"ok": False, "error": {"code": "INVALID_REQUEST", "message": "unauthorized: device token mismatch",
                                 "details": {"code": "AUTH_DEVICE_TOKEN_MISMATCH"}}},
         (HandshakeResult.REFUSED, "AUTH_DEVICE_TOKEN_MISMATCH", "")),
        ({"ok": False, "error": "nonsense"}, (HandshakeResult.REFUSED, "REFUSED", "")),
    ],
    ids=["accepted", "refused by 2.x", "refused by 9.x", "refused without words"],
)  # fmt: skip
def test_every_answer_is_read(tmp_path: Path, answer: dict[str, object], expected: tuple[HandshakeResult, str, str]) -> None:
    each = attempts(Stored(tmp_path / "state", "sqlite"), "2026.9.6", Reach.LIVE)["cli"]
    assert isinstance(each, Attempt)
    assert each.read(b'{"type":"event","event":"tick"}') is None
    seen = each.read(json.dumps({"type": "res", "id": "upgrader-connect", **answer}).encode())
    assert seen is not None
    assert (seen.result, seen.code, seen.server_version) == expected


def test_a_fresh_identity_proves_itself_and_pairs_with_the_shared_secret() -> None:
    identity = FreshIdentities().fresh()
    attempt = KNOWLEDGE.pairing(gateway("2026.9.5"), identity, PairWish(ClientKind.CLI, "a second device"), 1)
    raw = attempt.reply(CHALLENGE)
    assert raw is not None
    params = json.loads(raw)["params"]
    assert params["auth"] == {"token": SHARED}
    assert params["client"]["displayName"] == "a second device"
    assert params["device"]["id"] == identity.device_id
    public = base64.urlsafe_b64decode(params["device"]["publicKey"] + "=")
    assert hashlib.sha256(public).hexdigest() == identity.device_id
    signed = "|".join(["v2", identity.device_id, "cli", "cli", "operator", ",".join(params["scopes"]), "1", SHARED, "n-1"])
    Ed25519PublicKey.from_public_bytes(public).verify(
        base64.urlsafe_b64decode(params["device"]["signature"] + "=="), signed.encode()
    )
    assert "PRIVATE KEY" not in raw.decode() + repr(identity)


@pytest.mark.parametrize(
    ("release", "fault", "arguments"),
    [
        ("2026.9.6", lambda s: s.forget_device(s.own), HEALTH),
        ("2026.2.17", lambda s: s.edit(s.own, lambda r: r.pop("displayName")), HEALTH),
        ("2026.2.17", lambda s: s.read(), ()),
        ("2026.2.17", lambda s: s.edit(s.own, lambda r: r.update(displayName="", clientId="gateway-client")), ()),
        ("2026.2.17", lambda s: s.forget_device(s.own), ()),
        ("2026.2.17", lambda s: s.edit_token(s.own, token="x" * 43), ()),
        ("2026.2.17", lambda s: s.edit(s.own, lambda r: r.update(scopes=["operator.admin"])), ()),
        ("2026.3.13", lambda s: s.forget_device(s.own), HEALTH),
        ("2026.5.12", lambda s: s.forget_device(s.own), ()),
    ],
)
def test_the_real_call_is_made_where_it_changes_nothing(
    tmp_path: Path, release: str, fault: object, arguments: tuple[str, ...]
) -> None:
    stored = Stored(tmp_path / "state", "sqlite" if release > "2026.8" else "files")
    assert callable(fault)
    fault(stored)
    plan = KNOWLEDGE.call(gateway(release), stored.read(), Reach.LIVE)
    assert plan.arguments == arguments
    assert bool(plan.reason) is not bool(arguments)
