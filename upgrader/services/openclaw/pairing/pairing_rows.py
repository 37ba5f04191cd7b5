"""The SQLite era: the statements that read pairing data, and their rows in the one form of pairing_data.py.

Source: src/state/openclaw-state-schema.ts of 2026.9.5 and 9.6; `SELECT *` because equal schema numbers do not promise equal
columns (docs/reference/database-schemas/versioning.md of 9.6).
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from upgrader.domain.installation.facts import PairingEra
from upgrader.domain.pairing.observation import Act, ActKind, OwnIdentity, PairedDevice, PairingStore, PendingRequest
from upgrader.domain.pairing.ports import ClientIdentity, Credentials, Query, Rows
from upgrader.domain.secret import Secret
from upgrader.services.openclaw.pairing.pairing_data import (
    DEVICE_AUTH_FILE,
    DEVICE_FILE,
    PAIRED_FILE,
    base64url,
    own_identity,
    paired_device,
    pending_request,
    raw_public_key,
)
from upgrader.services.openclaw.pairing.pairing_fields import Record, load_cell, load_object, word

_CAP = 10_000  # rows; an installation has a handful of devices
STORE_QUERIES = (
    Query("identity", "SELECT device_id, public_key_pem FROM device_identities WHERE identity_key = 'primary'"),
    Query("cache", f"SELECT device_id, role, token, scopes_json, updated_at_ms FROM device_auth_tokens LIMIT {_CAP}"),
    Query("paired", f"SELECT * FROM device_pairing_paired ORDER BY device_id LIMIT {_CAP}"),
    Query("pending", f"SELECT * FROM device_pairing_pending ORDER BY request_id LIMIT {_CAP}"),
    # Written when a paired device is removed or pruned, never by a plain DELETE (removePairedDevice of 9.5; run on 9.5, 9.6).
    Query("removals", f"SELECT node_id, deleted_at_ms FROM apns_registration_tombstones LIMIT {_CAP}"),
)
CREDENTIAL_QUERIES = (
    Query(
        "identity", "SELECT device_id, public_key_pem, private_key_pem FROM device_identities WHERE identity_key = 'primary'"
    ),
    Query("cache", f"SELECT device_id, role, token FROM device_auth_tokens LIMIT {_CAP}"),
)
# Which file of the older era must have been imported into which query's table, or it lies there unread.
_IMPORTED = ((DEVICE_FILE, "identity"), (DEVICE_AUTH_FILE, "cache"), (PAIRED_FILE, "paired"))


def parse_rows(answers: tuple[Rows, ...], older_files: tuple[str, ...] = ()) -> PairingStore:
    """The pairing data of a release that keeps tables. `older_files` are the JSON files of before that still lie there."""
    problems = [f"table of {a.name} is missing" for a in answers if not a.present and a.name in ("identity", "paired")]
    own = _own(answers, problems)
    devices: list[PairedDevice] = []
    for record in _records(answers, "paired"):
        parsed = paired_device(_unfolded(record, problems), "device_pairing_paired", problems)
        if parsed is not None:
            devices.append(parsed)
    requests: list[PendingRequest] = []
    for record in _records(answers, "pending"):
        request = pending_request(_unfolded(record, problems))
        if request is not None:
            requests.append(request)
    return PairingStore(
        era=PairingEra.SQLITE,
        own=own,
        paired=tuple(devices),
        pending=tuple(requests),
        problems=tuple(problems),
        leftovers=tuple(name for name, query in _IMPORTED if name in older_files and not _records(answers, query)),
        acts=tuple(
            Act(ActKind.REMOVED, str(row["nodeId"]), at_ms=row["deletedAtMs"] if isinstance(row["deletedAtMs"], int) else None)
            for row in _records(answers, "removals")
        ),
    )


def credentials_from_rows(answers: tuple[Rows, ...]) -> Credentials | None:
    """What this machine's clients present (SQLite era); None without an identity."""
    identity = next(iter(_records(answers, "identity")), None)
    if identity is None:
        return None
    tokens = [row for row in _records(answers, "cache") if row.get("deviceId") == identity.get("deviceId")]
    return _credentials(identity, ((str(row.get("role")), str(row.get("token"))) for row in tokens))


def credentials_from_files(device: bytes | None, device_auth: bytes | None) -> Credentials | None:
    """What this machine's clients present (files); None without an identity. A cache of another device does not count."""
    identity, auth = load_object(device, DEVICE_FILE, []), load_object(device_auth, DEVICE_AUTH_FILE, [])
    if identity is None:
        return None
    tokens = auth.get("tokens") if auth and auth.get("deviceId") == identity.get("deviceId") else None
    entries = tokens.items() if isinstance(tokens, dict) else ()
    return _credentials(identity, ((role, word(entry, "token")) for role, entry in entries if isinstance(entry, dict)))


def _credentials(identity: Record, tokens: Iterable[tuple[str, str]]) -> Credentials | None:
    raw = raw_public_key(word(identity, "publicKeyPem"))
    private = word(identity, "privateKeyPem")
    if raw is None or not private:
        return None
    owner = ClientIdentity(word(identity, "deviceId"), base64url(raw), Secret(private))
    return Credentials(owner, tuple((role, Secret(token)) for role, token in tokens))


def _own(answers: tuple[Rows, ...], problems: list[str]) -> OwnIdentity | None:
    """The identity row with the cache rows of its device; a cache that holds only other devices names one of them."""
    identity = next(iter(_records(answers, "identity")), None)
    if identity is None:
        return None
    cache = _records(answers, "cache")
    mine = [row for row in cache if row.get("deviceId") == identity.get("deviceId")]
    kept = mine or cache
    tokens = {str(row.get("role")): _unfolded(row, problems) for row in kept}
    owner = kept[0].get("deviceId") if kept else None
    own = own_identity(identity, {"deviceId": owner, "tokens": tokens} if kept else None, problems)
    return own if own is None or kept else replace(own, cache_device_id=None)


def _records(answers: tuple[Rows, ...], name: str) -> list[dict[str, Any]]:
    """The rows of one query, columns in the spelling of the files (`device_id` as `deviceId`)."""
    found = next((a for a in answers if a.name == name), Rows(name, present=False))
    return [{_camel(c): cell for c, cell in zip(found.columns, row, strict=True)} for row in found.rows]


def _unfolded(record: dict[str, Any], problems: list[str]) -> dict[str, Any]:
    """The record with its `…Json` columns read."""
    unfolded: dict[str, Any] = {}
    for key, cell in record.items():
        if key.endswith("Json"):
            unfolded[key.removesuffix("Json")] = load_cell(cell, f"column {key}", problems)
        else:
            unfolded[key] = cell
    return unfolded


def _camel(column: str) -> str:
    first, *rest = column.split("_")
    return first + "".join(part.capitalize() for part in rest)
