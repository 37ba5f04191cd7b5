"""Facts of a scene out of bytes and rows: names of places, dates of devices, owners in lock files, policy. Pure."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from upgrader.domain.facts import PairingEra
from upgrader.domain.observing import Query, Rows
from upgrader.domain.policy_facts import Policy
from upgrader.domain.scene import DeviceDates, Places
from upgrader.domain.secret import Fingerprint
from upgrader.services.openclaw import pairing

KNOWN_SCHEMA = 18  # of 2026.9.6
PAIRING_FILES = (
    pairing.DEVICE_FILE,
    pairing.DEVICE_AUTH_FILE,
    pairing.PAIRED_FILE,
    pairing.PENDING_FILE,
    f"{pairing.DEVICE_FILE}.migrated",
    f"{pairing.DEVICE_AUTH_FILE}.migrated",
    f"{pairing.PAIRED_FILE}.migrated",
)
DATES_QUERY = Query(
    "dates",
    "SELECT device_id, client_id, created_at_ms, last_seen_at_ms FROM device_pairing_paired ORDER BY created_at_ms LIMIT 10000",
)
_TABLES = "state/openclaw.sqlite: "


def places(era: PairingEra) -> Places:
    """How the pairing data is named."""
    if era is PairingEra.FILES:
        return Places(pairing.DEVICE_FILE, pairing.DEVICE_AUTH_FILE, pairing.PAIRED_FILE, pairing.PENDING_FILE)
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


def lock_patterns(uid: int, state: Path) -> tuple[tuple[Path, str], ...]:
    """(folder, pattern) of the lock files that a gateway of this state may have left (gateway-lock.ts of 2.17 and 9.6)."""
    return ((state / "tmp" / f"openclaw-{uid}", "gateway.*.lock"),)


def records_in(raw: bytes) -> int | None:
    """How many records a pairing file holds, None where that cannot be told."""
    found = _object(raw)
    return len(found) if found else None


def policy_of(tree: Mapping[str, Any], agents: tuple[str, ...]) -> Policy:
    """What the configuration says about agents among each other and about how the gateway is reached.

    Source: src/config/zod-schema.agent-runtime.ts and docs/gateway/configuration of 2026.9.6; 2.x has the sandbox's
    `sessionToolsVisibility` beside `tools.sessions.visibility`.
    """
    allow = _at(tree, "tools", "agentToAgent", "allow")
    enabled = _at(tree, "tools", "agentToAgent", "enabled")
    turns = _at(tree, "session", "agentToAgent", "maxPingPongTurns")
    token = _at(tree, "gateway", "remote", "token")
    silent = _at(tree, "gateway", "nodes", "pairing", "autoApproveLocal")
    return Policy(
        agent_to_agent=enabled if isinstance(enabled, bool) else None,
        agent_allow=tuple(str(a) for a in allow) if isinstance(allow, list) else None,
        visibility=_text(_at(tree, "tools", "sessions", "visibility")),
        sandbox_visibility=_text(_at(tree, "agents", "defaults", "sandbox", "sessionToolsVisibility"))
        if _text(_at(tree, "agents", "defaults", "sandbox", "mode")) not in ("", "off")
        else "",
        ping_pong=_whole(turns),
        agents=agents,
        bind=_text(_at(tree, "gateway", "bind")),
        remote_url=_text(_at(tree, "gateway", "remote", "url")),
        remote_token=Fingerprint.of(token) if isinstance(token, str) and "${" not in token else None,
        auto_approve_local=silent if isinstance(silent, bool) else None,
    )


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


_SHORTEST = 8


def secret_texts(value: object) -> tuple[str, ...]:
    """Every text in a configuration that stands under a name as of a secret: for looking that none is in a report."""
    found: list[str] = []
    _collect(value, "", found)
    return tuple(found)


_SECRET_NAMES = ("token", "secret", "password", "apikey", "api_key", "privatekey", "credential", "authorization", "bearer")


def _collect(value: object, name: str, found: list[str]) -> None:
    if isinstance(value, dict):
        for key, each in value.items():
            _collect(each, str(key).lower(), found)
    elif isinstance(value, list):
        for each in value:
            _collect(each, name, found)
    elif isinstance(value, str) and any(part in name for part in _SECRET_NAMES) and _may_be_secret(value):
        found.append(value)


def _may_be_secret(value: str) -> bool:
    return len(value) >= _SHORTEST and "${" not in value and not value.startswith(("http://", "https://"))


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


def _at(value: object, *keys: str) -> object:
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
