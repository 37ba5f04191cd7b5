"""How this machine's own pairing data is changed when no gateway runs: new bytes of files, or statements on tables. Pure.

Sources: src/infra/device-auth-store.ts and device-pairing.ts of 2026.2.17 and 2026.2.22 (files); openclaw-state-schema.ts of
2026.9.6 (tables). A list of scopes is written sorted, as OpenClaw writes it.
"""

import json
from collections.abc import Mapping
from typing import Any

from upgrader.domain.diagnosis.repairing import KeptPairing
from upgrader.domain.installation.facts import PairingEra
from upgrader.services.openclaw.pairing import pairing_data

OWN_FILES: tuple[str, ...] = (pairing_data.DEVICE_AUTH_FILE, pairing_data.PAIRED_FILE, pairing_data.PENDING_FILE)
# Table and the column that names the device: what is kept before an edit and put back by an undo.
OWN_TABLES: tuple[tuple[str, str], ...] = (
    ("device_auth_tokens", ""),
    ("device_pairing_paired", "device_id"),
    ("device_pairing_pending", "device_id"),
)
Statement = tuple[str, tuple[object, ...]]


def synced(files: Mapping[str, bytes | None], device_id: str, now_ms: int) -> dict[str, bytes]:
    """The cache with tokens and scopes of the gateway's record. Raises ValueError where there is no such record."""
    record = _record(files, device_id)
    tokens = {
        role: {
            "token": entry["token"],
            "role": role,
            "scopes": sorted(set(entry.get("scopes") or [])),
            "updatedAtMs": now_ms,
        }
        for role, entry in (record.get("tokens") or {}).items()
        if isinstance(entry, dict) and entry.get("token") and not entry.get("revokedAtMs")
    }
    if not tokens:
        raise ValueError("the gateway's record holds no token")
    return {pairing_data.DEVICE_AUTH_FILE: _written({"version": 1, "deviceId": device_id, "tokens": tokens})}


def widened(files: Mapping[str, bytes | None], device_id: str, scopes: tuple[str, ...]) -> dict[str, bytes]:
    """paired.json with these scopes at device level, as approval and in the operator token."""
    records, record = _records(files), _record(files, device_id)
    wide = sorted({*scopes, *(record.get("scopes") or [])})
    record["scopes"] = wide
    if "approvedScopes" in record:
        record["approvedScopes"] = wide
    operator = (record.get("tokens") or {}).get("operator")
    if isinstance(operator, dict):
        operator["scopes"] = wide
    return {pairing_data.PAIRED_FILE: _written({**records, device_id: record})}


def forgotten(files: Mapping[str, bytes | None], device_id: str) -> dict[str, bytes]:
    """paired.json and pending.json without this device."""
    kept = {key: each for key, each in _records(files).items() if key != device_id}
    waiting = {key: each for key, each in _object(files.get(pairing_data.PENDING_FILE)).items() if _device(each) != device_id}
    return {pairing_data.PAIRED_FILE: _written(kept), pairing_data.PENDING_FILE: _written(waiting)}


def restored(now: Mapping[str, bytes | None], before: Mapping[str, bytes | None], device_id: str) -> dict[str, bytes | None]:
    """This device's part of `before` among what is there now: other devices stay. None: the file was not there."""
    paired = {key: each for key, each in _records(now).items() if key != device_id}
    waiting = {key: each for key, each in _object(now.get(pairing_data.PENDING_FILE)).items() if _device(each) != device_id}
    old = _records(before)
    if device_id in old:
        paired[device_id] = old[device_id]
    waiting.update({k: v for k, v in _object(before.get(pairing_data.PENDING_FILE)).items() if _device(v) == device_id})
    return {
        pairing_data.DEVICE_AUTH_FILE: before.get(pairing_data.DEVICE_AUTH_FILE),
        pairing_data.PAIRED_FILE: _written(paired) if paired or before.get(pairing_data.PAIRED_FILE) is not None else None,
        pairing_data.PENDING_FILE: _written(waiting) if waiting or before.get(pairing_data.PENDING_FILE) is not None else None,
    }


def has_record(kept: KeptPairing) -> bool:
    """Whether the gateway's record of this device is among what was kept; a file that cannot be read holds none."""
    if kept.era is PairingEra.FILES:
        try:
            return kept.device_id in _records(kept.files)
        except ValueError:
            return False
    return any(name.startswith("device_pairing_paired#") for name in kept.rows)


def sync_statements(device_id: str, now_ms: int) -> tuple[Statement, ...]:
    """The cache out of the record, role by role; a revoked token is not copied."""
    copy = (
        "INSERT INTO device_auth_tokens (device_id, role, token, scopes_json, updated_at_ms)"
        " SELECT p.device_id, t.key, json_extract(t.value, '$.token'), json_extract(t.value, '$.scopes'), ?"
        " FROM device_pairing_paired p, json_each(p.tokens_json) t WHERE p.device_id = ?"
        " AND json_extract(t.value, '$.revokedAtMs') IS NULL AND json_extract(t.value, '$.token') <> ''"
    )
    return (("DELETE FROM device_auth_tokens", ()), (copy, (now_ms, device_id)))


def widen_statements(device_id: str, scopes: tuple[str, ...]) -> tuple[Statement, ...]:
    """The same scopes at device level, as approval and in the operator token."""
    wide = json.dumps(sorted(scopes), separators=(",", ":"))
    sql = (
        "UPDATE device_pairing_paired SET scopes_json = ?, approved_scopes_json = ?,"
        " tokens_json = json_set(tokens_json, '$.operator.scopes', json(?)) WHERE device_id = ?"
    )
    return ((sql, (wide, wide, wide, device_id)),)


def forget_statements(device_id: str) -> tuple[Statement, ...]:
    """Record and requests of one device."""
    return (
        ("DELETE FROM device_pairing_paired WHERE device_id = ?", (device_id,)),
        ("DELETE FROM device_pairing_pending WHERE device_id = ?", (device_id,)),
    )


def _records(files: Mapping[str, bytes | None]) -> dict[str, Any]:
    return _object(files.get(pairing_data.PAIRED_FILE))


def _record(files: Mapping[str, bytes | None], device_id: str) -> dict[str, Any]:
    record = _records(files).get(device_id)
    if not isinstance(record, dict):
        raise ValueError("the gateway has no record of this machine")
    return dict(record)


def _device(request: object) -> object:
    return request.get("deviceId") if isinstance(request, dict) else None


def _object(raw: bytes | None) -> dict[str, Any]:
    """A JSON object; an absent or empty file is an empty one. Raises ValueError for anything else: it is not to be replaced."""
    if raw is None or not raw.strip():
        return {}
    value = json.loads(raw)
    if not isinstance(value, dict):
        raise ValueError("a pairing file holds no object")
    return value


def _written(value: object) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()
