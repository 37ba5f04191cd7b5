"""Joins the demo: a machine of its own, upgrader's own commands on it, and the cleaning afterwards."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from upgrader.adapters.canary.stub_model import serve
from upgrader.adapters.demo.machine import DemoLore, DemoMachine, DemoTools, open_directory
from upgrader.adapters.demo.traces import without_traces
from upgrader.adapters.files.durable import make_private
from upgrader.adapters.files.trees import remove
from upgrader.adapters.gateway.conversation import GatewaySocket
from upgrader.adapters.gateway.identities import FreshIdentities
from upgrader.adapters.kept.compare import Comparer
from upgrader.adapters.processes.tcp_ports import free_port
from upgrader.context.choices import Answers, Conduct, Options, Reach, Residue
from upgrader.context.finding import Finder, finder
from upgrader.context.interrupts import INTERRUPTS
from upgrader.context.keeping import Keeping, node_store
from upgrader.context.machine import Machine
from upgrader.context.moving import Moving, live_readiness
from upgrader.context.observing import KNOWLEDGE, compare, configuration_of, live_checks
from upgrader.context.wiring import Wiring
from upgrader.domain.demo import DemoData, Fault, Paired
from upgrader.domain.installation.facts import Installation
from upgrader.domain.moves.quiet import Patience
from upgrader.domain.outcome import Outcome
from upgrader.domain.pairing.observation import ClientKind
from upgrader.domain.pairing.ports import Gateway, PairWish
from upgrader.domain.plan.decision import ExitStyle
from upgrader.domain.ports import Progress
from upgrader.domain.version import Version
from upgrader.operations.demo import Demo
from upgrader.operations.repair.pair_client import PairClient
from upgrader.services.openclaw import commands, demo_lore
from upgrader.services.openclaw.canary import clone_runs
from upgrader.services.openclaw.places import locks, sameness

_PASSED_ON = ("http_proxy", "https_proxy", "no_proxy", "npm_config_", "pip_", "ssl_", "node_extra_ca", "requests_ca")
_STOP_LIMIT = timedelta(seconds=60)
_AGENTS: dict[str, object] = {
    "agents": {"entries": {"main": {}, "beta": {}}}
}  # of the demo's installation, whose line lets them reach each other
_LINE = Version("2026.9.5")


@dataclass(frozen=True)
class DemoCommands:
    """Port Commands: the very operations of the command line, on the demo's machine."""

    wiring: Wiring
    finder: Finder

    def plan(self, target: Version | None) -> Outcome[Any]:
        """`upgrader plan`."""
        return self.wiring.plan(target, frozenset(), Reach.ONLINE, ExitStyle.PLAIN)

    def canary(self, target: Version) -> Outcome[Any]:
        """`upgrader canary`."""
        return self.wiring.canary((target,), frozenset(), frozenset())

    def upgrade(self, target: Version) -> Outcome[Any]:
        """`upgrader upgrade --yes`."""
        return self.wiring.upgrade(target, frozenset(), Conduct())

    def rollback(self) -> Outcome[Any]:
        """`upgrader rollback --yes`."""
        return self.wiring.rollback("", Patience())

    def installation(self) -> Installation:
        """What the discovery finds."""
        return self.finder.find()


@dataclass(frozen=True)
class Stage:
    """Runs the demo in a directory and leaves nothing."""

    here: Machine
    progress: Progress
    tell: Callable[[str], None]
    show: Callable[[Outcome[Any]], None]

    def run(self, directory: Path, fault: Fault, residue: Residue) -> Outcome[DemoData]:
        """Both stories. Raises what a step raises; the directory is removed in any case unless it is to be kept."""
        root = open_directory(directory)
        machine = Machine.apart(make_private(root / "home"), self._environment(root))
        found = finder(machine, Options())
        wiring = Wiring(Options(), Answers.YES, self.progress, lambda _plan: None, machine)
        traces = without_traces(locks.temporary_folders(os.geteuid()))
        with traces, self._cleaned(root, machine, residue), serve() as model:
            tools = self._tools(machine, found, wiring)
            stage = DemoMachine(root, machine.environment, free_port(), model, tools)
            demo = Demo(stage, DemoCommands(wiring, found), self.progress, self.tell, self.show)
            return demo.run(root, fault)

    def _environment(self, root: Path) -> Mapping[str, str]:
        """What everything on the demo's machine gets: its own home and temporary directory; how to reach the registry."""
        given = self.here.environment
        kept = {name: value for name, value in given.items() if name.lower().startswith(_PASSED_ON)}
        kept.pop("npm_config_prefix", None)
        userconfig = Path(given.get("HOME", "/")) / ".npmrc"
        if userconfig.is_file():
            kept.setdefault("npm_config_userconfig", str(userconfig))
        prefix = root / "home" / ".npm-global"
        return {
            **kept,
            "HOME": str(root / "home"),
            "PATH": f"{prefix}/bin:{given.get('PATH', '/usr/bin:/bin')}",
            "TMPDIR": str(make_private(root / "tmp")),
            "LANG": "C.UTF-8",
            "npm_config_prefix": str(prefix),
            "npm_config_cache": str(root / "npm-cache"),
            "OPENCLAW_NO_AUTO_UPDATE": "1",
            "OPENCLAW_DISABLE_BONJOUR": "1",
        }

    def _tools(self, machine: Machine, finder: Finder, wiring: Wiring) -> DemoTools:
        scratch = make_private(machine.data / "demo")
        return DemoTools(
            runner=machine.runner,
            nodes=node_store(machine, None),
            clock=machine.clock,
            readiness=live_readiness(machine),
            supervisor=lambda found: _moving(machine, finder, wiring, lambda: found).supervisor(),
            compare=Comparer(sameness.EXCLUSIONS, scratch).compare,
            pair=lambda found, name: _pair(machine, found, name),
            find=finder.find,
            lore=DemoLore(
                config=demo_lore.demo_config,
                fault=demo_lore.fault_statement,
                turn=lambda kind, nonce: clone_runs.turn_probe(kind, nonce, _AGENTS, _LINE),
                turn_arguments=clone_runs.turn_arguments,
                argv=commands.openclaw_argv,
                environment=lambda found: commands.openclaw_environment(machine.environment, found),
                answer_status=clone_runs.answer_status,
            ),
        )

    @contextmanager
    def _cleaned(self, root: Path, machine: Machine, residue: Residue) -> Iterator[None]:
        """End every gateway of the demo's state and remove the directory, also after Ctrl-C."""
        state = root / "home" / ".openclaw"
        try:
            yield
        finally:
            with INTERRUPTS.shielded():
                for gateway in machine.processes.gateways_on(state) if state.exists() else ():
                    machine.processes.end(gateway.identity, _STOP_LIMIT)
                if residue is Residue.REMOVE:
                    remove(root)


def _moving(machine: Machine, finder: Finder, wiring: Wiring, find: Callable[[], Installation]) -> Moving:
    return Moving(machine, Keeping(machine, find()), finder, live_checks(machine), compare, wiring.progress)


def _pair(machine: Machine, found: Installation, name: str) -> Paired:
    """Pair a device by the shared token, as a person's second machine would."""
    gateway = Gateway(found.package.version, found.port, configuration_of(machine, found).auth)
    client = PairClient(GatewaySocket(), FreshIdentities(), machine.clock, KNOWLEDGE)
    paired = client.pair(gateway, PairWish(ClientKind.CLI, name))
    return Paired(name, paired.identity.device_id, paired.token.fingerprint)
