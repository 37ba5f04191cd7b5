"""One real gateway for many faults: what a fault changes is put back from a copy before the next, without a restart."""

import hashlib
import json
import os
import shutil
import signal
import socket
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.real.installs import Install
from tests.world.commands import Said
from tests.world.contract.connecting import Answer, Attempt, knock
from tests.world.devices import Device, write_file
from tests.world.processes import Identity
from tests.world.world import World, free_port

LIMIT_S = 300.0
_FILES = ("identity/device.json", "identity/device-auth.json", "devices/paired.json", "devices/pending.json")
_TABLES = (
    "device_identities",
    "device_auth_tokens",
    "device_pairing_paired",
    "device_pairing_pending",
    "apns_registration_tombstones",
)
_NOTED = ("last_seen_at_ms", "last_seen_reason", "lastSeenAtMs", "lastSeenReason")  # of every connect with the device token


def without_name(world: World) -> None:
    """The command line of 2.x would erase the record's name: it has none here, so that nothing has to change."""
    if world.era == "files":
        record = {k: v for k, v in world.devices()[world.own.id].items() if k != "displayName"}
        write_file(world.state / "devices" / "paired.json", {**world.devices(), world.own.id: record})


def records(world: World) -> tuple[str, str]:
    """SHA-256 of the pending requests, and of the paired records and this machine's cache without the times of last use."""
    kept: dict[str, Any] = {}
    for device, record in world.devices().items():
        read = {k: json.loads(v) if k.endswith("_json") and v else v for k, v in record.items()}
        for token in (read.get("tokens_json") or read.get("tokens") or {}).values():
            token.pop("lastUsedAtMs", None)
        kept[device] = {k: v for k, v in read.items() if k not in _NOTED}
    return _digest(world.pending()), _digest([kept, _cache(world)])


def _cache(world: World) -> Any:
    if world.era == "sqlite":
        return world.query("SELECT device_id, role, token, scopes_json FROM device_auth_tokens ORDER BY 1, 2")
    path = world.state / "identity" / "device-auth.json"
    cache = json.loads(path.read_text())["tokens"] if path.exists() else {}
    return {role: (each["token"], each["scopes"]) for role, each in cache.items()}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@dataclass
class Bench:
    """A world whose gateway runs, and what its faults may ask for. `shell` is what the next diagnosis finds in its shell."""

    world: World
    installed: Callable[[str], Install]
    shell: dict[str, str] = field(default_factory=dict)
    _files: dict[str, bytes] = field(default_factory=dict, repr=False)
    _rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict, repr=False)
    _config: bytes = field(default=b"", repr=False)
    _prefix: Path = Path()
    _serving: tuple[Identity, ...] = ()

    def keep(self) -> None:
        """Remember everything a fault may change."""
        world = self.world
        self._serving = world.gateways()  # 2.x runs itself again as a child
        self._config, self._prefix = world.config.read_bytes(), world.prefix.readlink()
        if world.era == "sqlite":
            self._rows = {name: world.query(f"SELECT * FROM {name}") for name in _TABLES}
        else:
            self._files = {each: (world.state / each).read_bytes() for each in _FILES if (world.state / each).exists()}

    def put_back(self) -> None:
        """Everything as `keep` found it: records, cache, configuration, units, log; what was started beside is ended."""
        world, self.shell = self.world, {}
        for identity in world.gateways():
            if identity not in self._serving:
                identity.signal(signal.SIGKILL)
        shutil.rmtree(world.home / ".config" / "systemd", ignore_errors=True)
        if world.config.read_bytes() != self._config:
            world.config.write_bytes(self._config)
        if world.prefix.readlink() != self._prefix:
            world.prefix.unlink()
            world.prefix.symlink_to(self._prefix)
        self._restore_pairing()
        world.settle()
        if world.log.exists():
            os.truncate(world.log, 0)

    def _restore_pairing(self) -> None:
        if self.world.era == "sqlite":
            with closing(sqlite3.connect(self.world.database, timeout=10)) as connection, connection:
                for name, rows in self._rows.items():
                    connection.execute(f"DELETE FROM {name}")
                    marks = ", ".join("?" * len(rows[0])) if rows else ""
                    connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows) if rows else None
            return
        for name in _FILES:
            path = self.world.state / name
            if name in self._files:
                path.write_bytes(self._files[name])
            else:
                path.unlink(missing_ok=True)

    # ---- what faults are made with

    def openclaw(self, *words: str) -> Said:
        """The installed command line, which must succeed."""
        said = self.world.openclaw(*words, limit_s=LIMIT_S)
        assert said.exit_code == 0, f"{words[:2]}: {said.text[-400:]}"
        return said

    def of_release(self, version: str, *words: str, home: Path | None = None) -> Said:
        """The command line of another release, or in another HOME, against the running gateway."""
        package = self.installed(version).package
        environment: Mapping[str, str] = {**self.world.environment, "HOME": str(home or self.world.home)}
        argv = (str(self.world.node.node), str(package / "openclaw.mjs"), *words)
        return self.world.command(*argv, limit_s=LIMIT_S, environment=environment)

    def other_home(self) -> Path:
        """Another HOME with a configuration that reaches the same gateway."""
        home = self.world.root / "another-home"
        shutil.rmtree(home, ignore_errors=True)
        (home / ".openclaw").mkdir(parents=True, mode=0o700)
        write_file(home / ".openclaw" / "openclaw.json", json.loads(self.world.config.read_text()))
        return home

    def knock(self, **how: Any) -> Answer:
        """A connect as this machine's own device with the shared token, as exactly as wished."""
        own, token = self.world.own, self.world.token
        protocol = protocol_of(self.world.seed.version)
        asked = {"auth": {"token": token}, "device": own, "signed_token": token, **how}
        return knock(Attempt(self.world.port, (protocol, protocol), **asked))

    def stranger(self, name: str, **more: Any) -> Device:
        """A device that the gateway has paired, other than this machine's."""
        device = Device.new(name, **more)
        self.world.pair(device)
        return device

    def second_gateway(self) -> None:
        """Another `gateway run` on the same state and another port; left running where the release lets it start."""
        port = free_port()
        child = self.world.begin_openclaw("gateway", "run", "--port", str(port))
        ended_or_up = "a second gateway that serves or ends"
        self.world.wait(lambda: child.process.poll() is not None or listens(port), ended_or_up, LIMIT_S)

    def kill_gateway(self) -> None:
        """SIGKILL, as the kernel does when memory runs out."""
        for gateway in self.world.gateways():
            gateway.signal(signal.SIGKILL)
        self.world.wait(lambda: not self.world.gateways(), "the end of the killed gateway")
        self.world.end_left_over()


def listens(port: int) -> bool:
    """Whether somebody takes a connection there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def protocol_of(version: str) -> int:
    """3 up to 2026.5.11, then 4."""
    month, day = (int(part.split("-")[0]) for part in version.split(".")[1:3])
    return 4 if (month, day) >= (5, 12) else 3
