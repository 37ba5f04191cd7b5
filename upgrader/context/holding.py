"""Joins a canary that is left running: the process that keeps it, and the commands that find, enter and end it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from upgrader.adapters.decisions.canary_toml import read_canary_settings
from upgrader.adapters.place.held import bridge, door, knock, shell, this_process, write_record
from upgrader.adapters.place.seal import LinuxPlace
from upgrader.adapters.place.terminal_relay import relay
from upgrader.adapters.processes.identity import is_alive
from upgrader.context.choices import Options
from upgrader.context.finding import finder
from upgrader.context.keeping import Keeping
from upgrader.context.machine import Machine
from upgrader.context.proving import Proving
from upgrader.domain.canary.held import CanaryNotHeld, HeldCanary, HeldData
from upgrader.domain.canary.report import CanaryRequest, Seal
from upgrader.domain.outcome import Outcome
from upgrader.domain.ports import Command, Progress
from upgrader.domain.said import last_line
from upgrader.domain.told import Ground
from upgrader.operations.canary.course import Serving
from upgrader.operations.canary.hold import HoldCanary

LIFETIME = timedelta(hours=6)
_LOOK = timedelta(seconds=0.2)
_END = timedelta(seconds=60)


@dataclass(frozen=True)
class Holding:
    """Canaries left running of one installation."""

    machine: Machine
    options: Options
    progress: Progress

    def keep(self, ground: Ground) -> HeldCanary:
        """Start the process that keeps one, and wait until it serves; it has time limits of its own. Raises CanaryNotHeld.

        Who interrupts the wait wants none left running.
        """
        keeping = self._keeping()
        log = keeping.home / "canary-held.log"
        log.unlink(missing_ok=True)
        words = ("canary-hold", ground.slot, ground.present, ground.snapshot)
        argv = (sys.executable, "-m", "upgrader", *_chosen(self.options), *words)
        with self.progress.step("leaving a canary running"):
            keeper = self.machine.runner.start(Command(argv, environment=dict(self.machine.environment)), log)
            try:
                while is_alive(keeper):
                    if found := [held for held in keeping.held() if held.keeper == keeper]:
                        return found[0]
                    self.machine.clock.wait(_LOOK)
            except BaseException:
                self.machine.processes.end(keeper, _END)
                Proving(self.machine, keeping, self.progress).sweep()  # what it had made and did not hold yet
                raise
        raise CanaryNotHeld("the canary could not be left running", why=_last_line(log), hint="`upgrader canary` shows why")

    def hold(self, ground: Ground) -> None:
        """The work of that process: until its lifetime is over or it is ended. Raises CanaryNotHeld."""
        keeping = self._keeping()
        slots, snapshots = keeping.slots(), keeping.snapshots().list()
        candidate, present = slots.find(ground.slot), slots.find(ground.present)
        snapshot = next((each for each in snapshots if each.id == ground.snapshot), None)
        if candidate is None or present is None or snapshot is None:
            raise CanaryNotHeld("slot or snapshot of the canary is gone")
        canary = Proving(self.machine, keeping, self.progress).canaries()
        wish = read_canary_settings(self.machine.config).budgets
        request = CanaryRequest(keeping.installation, snapshot, candidate, present)
        HoldCanary(canary.tools, wish, LIFETIME).run(request, lambda serving: self._offer(serving, str(candidate.version)))

    def enter(self) -> None:
        """A shell in the newest one, on this terminal. Raises CanaryNotHeld."""
        found = self._keeping().held()
        if not found:
            raise CanaryNotHeld("no canary is running", hint="`upgrader canary --keep` leaves one running")
        try:
            terminal = knock(max(found, key=lambda held: held.keeper.started).root)
        except OSError as error:
            raise CanaryNotHeld("the canary gives no shell", why=str(error), hint="`upgrader canary --end` ends it") from error
        relay(terminal)

    def end(self) -> Outcome[HeldData]:
        """End every canary left running; 0 also when there is none."""
        found = self._keeping().held()
        for held in found:
            self.machine.processes.end(held.keeper, _END)
        return Outcome("canary", HeldData(found, ended=True))

    @contextmanager
    def _offer(self, serving: Serving, version: str) -> Iterator[None]:
        place = serving.place
        assert isinstance(place, LinuxPlace)
        start = Command((shell(),), LIFETIME, serving.environment, serving.site.shown_home)
        sealed = place.seal is Seal.SEALED
        root = serving.site.root
        with bridge(place.dial, serving.port) as port, door(root, lambda: place.terminal(start)):
            url = f"http://127.0.0.1:{port if sealed else serving.port}/"
            whose = "the token of your gateway" if sealed else f"a token of its own, in {serving.site.state}"
            until = (self.machine.clock.now() + LIFETIME).isoformat(timespec="seconds")
            write_record(HeldCanary(version, url, whose, this_process(), root, until))
            yield

    def _keeping(self) -> Keeping:
        return Keeping(self.machine, finder(self.machine, self.options).find())


def _chosen(options: Options) -> tuple[str, ...]:
    """The options that select the installation, as words."""
    pairs = (
        ("--config", options.config),
        ("--profile", options.profile),
        ("--state-dir", options.state_dir),
        ("--prefix", options.prefix),
    )
    return tuple(word for name, value in pairs if value for word in (name, value))


def _last_line(log: Path) -> str:
    try:
        return last_line(log.read_bytes()) or "it said nothing"
    except FileNotFoundError:
        return "it said nothing"
