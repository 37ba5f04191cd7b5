"""Paired devices for tests: identities, their records in both stores, and the ways a store can be spoilt."""

import base64
import hashlib
import json
import secrets
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

OPERATOR_SCOPES = ("operator.admin", "operator.approvals", "operator.pairing", "operator.read", "operator.write")
_PAIRED_MS = 1_788_000_000_000  # some day of August 2026


@dataclass(frozen=True)
class Device:
    """One device as both sides know it. `token` is its operator or node token."""

    key: Ed25519PrivateKey = field(repr=False)
    token: str = field(repr=False)
    name: str
    client_id: str
    client_mode: str
    role: str = "operator"
    scopes: tuple[str, ...] = OPERATOR_SCOPES
    platform: str = "linux"

    @classmethod
    def new(cls, name: str, client_id: str = "cli", client_mode: str = "cli", **more: Any) -> "Device":
        """A device with a fresh key and token."""
        return cls(Ed25519PrivateKey.generate(), secrets.token_urlsafe(32), name, client_id, client_mode, **more)

    @property
    def raw_key(self) -> bytes:
        """The 32 bytes of the public key."""
        return self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def id(self) -> str:
        """SHA-256 of the raw public key, as OpenClaw names devices in every release."""
        return hashlib.sha256(self.raw_key).hexdigest()

    @property
    def public_key(self) -> str:
        """The raw key as base64url without padding."""
        return base64.urlsafe_b64encode(self.raw_key).rstrip(b"=").decode()

    @property
    def public_pem(self) -> str:
        """SPKI PEM."""
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def private_pem(self) -> str:
        """PKCS#8 PEM."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def signature(self, payload: str) -> str:
        """Ed25519 over the payload, base64url without padding."""
        return base64.urlsafe_b64encode(self.key.sign(payload.encode())).rstrip(b"=").decode()

    def record(self) -> dict[str, Any]:
        """The gateway's record of it, in the form of devices/paired.json."""
        token = {"token": self.token, "role": self.role, "scopes": list(self.scopes), "createdAtMs": _PAIRED_MS}
        return {
            "deviceId": self.id,
            "publicKey": self.public_key,
            "displayName": self.name,
            "platform": self.platform,
            "clientId": self.client_id,
            "clientMode": self.client_mode,
            "role": self.role,
            "roles": [self.role],
            "scopes": list(self.scopes),
            "approvedScopes": list(self.scopes),
            "tokens": {self.role: token},
            "createdAtMs": _PAIRED_MS,
            "approvedAtMs": _PAIRED_MS,
        }


def write_file(path: Path, value: object) -> None:
    """A private JSON file as OpenClaw writes it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n")
    path.chmod(0o600)


def pair_in_files(state: Path, own: Device, others: tuple[Device, ...]) -> None:
    """The pairing files of releases up to 2026.7.35."""
    identity = {"version": 1, "deviceId": own.id, "publicKeyPem": own.public_pem, "privateKeyPem": own.private_pem}
    write_file(state / "identity" / "device.json", {**identity, "createdAtMs": _PAIRED_MS})
    token = {"token": own.token, "role": own.role, "scopes": list(own.scopes), "updatedAtMs": _PAIRED_MS}
    write_file(state / "identity" / "device-auth.json", {"version": 1, "deviceId": own.id, "tokens": {own.role: token}})
    write_file(state / "devices" / "paired.json", {d.id: d.record() for d in (own, *others)})


def pair_in_sqlite(database: Path, own: Device, others: tuple[Device, ...]) -> None:
    """The same in the tables of 2026.8.1 and later."""
    connection = sqlite3.connect(database, timeout=10)
    with connection:
        connection.execute("DELETE FROM device_identities")
        connection.execute(
            "INSERT INTO device_identities VALUES ('primary', ?, ?, ?, ?, ?)",
            (own.id, own.public_pem, own.private_pem, _PAIRED_MS, _PAIRED_MS),
        )
        kept = (own.id, own.role, own.token, json.dumps(own.scopes, separators=(",", ":")), _PAIRED_MS)
        connection.execute("INSERT INTO device_auth_tokens VALUES (?, ?, ?, ?, ?)", kept)
        for device in (own, *others):
            insert_device(connection, device)
    connection.close()


def insert_device(connection: sqlite3.Connection, device: Device) -> None:
    """One row of device_pairing_paired."""
    insert_record(connection, device.record())


_COLUMNS = {
    "deviceId": "device_id",
    "publicKey": "public_key",
    "displayName": "display_name",
    "platform": "platform",
    "clientId": "client_id",
    "clientMode": "client_mode",
    "role": "role",
    "roles": "roles_json",
    "scopes": "scopes_json",
    "approvedScopes": "approved_scopes_json",
    "tokens": "tokens_json",
    "createdAtMs": "created_at_ms",
    "approvedAtMs": "approved_at_ms",
    "lastSeenAtMs": "last_seen_at_ms",
}


def insert_record(connection: sqlite3.Connection, record: dict[str, Any]) -> None:
    """The same of a record in the form of devices/paired.json."""
    row: dict[str, object] = {"approved_via": "silent"}
    for key, value in record.items():
        row[_COLUMNS[key]] = json.dumps(value, separators=(",", ":")) if _COLUMNS[key].endswith("_json") else value
    names = ", ".join(row)
    marks = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO device_pairing_paired ({names}) VALUES ({marks})", tuple(row.values()))
