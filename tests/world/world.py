"""A disposable machine: its own home, npm prefix, state, configuration, gateway process and registry."""

import hashlib
import json
import os
import shutil
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from tests.world import digests
from tests.world.commands import Commands
from tests.world.devices import Device, pair_in_files, pair_in_sqlite, write_file
from tests.world.logfile import LogLine, read_log
from tests.world.node import NodeHome
from tests.world.pairing_data import PairingData
from tests.world.processes import Child, Identity, belonging_to, end_all, start_detached, wait_until
from tests.world.registry import FakeRegistry
from tests.world.release import StandIn


class Layout(Enum):
    """How the package of a seed comes into a world: copied, so that it may be changed, or linked."""

    COPY = "copy"
    LINK = "link"


@dataclass
class Seed:
    """What a session prepares once: an npm prefix with one release, and a state directory that release has made.

    `start_s` is how long its gateway may take to be ready, `settle_s` how long it may write after an answer.
    """

    version: str
    era: str
    prefix: Path
    state: Path
    layout: Layout = Layout.COPY
    start_s: float = 45.0
    settle_s: float = 0.0


def free_port() -> int:
    """A port of loopback nobody has now; the kernel chooses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class World(PairingData, Commands):
    """One machine. Everything lies below `root`; `close()` ends its processes and removes it."""

    root: Path
    node: NodeHome
    registry: FakeRegistry
    seed: Seed
    model_url: str
    model_token: str = field(repr=False)
    token: str = field(default="", repr=False)
    port: int = 0
    own: Device = field(default_factory=lambda: Device.new("this machine"))
    phone: Device = field(default_factory=lambda: Device.new("phone", "openclaw-control-ui", "ui", platform="ios"))
    gateway: Identity | None = None
    begun: list[Child] = field(default_factory=list, repr=False)

    @property
    def home(self) -> Path:
        """HOME of everything that runs here."""
        return self.root / "home"

    @property
    def prefix(self) -> Path:
        """The npm prefix."""
        return self.home / ".npm-global"

    @property
    def package(self) -> Path:
        """Where npm puts the package; a link once upgrader has taken it over."""
        return self.prefix / "lib" / "node_modules" / "openclaw"

    @property
    def state(self) -> Path:
        """The state directory."""
        return self.home / ".openclaw"

    @property
    def config(self) -> Path:
        """openclaw.json."""
        return self.state / "openclaw.json"

    @property
    def era(self) -> str:
        """Where the pairing data lies: files or sqlite."""
        return self.seed.era

    @property
    def log(self) -> Path:
        """The gateway's log file, by logging.file of the configuration."""
        return self.root / "openclaw.log"

    @property
    def version(self) -> str:
        """The version of the package that stands in its place."""
        return str(json.loads((self.package / "package.json").read_text())["version"])

    @property
    def environment(self) -> dict[str, str]:
        """Environment of every child."""
        path = f"{self.prefix}/bin:{self.node.bin}:{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
        return {
            "HOME": str(self.home),
            "PATH": path,
            "TMPDIR": str(self.root / "tmp"),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "USER": os.environ.get("USER", "root"),
            "npm_config_prefix": str(self.prefix),
        }

    def build(self) -> None:
        """Lay everything out and pair the devices; nothing runs yet."""
        self.lay_out()
        self.pair_all()

    def lay_out(self) -> None:
        """Package, state, configuration and npm's settings."""
        (self.root / "tmp").mkdir(mode=0o700, parents=True)
        self.home.mkdir(mode=0o700)
        if self.seed.layout is Layout.COPY:
            shutil.copytree(self.seed.prefix, self.prefix, symlinks=True)
        else:
            self.prefix.symlink_to(self.seed.prefix)
        shutil.copytree(self.seed.state, self.state, symlinks=True)
        self.port = self.port or free_port()
        self.token = self.token or os.urandom(24).hex()
        write_npmrc(self.home, self.registry.url, self.root / "npm-cache")
        write_file(self.config, self.configuration())

    def pair_all(self) -> None:
        """This machine's identity and the phone."""
        if self.seed.era == "sqlite":
            pair_in_sqlite(self.database, self.own, (self.phone,))
        else:
            pair_in_files(self.state, self.own, (self.phone,))

    def configuration(self) -> dict[str, Any]:
        """openclaw.json: token auth, two agents, the stub model, its own log file."""
        free = {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0}
        model = {"id": "canary-1", "name": "stand-in", "reasoning": False, "input": ["text"], "cost": free}
        models = [{**model, "contextWindow": 128000, "maxTokens": 8192}]
        provider = {"baseUrl": self.model_url, "apiKey": self.model_token, "api": "openai-completions", "models": models}
        agents: dict[str, Any] = {"defaults": {"model": {"primary": "stub/canary-1"}}}
        if self.seed.era == "sqlite":
            agents["entries"] = {"main": {}, "beta": {}}
        else:
            agents["list"] = [{"id": "main", "default": True}, {"id": "beta"}]
        return {
            "gateway": {"mode": "local", "port": self.port, "bind": "loopback", "auth": {"mode": "token", "token": self.token}},
            "update": {"checkOnStart": False},
            "models": {"mode": "merge", "providers": {"stub": provider}},
            "agents": agents,
            "tools": {"agentToAgent": {"enabled": True, "allow": ["*"]}, "sessions": {"visibility": "all"}},
            "discovery": {"mdns": {"mode": "off"}},
            "logging": {"file": str(self.log)},
        }

    # ---- the gateway

    def start_gateway(self) -> Identity:
        """Start the installed gateway as a plain detached process and wait until it is ready."""
        argv = (str(self.node.node), str(self.package / "openclaw.mjs"), "gateway", "run")
        self.gateway = start_detached(argv, self.environment, self.root / "gateway.out", self.home)
        try:
            wait_until(lambda: self.is_ready() or not self.gateway_lives(), "a ready gateway", self.seed.start_s)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.gateway_output()}") from error
        assert self.gateway_lives(), self.gateway_output()
        return self.gateway

    def gateway_output(self) -> str:
        """The end of what the gateways of this world wrote to their streams."""
        return (self.root / "gateway.out").read_text(errors="replace")[-2000:]

    def gateway_lives(self) -> bool:
        """Whether the process we started last still runs."""
        return self.gateway is not None and self.gateway.alive

    def stop_gateway(self) -> None:
        """End every gateway of this world by SIGTERM and wait."""
        for identity in self.gateways():
            identity.signal(signal.SIGTERM)
        wait_until(lambda: not self.gateways(), "the end of the gateway", 30)

    def end_left_over(self) -> None:
        """End whatever a killed gateway has left behind."""
        end_all(self.root)

    def gateways(self) -> tuple[Identity, ...]:
        """Every gateway process of this world, canaries too: by title and environment."""
        return tuple(i for i in belonging_to(self.root) if _title(i.pid) == "openclaw-gateway")

    def is_ready(self) -> bool:
        """Whether the gateway on our port says it is ready (file era: answers at all)."""
        path = "/readyz" if self.seed.era == "sqlite" else "/"
        return self.http(path)[0] == 200

    def http(self, path: str) -> tuple[int, str]:
        """Status and body of a GET on our port; status 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def serving_version(self) -> str:
        """The version the running gateway says it is, empty when none answers (SQLite era)."""
        status, body = self.http("/startupz")
        return str(json.loads(body).get("version", "")) if status else ""

    def wait(self, condition: Callable[[], object], what: str, limit_s: float = 20.0) -> None:
        """Wait for something with a deadline."""
        wait_until(condition, what, limit_s)

    # ---- looking and spoiling

    def edit_config(self, edit: Callable[[dict[str, Any]], None]) -> None:
        """Change openclaw.json in place."""
        value = json.loads(self.config.read_text())
        edit(value)
        write_file(self.config, value)

    def log_mark(self) -> int:
        """How far the log file goes now, in bytes."""
        return self.log.stat().st_size if self.log.exists() else 0

    def log_since(self, mark: int = 0) -> list[LogLine]:
        """What was logged after `log_mark()`."""
        return read_log(self.log, mark)

    def settle(self) -> None:
        """Let a gateway that writes after its answer do so: until two looks at the store are the same."""
        last, looked = (self.devices(), self.pending()), time.monotonic()

        def same() -> bool:
            nonlocal last, looked
            if time.monotonic() - looked < self.seed.settle_s:
                return False
            before, last, looked = last, (self.devices(), self.pending()), time.monotonic()
            return before == last

        wait_until(same, "a gateway that has written all")

    def repack(self, release: StandIn) -> None:
        """Put another release of the stand-in in the place of the package, without npm."""
        for path, content in release.files().items():
            (self.package / path).parent.mkdir(parents=True, exist_ok=True)
            (self.package / path).write_bytes(content)

    def state_digest(self, *leave_out: str) -> dict[str, str]:
        """Everything in the state directory byte for byte."""
        return digests.tree(self.state, leave_out)

    def package_digest(self) -> dict[str, str]:
        """Everything of the package that stands in its place."""
        return digests.tree(self.package.resolve())

    def rows(self) -> dict[str, tuple[str, ...]]:
        """Every row of the shared database."""
        return digests.rows(self.database)

    def schema(self) -> int:
        """`user_version` of the shared database."""
        return int(self.query("PRAGMA user_version")[0][0])

    def close(self) -> None:
        """End what runs here and remove everything."""
        end_all(self.root)
        for child in self.begun:
            child.process.wait(10)
        digest = hashlib.sha256(str(self.database.resolve()).encode()).hexdigest()[:8]
        for path in Path(f"/tmp/openclaw-state-locks-{os.getuid()}").glob(f"*.{digest}.lock.sqlite*"):
            path.unlink(missing_ok=True)
        if self.root.exists():
            shutil.rmtree(self.root, onerror=_force)


def write_npmrc(home: Path, registry: str, cache: Path) -> None:
    """A person's .npmrc: this registry, a private cache, nothing chatty."""
    lines = (f"registry={registry}", f"cache={cache}", "fund=false", "audit=false", "update-notifier=false", "fetch-retries=0")
    (home / ".npmrc").write_text("\n".join(lines) + "\n")
    (home / ".npmrc").chmod(0o600)


def _title(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().split(b"\0")[0].decode(errors="replace").strip()
    except OSError:
        return ""


def _force(function: Callable[[str], object], path: str, _: object) -> None:
    """Slots are read-only trees: make the parent writable and try once more."""
    Path(path).parent.chmod(0o700)
    if not Path(path).is_symlink() and Path(path).exists():
        Path(path).chmod(0o700)
    function(path)
