"""Before the stop: the gateway admits no new work, and what runs is waited for.

A stop while an agent works makes OpenClaw drain for minutes with its port closed; waiting beforehand costs nobody anything
but new work, which is refused meanwhile and told to try again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from upgrader.domain.installation.facts import Installation
from upgrader.domain.moves.ports import Quieting
from upgrader.domain.moves.quiet import AtLimit, GatewayIdentity, Patience, Quietness, Suspension
from upgrader.domain.ports import Clock, Progress
from upgrader.domain.units import span
from upgrader.errors import Inconclusive

_BETWEEN = timedelta(seconds=2)


class StillWorking(Inconclusive):
    """Agents are at work and the person did not want them cut off."""

    default_code = "gateway_busy"


@dataclass(frozen=True)
class Quiesce:
    """Waits until the gateway is idle, for as long as `patience` says."""

    quieting: Quieting
    clock: Clock
    progress: Progress
    patience: Patience

    @contextmanager
    def held(self, installation: Installation, request: str) -> Iterator[None]:
        """The block runs while no new work is admitted; when it fails, work is admitted again. Raises StillWorking."""
        with self.progress.step("waiting until running work is done"):
            suspension = self._wait(installation, request)
        try:
            yield
        except BaseException:
            self._release(installation, suspension)
            raise

    def _wait(self, installation: Installation, request: str) -> Suspension:
        """Ask until it is idle; at the limit cut off what runs if the person said so and the gateway agrees."""
        interrupts = self.patience.at_limit is AtLimit.INTERRUPT
        gateway = self.quieting.identify(installation) if interrupts else None
        end = self.clock.monotonic() + self.patience.limit.total_seconds()
        suspension = self.quieting.suspend(installation, request)
        try:
            if suspension.quietness is Quietness.DRAINING:
                self.progress.note(f"still at work: {', '.join(suspension.work)}")
            while suspension.quietness is Quietness.DRAINING:
                if self.clock.monotonic() >= end:
                    return self._at_limit(installation, suspension, gateway)
                self.clock.wait(_BETWEEN)
                suspension = self.quieting.suspend(installation, request)
        except BaseException:  # put off, or interrupted while it waited
            self._release(installation, suspension)
            raise
        return suspension

    def _at_limit(self, installation: Installation, suspension: Suspension, gateway: GatewayIdentity | None) -> Suspension:
        """Cut the work off where that was asked for and agreed to. Raises StillWorking."""
        if gateway is not None and self.quieting.interrupt(installation, suspension.id, gateway):
            self.progress.note(f"the stop cuts off: {', '.join(suspension.work)}; it resumes after the start")
            return suspension
        raise StillWorking(
            f"agents are still at work after {span(self.patience.limit.total_seconds())}: {', '.join(suspension.work)}",
            why="stopping the gateway now would cut them off, or keep it down until they end",
            hint="the same command with `--wait 30m` waits longer; with `--interrupt` it cuts them off",
            unchanged="the gateway runs as before and admits work again",
        )

    def _release(self, installation: Installation, suspension: Suspension) -> None:
        if suspension.id:
            self.quieting.resume(installation, suspension.id)
