"""The pairing data of a world, in both eras: read it, add to it, spoil it."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from tests.world.devices import Device, insert_record, write_file


class PairingData:
    """What a World knows of its pairing store. `era` is files (up to 2026.7.35) or sqlite."""

    @property
    def era(self) -> str:
        """Where the pairing data lies."""
        raise NotImplementedError

    @property
    def state(self) -> Path:
        """The state directory."""
        raise NotImplementedError

    @property
    def database(self) -> Path:
        """The shared state database (SQLite era)."""
        return self.state / "state" / "openclaw.sqlite"

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Read the shared database."""
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def change(self, sql: str, *values: object) -> int:
        """Write the shared database from outside; how many rows were changed."""
        connection = sqlite3.connect(self.database, timeout=10)
        try:
            with connection:
                return connection.execute(sql, values).rowcount
        finally:
            connection.close()

    def devices(self) -> dict[str, dict[str, Any]]:
        """The gateway's records by device id, every column (SQLite) or key (files)."""
        if self.era == "files":
            return self._file("paired")
        return self._table("device_pairing_paired", "device_id")

    def pending(self) -> dict[str, dict[str, Any]]:
        """Waiting requests by request id."""
        if self.era == "files":
            return self._file("pending")
        return self._table("device_pairing_pending", "request_id")

    def _file(self, name: str) -> dict[str, dict[str, Any]]:
        path = self.state / "devices" / f"{name}.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def _table(self, table: str, key: str) -> dict[str, dict[str, Any]]:
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
        connection.row_factory = sqlite3.Row
        try:
            return {row[key]: dict(row) for row in connection.execute(f"SELECT * FROM {table}")}
        finally:
            connection.close()

    def pair(self, device: Device) -> None:
        """Add a device to the store, as if it had been approved."""
        self.pair_record(device.record())

    def pair_record(self, record: dict[str, Any]) -> None:
        """Add a record in the form of devices/paired.json, whatever it says."""
        if self.era == "files":
            write_file(self.state / "devices" / "paired.json", {**self.devices(), record["deviceId"]: record})
            return
        connection = sqlite3.connect(self.database, timeout=10)
        with connection:
            insert_record(connection, record)
        connection.close()

    def forget_device(self, device: Device) -> None:
        """Fault: its record is gone though nobody removed it."""
        if self.era == "files":
            kept = {name: record for name, record in self.devices().items() if name != device.id}
            write_file(self.state / "devices" / "paired.json", kept)
        else:
            assert self.change("DELETE FROM device_pairing_paired WHERE device_id = ?", device.id) == 1

    def narrow_scopes(self, device: Device, scopes: tuple[str, ...] = ("operator.read",)) -> None:
        """Fault: it may do less than it was approved for."""
        if self.era == "files":
            self._edit(device, scopes=list(scopes), approvedScopes=list(scopes))
            return
        text = json.dumps(scopes)
        sql = "UPDATE device_pairing_paired SET scopes_json = ?, approved_scopes_json = ? WHERE device_id = ?"
        assert self.change(sql, text, text, device.id) == 1

    def change_token(self, device: Device) -> None:
        """Fault: the gateway's record holds another token than the device has."""
        tokens = device.record()["tokens"]
        tokens[device.role]["token"] = "x" * 43
        if self.era == "files":
            self._edit(device, tokens=tokens)
            return
        sql = "UPDATE device_pairing_paired SET tokens_json = ? WHERE device_id = ?"
        assert self.change(sql, json.dumps(tokens), device.id) == 1

    def edit_cache(self, **values: object) -> None:
        """Fault: change the operator token in this machine's cache, by the names the file has; `deviceId` is the cache's."""
        owner = values.pop("deviceId", None)
        if self.era == "files":
            path = self.state / "identity" / "device-auth.json"
            cache = json.loads(path.read_text())
            cache["tokens"]["operator"].update(values)
            write_file(path, {**cache, "deviceId": owner or cache["deviceId"]})
            return
        for name, value in values.items():
            column, cell = ("scopes_json", json.dumps(value)) if name == "scopes" else (name, value)
            self.change(f"UPDATE device_auth_tokens SET {column} = ?", cell)
        if owner:
            self.change("UPDATE device_auth_tokens SET device_id = ?", owner)

    def drop_cache(self) -> None:
        """Fault: this machine's token cache is gone."""
        if self.era == "files":
            (self.state / "identity" / "device-auth.json").unlink()
        else:
            self.change("DELETE FROM device_auth_tokens")

    def _edit(self, device: Device, **values: object) -> None:
        records = self.devices()
        records[device.id].update(values)
        write_file(self.state / "devices" / "paired.json", records)
