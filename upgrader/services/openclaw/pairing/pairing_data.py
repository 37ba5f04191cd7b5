"""Pairing data of both eras, from bytes and rows to one form. Secrets become fingerprints here and go no further.

Sources: src/infra/device-identity.ts, device-auth-store.ts, device-pairing.ts of 2026.2.17 and 2026.2.22 (files);
src/state/openclaw-state-schema.ts of 2026.9.5 and 9.6 (tables); states paired by 2.17, 9.5 and 9.6.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping

from upgrader.domain.installation.facts import PairingEra
from upgrader.domain.pairing.observation import OwnIdentity, PairedDevice, PairingStore, PendingRequest, TokenRecord
from upgrader.domain.secret import Fingerprint
from upgrader.services.openclaw.pairing.pairing_fields import Record, flags, load_object, numbers, record_fields, texts, word

DEVICE_FILE = "identity/device.json"
DEVICE_AUTH_FILE = "identity/device-auth.json"
PAIRED_FILE = "devices/paired.json"
PENDING_FILE = "devices/pending.json"

# DER of an Ed25519 SubjectPublicKeyInfo up to the 32 raw bytes (RFC 8410).
_SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")


def parse_files(device: bytes | None, device_auth: bytes | None, paired: bytes | None, pending: bytes | None) -> PairingStore:
    """The pairing data of a release that keeps files (up to 2026.7.35). None stands for a file that is not there."""
    problems: list[str] = []
    own = own_identity(
        load_object(device, DEVICE_FILE, problems), load_object(device_auth, DEVICE_AUTH_FILE, problems), problems
    )
    devices = tuple(
        parsed
        for key, record in sorted((load_object(paired, PAIRED_FILE, problems) or {}).items())
        if (parsed := paired_device(record, f"{PAIRED_FILE}: {key[:12]}", problems)) is not None
    )
    requests = tuple(
        request
        for _, record in sorted((load_object(pending, PENDING_FILE, problems) or {}).items())
        if (request := pending_request(record)) is not None
    )
    return PairingStore(PairingEra.FILES, own, devices, requests, tuple(problems))


def own_identity(device: Record | None, auth: Record | None, problems: list[str]) -> OwnIdentity | None:
    """The identity and its token cache; None without a usable identity."""
    if device is None:
        return None
    device_id, pem = word(device, "deviceId"), word(device, "publicKeyPem")
    raw = raw_public_key(pem)
    if not device_id or raw is None:
        problems.append(f"{DEVICE_FILE} holds no Ed25519 identity")
        return None
    return OwnIdentity(
        device_id=device_id,
        public_key=base64url(raw),
        key_matches=hashlib.sha256(raw).hexdigest() == device_id,
        cache_device_id=word(auth, "deviceId") or None if auth else None,
        tokens=token_records(auth.get("tokens") if auth else None),
    )


def paired_device(record: object, where: str, problems: list[str]) -> PairedDevice | None:
    """One row of the gateway's store, from the shape of paired.json (rows of tables are brought into it first)."""
    if not isinstance(record, dict) or not word(record, "deviceId"):
        problems.append(f"{where} is no pairing record")
        return None
    if not word(record, "publicKey"):
        problems.append(f"{where} has no public key")
    roles = texts(record.get("roles")) or ((word(record, "role"),) if word(record, "role") else ())
    approved = record.get("approvedScopes")
    return PairedDevice(
        device_id=word(record, "deviceId"),
        public_key=word(record, "publicKey"),
        client_id=word(record, "clientId"),
        client_mode=word(record, "clientMode"),
        platform=word(record, "platform"),
        roles=roles,
        scopes=texts(record.get("scopes")),
        approved_scopes=texts(approved) if isinstance(approved, list) else None,
        tokens=token_records(record.get("tokens")),
        fields=record_fields(record),
        display_name=word(record, "displayName"),
        device_family=word(record, "deviceFamily"),
        remote=bool(word(record, "remoteIp")),
    )


def pending_request(record: object) -> PendingRequest | None:
    """One waiting request; what is not an object is skipped, as OpenClaw does."""
    if not isinstance(record, dict) or not word(record, "requestId"):
        return None
    return PendingRequest(
        request_id=word(record, "requestId"),
        device_id=word(record, "deviceId"),
        client_id=word(record, "clientId"),
        scopes=texts(record.get("scopes")),
        is_repair=flags(record, "isRepair"),
        created_ms=numbers(record, "ts"),
    )


def token_records(tokens: object) -> tuple[TokenRecord, ...]:
    """The tokens of a record or a cache, by role. A token that is not text counts as empty."""
    if not isinstance(tokens, Mapping):
        return ()
    return tuple(
        TokenRecord(
            role=role,
            token=Fingerprint.of(word(entry, "token")),
            scopes=texts(entry.get("scopes")),
            created_ms=numbers(entry, "createdAtMs"),
            rotated_ms=numbers(entry, "rotatedAtMs"),
            revoked_ms=numbers(entry, "revokedAtMs"),
        )
        for role, entry in sorted(tokens.items())
        if isinstance(entry, Mapping)
    )


def raw_public_key(pem: str) -> bytes | None:
    """The 32 raw bytes of an Ed25519 key in SPKI PEM, None for anything else."""
    body = "".join(line for line in pem.splitlines() if line and not line.startswith("-----"))
    try:
        der = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(der) != len(_SPKI_PREFIX) + 32 or not der.startswith(_SPKI_PREFIX):
        return None
    return der[len(_SPKI_PREFIX) :]


def base64url(raw: bytes) -> str:
    """Base64url without padding, as OpenClaw writes keys and signatures."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
