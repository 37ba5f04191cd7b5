"""`upgrader demo`: the main job on a real, disposable OpenClaw, told as two stories and proven."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from upgrader.domain.demo import LIVE, TARGET, DemoData, Fault, Paired, Proof
from upgrader.domain.installation.facts import Installation
from upgrader.domain.outcome import Failure, Outcome, Status
from upgrader.domain.ports import Progress
from upgrader.domain.told import MoveData
from upgrader.domain.version import Version
from upgrader.errors import UpgraderError


class Commands(Protocol):
    """upgrader's own commands, on the disposable machine. Each returns what the command itself would show."""

    def plan(self, target: Version | None) -> Outcome[Any]:
        """`upgrader plan`; None: no release is named."""

    def canary(self, target: Version) -> Outcome[Any]:
        """`upgrader canary`."""

    def upgrade(self, target: Version) -> Outcome[Any]:
        """`upgrader upgrade`."""

    def rollback(self) -> Outcome[Any]:
        """`upgrader rollback`."""

    def installation(self) -> Installation:
        """The one OpenClaw there, as it stands now."""


class Machine(Protocol):
    """The disposable machine. Its steps raise UpgraderError where the real OpenClaw does not do what they need."""

    def install(self, version: Version) -> None:
        """As anybody would, with npm."""

    def configure(self) -> None:
        """Two agents and the stand-in model, before the first start."""

    def start(self, installation: Installation) -> None:
        """Start the gateway and wait until it is ready."""

    def stop(self, installation: Installation) -> None:
        """Stop it, and see that it has ended."""

    def restart(self, installation: Installation) -> float:
        """Stop and start without upgrader; seconds from the stop until it is ready again."""

    def converse(self) -> int:
        """Let the agents talk; how many turns they took."""

    def pair(self, name: str) -> Paired:
        """Pair a device of its own identity."""

    def break_pairing(self, device: Paired, fault: Fault) -> AbstractContextManager[None]:
        """While open: the pairing is broken from outside as soon as a newer gateway listens."""

    def remember(self, installation: Installation) -> None:
        """Keep what `differences` compares with; the gateway is stopped."""

    def differences(self, installation: Installation) -> tuple[Proof, ...]:
        """Package, Node, state, configuration and pairing against what was remembered."""

    def agents_reach_each_other(self) -> Proof:
        """One turn that spawns a sub-agent and one that writes to the other agent."""


@dataclass(frozen=True)
class Demo:
    """Runs both stories; `tell(heading)` and `show(outcome)` speak to the reader."""

    machine: Machine
    commands: Commands
    progress: Progress
    tell: Callable[[str], None]
    show: Callable[[Outcome[Any]], None]

    def run(self, directory: Any, fault: Fault) -> Outcome[DemoData]:
        """0 when every proof held, 1 otherwise. Raises what a step raises."""
        self._set_the_scene()
        upgraded, rolled_back, restart = self._first_story()
        proofs, outage = self._second_story(fault)
        outages = (
            ("bare restart", restart),
            ("upgrade", upgraded.outage_seconds or 0.0),
            ("rollback, asked for", rolled_back.outage_seconds or 0.0),
            ("rollback, by itself", outage),
        )
        data = DemoData(directory, fault, proofs, outages)
        broken = tuple(Failure("demo", f"not proven: {each.what}", each.seen) for each in proofs if not each.held)
        if broken:
            return Outcome("demo", data, Status.FAILED, UpgraderError.exit_code, broken)
        return Outcome("demo", data)

    def _set_the_scene(self) -> None:
        self.tell(f"A disposable OpenClaw {LIVE}, paired, with two agents")
        with self.progress.step(f"installing OpenClaw {LIVE} with npm, as anybody would"):
            self.machine.install(LIVE)
        self.machine.configure()
        installation = self.commands.installation()
        with self.progress.step("starting its gateway"):
            self.machine.start(installation)
        with self.progress.step("pairing a first device"):
            self.machine.pair("first device")
        with self.progress.step("letting the two agents talk"):
            turns = self.machine.converse()
        self.progress.note(f"{turns} agent turns, each through the gateway")

    def _first_story(self) -> tuple[MoveData, MoveData, float]:
        self.tell(f"Story one: plan, canary, upgrade to {TARGET}, and back by one command")
        with self.progress.step("a bare restart, as the yardstick"):
            restart = self.machine.restart(self.commands.installation())
        self._shown(self.commands.plan(TARGET))
        self._shown(self.commands.canary(TARGET))
        upgraded = self._shown(self.commands.upgrade(TARGET))
        rolled_back = self._shown(self.commands.rollback())
        return upgraded, rolled_back, restart

    def _second_story(self, fault: Fault) -> tuple[tuple[Proof, ...], float]:
        self.tell("Story two: a second device is paired; the next upgrade loses it, and goes back by itself")
        with self.progress.step("pairing a second device"):
            device = self.machine.pair("second device")
        installation = self.commands.installation()
        with self.progress.step("stopping once to remember package, Node, state, config and pairing byte for byte"):
            self.machine.stop(installation)
            self.machine.remember(installation)
            self.machine.start(self.commands.installation())
        self.progress.note(f"waiting to break the pairing of {device.name} after the cutover: {fault.value}")
        with self.machine.break_pairing(device, fault):
            outcome = self.commands.upgrade(TARGET)
        self.show(outcome)
        undone = outcome.status is Status.ROLLED_BACK and isinstance(outcome.data, MoveData)
        proofs = [Proof("the upgrade was undone by itself", undone, f"status {outcome.status.value}, exit {outcome.exit_code}")]
        installation = self.commands.installation()
        with self.progress.step("stopping once more to compare"):
            self.machine.stop(installation)
            proofs.extend(self.machine.differences(self.commands.installation()))
            self.machine.start(self.commands.installation())
        with self.progress.step("letting an agent spawn a sub-agent and write to the other agent"):
            proofs.append(self.machine.agents_reach_each_other())
        seconds = outcome.data.undone_outage_seconds if isinstance(outcome.data, MoveData) else None
        return tuple(proofs), seconds or 0.0

    def _shown(self, outcome: Outcome[Any]) -> Any:
        """Show an outcome and go on with its data. Raises the story's end when it is not what the story tells."""
        self.show(outcome)
        if outcome.exit_code != 0:
            raise UpgraderError(
                f"`upgrader {outcome.command}` ended with exit code {outcome.exit_code} where the story needs 0",
                why="; ".join(each.message for each in outcome.failures),
                hint="run the demo with --keep and look into its directory",
                code="demo_story",
            )
        return outcome.data
