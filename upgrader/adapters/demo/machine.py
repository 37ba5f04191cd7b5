"""The disposable machine of the demo: a Node, an npm install, a state, a gateway, all below one directory."""

import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from upgrader.adapters.canary.stub_model import MODEL_ID, StubModel
from upgrader.adapters.files.durable import make_private, replace_durably
from upgrader.adapters.files.tree import digest_file, write_manifest
from upgrader.adapters.files.trees import copy_tree, remove
from upgrader.adapters.node.runtime import NodeStore
from upgrader.adapters.processes.children import ProcessRunner
from upgrader.domain.canary.turns import Saw, TurnKind, TurnProbe
from upgrader.domain.demo import Fault, Paired, Proof
from upgrader.domain.installation.facts import Installation
from upgrader.domain.kept.sameness import Sameness
from upgrader.domain.moves.ports import Readiness, Supervisor
from upgrader.domain.ports import Clock, Command
from upgrader.domain.said import last_line
from upgrader.domain.version import Version
from upgrader.errors import UpgraderError

MARKER = ".upgrader-demo"
_NODE = ">=24.16.0 <25"
_INSTALL_LIMIT = timedelta(minutes=20)
_TURN_LIMIT = timedelta(minutes=5)
_STOP_LIMIT = timedelta(seconds=345)
_FAULT_LIMIT_S = 3600
_CHILD_WAIT = timedelta(minutes=2)


class DemoFailed(UpgraderError):
    """The disposable machine could not be brought where the story needs it."""

    default_code = "demo_failed"


@dataclass(frozen=True)
class DemoLore:
    """What of OpenClaw the machine needs: see services/openclaw/demo_lore.py and canary/clone_runs.py."""

    config: Callable[[int, str, str, str, str, str], bytes]
    fault: Callable[[Fault], str]
    turn: Callable[[TurnKind, str], TurnProbe]
    turn_arguments: Callable[[TurnProbe], tuple[str, ...]]
    argv: Callable[[Installation, tuple[str, ...]], tuple[str, ...]]
    environment: Callable[[Installation], Mapping[str, str]]
    answer_status: Callable[[str], tuple[str, str]]


@dataclass(frozen=True)
class DemoTools:
    """What the machine works with. `supervisor(installation)` is upgrader's own for plain processes."""

    runner: ProcessRunner
    nodes: NodeStore
    clock: Clock
    readiness: Readiness
    supervisor: Callable[[Installation], Supervisor]
    compare: Callable[[Path, Path], Sameness]
    pair: Callable[[Installation, str], Paired]
    find: Callable[[], Installation]
    lore: DemoLore


@dataclass
class DemoMachine:
    """Port Machine. `environment` is that of everything that runs here; `model` answers the agents."""

    root: Path
    environment: Mapping[str, str]
    port: int
    model: StubModel
    tools: DemoTools
    _facts: dict[str, str] = field(default_factory=dict)

    @property
    def _home(self) -> Path:
        return self.root / "home"

    @property
    def _prefix(self) -> Path:
        return self._home / ".npm-global"

    def install(self, version: Version) -> None:
        """`npm install -g` of a release, with a Node of the machine's own. Raises DemoFailed."""
        found = self.tools.nodes.with_npm(_NODE)
        node = make_private(self._prefix / "bin") / "node"
        if not node.exists():
            node.symlink_to(found.node.runtime.path)
        npm = (str(found.node.runtime.path), str(found.npm.script), "install", "-g", f"openclaw@{version}")
        quiet = ("--allow-scripts=openclaw", "--no-audit", "--no-fund", "--loglevel=error", f"--prefix={self._prefix}")
        environment = {**self.environment, **dict(found.configuration), "npm_config_cache": str(self.root / "npm-cache")}
        ran = self.tools.runner.run(Command((*npm, *quiet), _INSTALL_LIMIT, environment, self.root))
        if ran.exit_code:
            raise DemoFailed(f"npm could not install openclaw {version}", why=last_line(ran.stderr))

    def configure(self) -> None:
        """A private state directory with a configuration: fresh tokens, two agents, the stand-in model."""
        state = make_private(self._home / ".openclaw")
        log = str(self.root / "openclaw.log")
        token = secrets.token_hex(24)
        config = self.tools.lore.config(self.port, self.model.base_url, self.model.token, MODEL_ID, token, log)
        replace_durably(state / "openclaw.json", config)

    def start(self, installation: Installation) -> None:
        """Start the gateway and wait until it serves. Raises StartFailed."""
        supervisor = self.tools.supervisor(installation)
        gateway = supervisor.start(installation, supervisor.launch_record(installation))
        self.tools.readiness.wait(installation, installation.package.version, gateway)

    def stop(self, installation: Installation) -> None:
        """Stop it. Raises StopFailed."""
        self.tools.supervisor(installation).stop(installation, _STOP_LIMIT)

    def restart(self, installation: Installation) -> float:
        """Stop and start, nothing else; the seconds in which nobody answered."""
        supervisor = self.tools.supervisor(installation)
        launch = supervisor.launch_record(installation)
        began = self.tools.clock.monotonic()
        supervisor.stop(installation, _STOP_LIMIT)
        gateway = supervisor.start(installation, launch)
        self.tools.readiness.wait(installation, installation.package.version, gateway)
        return self.tools.clock.monotonic() - began

    def converse(self) -> int:
        """Some turns of both agents, so that there is something to lose; how many. Raises DemoFailed."""
        for kind in (TurnKind.PLAIN, TurnKind.PLAIN, TurnKind.SPAWN, TurnKind.SEND):
            self._turn(kind)
        return 4

    def pair(self, name: str) -> Paired:
        """Pair a device of that name with the running gateway."""
        return self.tools.pair(self.tools.find(), name)

    @contextmanager
    def break_pairing(self, device: Paired, fault: Fault) -> Iterator[None]:
        """Arm a separate process that breaks the pairing of `device` once a newer gateway listens; it ends by itself."""
        installation = self.tools.find()
        job = {
            "database": str(installation.state.path / "state" / "openclaw.sqlite"),
            "statement": self.tools.lore.fault(fault),
            "device": device.device_id,
            "value": secrets.token_urlsafe(32),
            "port": self.port,
            "above": installation.state.state_schema or 0,
            "limit": _FAULT_LIMIT_S,
        }
        file = self.root / "fault.json"
        replace_durably(file, json.dumps(job).encode())
        argv = (sys.executable, "-m", "upgrader.adapters.demo.fault", str(file))
        child = self.tools.runner.launch(Command(argv), self.root / "fault.log")
        try:
            yield
        finally:
            child.end(timedelta(seconds=5))

    def remember(self, installation: Installation) -> None:
        """Keep what must come back: a copy of the stopped state, digests of package and Node."""
        kept = self.root / "remembered"
        remove(kept) if kept.exists() else None
        copy_tree(installation.state.path, make_private(kept) / "state")
        self._facts = self._digests(installation)

    def differences(self, installation: Installation) -> tuple[Proof, ...]:
        """Package, Node, config and state against what was remembered, byte for byte but for the list of exclusions."""
        now = self._digests(installation)
        proofs = [
            Proof(f"the {name} is what it was", value == self._facts.get(name), f"SHA-256 {value[:12]}")
            for name, value in now.items()
        ]
        same = self.tools.compare(self.root / "remembered" / "state", installation.state.path)
        seen = f"{same.paths} paths and {same.rows} rows compared"
        if not same.holds:
            seen += ": " + "; ".join(f"{each.place} {each.what}" for each in same.differences[:8])
        return (*proofs, Proof("the state, pairing included, is what it was", same.holds, seen))

    def agents_reach_each_other(self) -> Proof:
        """One turn that spawns and one that sends, through the live gateway: the child must reach the model."""
        what = "agents spawn and reach each other"
        try:
            for kind in (TurnKind.SPAWN, TurnKind.SEND):
                self._turn(kind)
        except DemoFailed as error:
            return Proof(what, held=False, seen=error.why)
        return Proof(what, held=True, seen="sessions_spawn and sessions_send were accepted, both children asked the model")

    def _turn(self, kind: TurnKind) -> None:
        installation, lore = self.tools.find(), self.tools.lore
        probe = lore.turn(kind, secrets.token_hex(6))
        argv = lore.argv(installation, lore.turn_arguments(probe))
        environment = lore.environment(installation)
        ran = self.tools.runner.run(Command(argv, _TURN_LIMIT, environment, self._home))
        if ran.exit_code:
            raise DemoFailed(f"an agent's turn ({kind.value}) failed", why=last_line(ran.stderr) or f"exit {ran.exit_code}")
        if kind is not TurnKind.PLAIN:
            self._must_have_reached(probe)

    def _must_have_reached(self, probe: TurnProbe) -> None:
        deadline = self.tools.clock.monotonic() + _CHILD_WAIT.total_seconds()
        while self.tools.clock.monotonic() < deadline:
            events = self.model.events(probe.nonce)
            if any(event.saw is Saw.CHILD for event in events):
                return
            self.tools.clock.wait(timedelta(milliseconds=200))
        answers = [self.tools.lore.answer_status(event.result)[1] for event in events if event.saw is Saw.RESULT]
        raise DemoFailed(f"{probe.tool} did not reach its child", why=next(iter(answers), "the tool gave no answer"))

    def _digests(self, installation: Installation) -> dict[str, str]:
        manifest = self.root / "package.manifest"
        facts = write_manifest(installation.package.pointer, (), manifest)
        kind = "link" if installation.package.pointer.is_symlink() else "directory"
        return {
            f"package ({installation.package.version}, npm's {kind})": facts.digest,
            f"Node ({installation.node.version})": digest_file(installation.node.path),
            "configuration": digest_file(installation.state.config),
        }


def open_directory(directory: Path) -> Path:
    """The demo's directory, private, new or left by an earlier demo. Raises DemoFailed for anybody else's."""
    if directory.exists() and not (directory / MARKER).is_file() and any(directory.iterdir()):
        raise DemoFailed(
            f"{directory} is not empty",
            why="the demo removes its directory at the end",
            hint="name another one",
            code="not_empty",
        )
    make_private(directory)
    os.close(os.open(directory / MARKER, os.O_WRONLY | os.O_CREAT, 0o600))
    return directory.resolve()
