"""Facts of a scene out of bytes and rows: names of places, dates of devices, owners in lock files, policy. Pure."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from upgrader.domain.diagnosis.scene import DeviceDates, Places
from upgrader.domain.installation.facts import PairingEra
from upgrader.domain.pairing.ports import Cell, Query, Rows
from upgrader.services.openclaw.configuration.config_policy import secret_texts
from upgrader.services.openclaw.pairing import pairing_data

KNOWN_SCHEMA = 18  # of 2026.9.6
PAIRING_FILES = (
    pairing_data.DEVICE_FILE,
    pairing_data.DEVICE_AUTH_FILE,
    pairing_data.PAIRED_FILE,
    pairing_data.PENDING_FILE,
    f"{pairing_data.DEVICE_FILE}.migrated",
    f"{pairing_data.DEVICE_AUTH_FILE}.migrated",
    f"{pairing_data.PAIRED_FILE}.migrated",
)
SESSION_FOLDERS, SESSION_INDEX = "agents/*/sessions", "sessions.json"  # up to 2026.7.35; then in the agents' databases
DATES_QUERY = Query(
    "dates",
    "SELECT device_id, client_id, created_at_ms, last_seen_at_ms FROM device_pairing_paired ORDER BY created_at_ms LIMIT 10000",
)
# What a gateway of 2026.9.6 that was killed leaves there; its next start takes it over at once (run).
OWNERS_QUERY = Query("state_leases", "SELECT payload_json FROM state_leases WHERE scope = 'gateway-owner' LIMIT 20")
_TABLES = "state/openclaw.sqlite: "


def places(era: PairingEra) -> Places:
    """How the pairing data is named."""
    if era is PairingEra.FILES:
        return Places(
            pairing_data.DEVICE_FILE, pairing_data.DEVICE_AUTH_FILE, pairing_data.PAIRED_FILE, pairing_data.PENDING_FILE
        )
    names = ("device_identities", "device_auth_tokens", "device_pairing_paired", "device_pairing_pending")
    return Places(*(_TABLES + name for name in names))


def dates_of_rows(rows: Rows) -> tuple[DeviceDates, ...]:
    """When devices were paired and last seen (SQLite era)."""
    return tuple(DeviceDates(str(a), str(b or ""), _whole(c), _whole(d)) for a, b, c, d in rows.rows)


def dates_of_file(raw: bytes | None) -> tuple[DeviceDates, ...]:
    """The same out of paired.json; what is not a record is passed over."""
    records = _object(raw)
    return tuple(
        DeviceDates(str(key), str(each.get("clientId") or ""), _whole(each.get("createdAtMs")), _seen(each))
        for key, each in records.items()
        if isinstance(each, dict)
    )


def lock_owner(raw: bytes) -> int | None:
    """The process a lock file names."""
    return _whole(_object(raw).get("pid"))


def owner_in(payload: Cell) -> int | None:
    """The process that an owner's lease names."""
    owner = _object(str(payload).encode()).get("owner")
    return _whole(owner.get("pid")) if isinstance(owner, dict) else None


def lock_patterns(uid: int, state: Path, config: Path, temporary: tuple[Path, ...]) -> tuple[tuple[Path, str], ...]:
    """(folder, pattern) of the lock files that a gateway of this state may have left: below the state in 9.x, in a temporary
    folder (`os.tmpdir()`) by a hash of the config's path before (gateway-lock.ts of 2.17 and 9.6)."""
    names = {hashlib.new(kind, str(config).encode()).hexdigest()[:8] for kind in ("sha1", "sha256")}
    folders = [folder / f"openclaw-{uid}" for folder in dict.fromkeys(temporary)]
    before = ((folder, f"gateway.{name}.lock") for folder in folders for name in sorted(names))
    return ((state / "tmp" / f"openclaw-{uid}", "gateway.*.lock"), *before)


def records_in(raw: bytes) -> int | None:
    """How many records a pairing file holds, None where that cannot be told."""
    found = _object(raw)
    return len(found) if found else None


SECRET_QUERIES = (
    Query("records", "SELECT tokens_json FROM device_pairing_paired LIMIT 10000"),
    Query("cache", "SELECT token FROM device_auth_tokens LIMIT 10000"),
    Query("keys", "SELECT private_key_pem FROM device_identities LIMIT 100"),
)


def secrets_of_store(answers: tuple[Rows, ...], files: Mapping[str, bytes | None]) -> tuple[str, ...]:
    """Every token and private key of the pairing data in clear: only for looking that none of them is in a report."""
    found: list[str] = []
    for answer in answers:
        for row in answer.rows:
            text = row[0] if isinstance(row[0], str) else ""
            found += secret_texts(dict(_object(text.encode()))) if answer.name == "records" else [text]
    for raw in files.values():
        found += secret_texts(dict(_object(raw)))
    return tuple(dict.fromkeys(text for text in found if text))


def _object(raw: bytes | None) -> Mapping[str, Any]:
    try:
        value = json.loads(raw) if raw else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _seen(record: Mapping[str, Any]) -> int | None:
    """When a record was last used: its own note, else the newest use of a token."""
    tokens = record.get("tokens")
    used = [_whole(t.get("lastUsedAtMs")) for t in tokens.values() if isinstance(t, dict)] if isinstance(tokens, dict) else []
    known = [each for each in (_whole(record.get("lastSeenAtMs")), *used) if each is not None]
    return max(known) if known else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
