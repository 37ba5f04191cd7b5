"""State directories of both eras with fresh identities, made by hand, and the reader that reads them."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.world.devices import Device, pair_in_files, pair_in_sqlite, write_file
from tests.world.pairing_data import PairingData
from upgrader.adapters.databases.read_only import ReadOnlyDatabases
from upgrader.adapters.probes.observed_files import StateFiles
from upgrader.domain.pairing.observation import PairingStore
from upgrader.operations.diagnosis.pairing_store import StoreReader
from upgrader.services.openclaw.knowledge import OpenClawKnowledge

KNOWLEDGE = OpenClawKnowledge()
_TABLES = {
    "device_identities": "identity_key TEXT PRIMARY KEY, device_id, public_key_pem, private_key_pem, created_at_ms,"
    " updated_at_ms",
    "device_auth_tokens": "device_id, role, token, scopes_json, updated_at_ms",
    "device_pairing_paired": "device_id TEXT PRIMARY KEY, public_key, display_name, operator_label, platform, device_family,"
    " client_id, client_mode, browser_origin, role, roles_json, scopes_json, approved_scopes_json, remote_ip, tokens_json,"
    " approved_via, node_surface_json, pending_node_surface_json, created_at_ms, approved_at_ms, last_seen_at_ms,"
    " last_seen_reason",
    "device_pairing_pending": "request_id TEXT PRIMARY KEY, device_id, public_key, display_name, platform, device_family,"
    " client_id, client_mode, browser_origin, role, roles_json, scopes_json, remote_ip, silent, is_repair, ts, refreshed_at_ms",
    "apns_registration_tombstones": "node_id TEXT PRIMARY KEY, deleted_at_ms",
}


class Stored(PairingData):
    """One state directory. Edits go through its own era's form: JSON files, or rows of state/openclaw.sqlite."""

    def __init__(self, state: Path, era: str, own: Device | None = None, phone: Device | None = None) -> None:
        self._state, self._era = state, era
        self.own = own or Device.new("this machine")
        self.phone = phone or Device.new("phone", "openclaw-ios", "ui", platform="ios")
        if era == "sqlite":
            self._make_database()
            pair_in_sqlite(self.database, self.own, (self.phone,))
        else:
            pair_in_files(state, self.own, (self.phone,))

    @property
    def state(self) -> Path:
        """The state directory."""
        return self._state

    @property
    def era(self) -> str:
        """files or sqlite."""
        return self._era

    def read(self) -> PairingStore:
        """What the product makes of it."""
        return reader(self.state.parent).store(self.state)

    def edit(self, device: Device, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the gateway's record of a device, in the form of paired.json."""
        record = self.record(device)
        change(record)
        self.forget_device(device)
        self.pair_record(record)

    def edit_token(self, device: Device, **values: object) -> None:
        """Change the recorded token of a device."""
        self.edit(device, lambda record: record["tokens"][device.role].update(values))

    def record(self, device: Device) -> dict[str, Any]:
        """The gateway's record as it was made."""
        if self.era == "files":
            return self.devices()[device.id]
        return device.record()

    def rename_identity(self, device_id: str) -> None:
        """The stored id is another one."""
        if self.era == "files":
            path = self.state / "identity" / "device.json"
            write_file(path, {**json.loads(path.read_text()), "deviceId": device_id})
        else:
            self.change("UPDATE device_identities SET device_id = ?", device_id)

    def ask(self, device: Device, *scopes: str) -> None:
        """A repair request of this device waits."""
        if self.era == "files":
            request = {"requestId": "r1", "deviceId": device.id, "scopes": list(scopes), "isRepair": True, "ts": 1}
            write_file(self.state / "devices" / "pending.json", {"r1": request})
        else:
            columns = "(request_id, device_id, scopes_json, is_repair, ts)"
            sql = f"INSERT INTO device_pairing_pending {columns} VALUES ('r1', ?, ?, 1, 1)"
            self.change(sql, device.id, json.dumps(scopes))

    def _make_database(self) -> None:
        self.database.parent.mkdir(parents=True)
        with closing(sqlite3.connect(self.database)) as connection, connection:
            for name, columns in _TABLES.items():
                connection.execute(f"CREATE TABLE {name} ({columns})")
            connection.execute("PRAGMA user_version = 17")


def reader(temporary: Path) -> StoreReader:
    """The product's own reader."""
    return StoreReader(ReadOnlyDatabases(temporary), StateFiles(), KNOWLEDGE)
