"""A small machine for the discovery: a home, npm prefixes, a state, and processes that look like gateways. No Node needed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from tests.world.processes import wait_until
from upgrader.adapters.clock import SystemClock
from upgrader.adapters.node.binary import NodeBinaries
from upgrader.adapters.probes.config_file import ConfigFile
from upgrader.adapters.probes.packages import PackageTrees
from upgrader.adapters.probes.state_facts import StateFacts
from upgrader.adapters.probes.unit_reader import UnitReader
from upgrader.adapters.processes.account import SystemAccounts
from upgrader.adapters.processes.children import ProcessRunner
from upgrader.adapters.processes.table import ProcessTable
from upgrader.domain.installation.facts import Installation, ProcessIdentity
from upgrader.domain.installation.selection import Location, Selection
from upgrader.operations.discover import Discover
from upgrader.services.openclaw import layout
from upgrader.services.openclaw.configuration import config, config_text
from upgrader.services.openclaw.gateway import gateway_process
from upgrader.services.openclaw.installing import read_package
from upgrader.services.openclaw.places import install_places, locations, paths
from upgrader.services.openclaw.service import units

DEADLINE_S = 20.0

# Stands where openclaw.mjs stands, run by Python: what is known of a gateway from outside, and no more. Words after
# `gateway run`: `--port N` listens; `--lock PATH` holds a lock file that names `--state` and `--config-path`; `--open PATH`
# holds any file; `--broker` starts a child that inherits all of it; `--deaf` ignores TERM.
_GATEWAY = """
import json, os, signal, socket, subprocess, sys
words = sys.argv[1:]
def word(name):
    return words[words.index(name) + 1] if name in words else ""
if word("--lock"):
    lock = open(word("--lock"), "w")
    json.dump({"pid": os.getpid(), "configPath": word("--config-path"), "stateDir": word("--state")}, lock)
    lock.flush()
    os.set_inheritable(lock.fileno(), True)
if word("--open"):
    held = open(word("--open"), "ab")
if word("--port"):
    server = socket.create_server(("127.0.0.1", int(word("--port"))))
if "--broker" in words:
    worker = os.path.join(os.path.dirname(__file__), "dist/process/spawn-broker/worker.js")
    subprocess.Popen([sys.executable, worker, "gateway", "--stay"], close_fds=False)
if "--deaf" in words:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(word("--ready") or os.devnull, "w").close()
signal.pause()
"""


@dataclass
class Machine:
    """Everything lies below `root`."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    slots: Path = Path("/nowhere")

    def __post_init__(self) -> None:
        self.home.mkdir()
        node = self.root / "node" / "bin" / "node"
        node.parent.mkdir(parents=True)
        node.write_text("#!/bin/sh\necho v24.19.0\n")
        node.chmod(0o755)
        self.environment.setdefault("HOME", str(self.home))
        self.environment.setdefault("PATH", f"{node.parent}:/usr/bin:/bin")

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def state(self) -> Path:
        return self.home / ".openclaw"

    def install(self, version: str = "2026.9.5", prefix: str = "prefix", on_path: str = "yes") -> Path:
        """A package as `npm install -g` leaves it, and its command on PATH. Returns the package directory."""
        package = self.root / prefix / "lib" / "node_modules" / "openclaw"
        self.package_at(package, version)
        commands = self.root / prefix / "bin"
        commands.mkdir()
        (commands / "openclaw").symlink_to("../lib/node_modules/openclaw/openclaw.mjs")
        if on_path == "yes":
            self.environment["PATH"] = f"{commands}:{self.environment['PATH']}"
        return package

    def package_at(self, package: Path, version: str) -> Path:
        """The files of a package."""
        (package / "dist" / "process" / "spawn-broker").mkdir(parents=True)
        facts = {"name": "openclaw", "version": version, "engines": {"node": ">=24.16.0 <25"}}
        (package / "package.json").write_text(json.dumps({**facts, "openclaw": {"schemaVersions": {"state": 17, "agent": 21}}}))
        (package / "openclaw.mjs").write_text(_GATEWAY)
        (package / "dist" / "process" / "spawn-broker" / "worker.js").write_text("import signal; signal.pause()\n")
        return package

    def make_state(
        self, text: str = '{gateway: {port: 18790, auth: {mode: "token", token: "t0p-s3cret"}}}', name: str = ".openclaw"
    ) -> Path:
        """A state directory with a configuration."""
        state = self.home / name
        state.mkdir()
        (state / "openclaw.json").write_text(text)
        return state

    def selection(self, **options: str) -> Selection:
        """What a run in this machine selects."""
        return Selection(
            **options,  # type: ignore[arg-type]
            environment=self.environment,
            uid=os.geteuid(),
            account_home=self.home,
            directory=self.root,
        )

    def find(self, **options: str) -> Installation:
        """Run the discovery."""
        return self.discover().find(self.selection(**options))

    def discover(self) -> Discover:
        """The discovery, wired as the command line wires it."""
        return discover_below(self.root, self.slots)

    def table(self) -> ProcessTable:
        """The process table."""
        return process_table()

    @contextmanager
    def gateway(self, package: Path, *words: str, **environment: str) -> Iterator[ProcessIdentity]:
        """A process that looks like a gateway of this package, until the block ends."""
        with self.openclaw(package, "gateway", "run", *words, **environment) as identity:
            yield identity

    @contextmanager
    def openclaw(self, package: Path, *words: str, **environment: str) -> Iterator[ProcessIdentity]:
        """A process of this package with these words."""
        with self.process([sys.executable, "-S", str(package / "openclaw.mjs"), *words], **environment) as identity:
            yield identity

    @contextmanager
    def process(self, argv: list[str], executable: str = "", **environment: str) -> Iterator[ProcessIdentity]:
        """Any process in this machine's environment, waited for until it is ready; ended with all it started."""
        ready = self.root / f"ready-{time.monotonic_ns()}"
        child = subprocess.Popen(
            [*argv, "--ready", str(ready)],
            executable=executable or None,
            env={**self.environment, **environment},
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )
        try:
            wait_for(ready.exists, child)
            yield identity_of(child.pid)
        finally:
            with_group(child.pid)
            child.wait()


def discover_below(root: Path, slots: Path) -> Discover:
    """The discovery; what happens to be installed elsewhere on the machine that runs the tests is not looked at."""

    def places(selection: Selection, location: Location, npmrc: bytes) -> tuple[str, ...]:
        return tuple(each for each in install_places.places(selection, location, npmrc) if each.startswith(str(root)))

    return Discover(
        layout=layout.OpenClawLayout(Path.exists),
        installs=PackageTrees(places, read_package, partial(install_places.kind_of, slots=slots), install_places.prefix_of),
        nodes=NodeBinaries(ProcessRunner({})),
        configurations=ConfigFile(config.read_configuration, config.without_configuration),
        states=StateFacts(paths.STATE_DATABASE, paths.AGENT_DATABASES, layout.era_of),
        units=UnitReader(units.read_unit, config_text.parse_dotenv),
        table=process_table(),
        accounts=SystemAccounts(".openclaw"),
        is_slot=lambda package: package.is_relative_to(slots),
    )


def process_table() -> ProcessTable:
    """The process table as the command line wires it."""
    return ProcessTable(SystemClock(), locations.SELECTING, gateway_process.is_lock_file, gateway_process.read_process)


def lock_of(state: Path) -> Path:
    """Where 9.x keeps its lock file."""
    folder = state / "tmp" / f"openclaw-{os.geteuid()}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "gateway.state.lock"


def identity_of(pid: int) -> ProcessIdentity:
    """The process of this pid, now."""
    return ProcessIdentity(pid, psutil.Process(pid).create_time())


def with_group(leader: int) -> None:
    """KILL for a group that a test started."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def wait_for(condition: Callable[[], bool], child: "subprocess.Popen[bytes] | None" = None) -> None:
    """Until the condition holds; fails at the deadline or when the child has ended."""

    def holds() -> bool:
        assert child is None or child.poll() is None, "the process ended early"
        return condition()

    wait_until(holds, "what was waited for", DEADLINE_S)
