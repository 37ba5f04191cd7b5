"""A gateway that was asked to be quiet admits work again, however the waiting ends."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from tests.policy.facts import installation
from upgrader.context.machine import Machine
from upgrader.context.moving import live_readiness
from upgrader.domain.installation.facts import Installation, ProcessIdentity, Service, SupervisorKind
from upgrader.domain.moves.quiet import AtLimit, GatewayIdentity, Patience, Quietness, Suspension
from upgrader.domain.process import StartFailed
from upgrader.domain.version import Version
from upgrader.operations.moves.quiesce import Quiesce, StillWorking
from upgrader.report.progress import ConsoleProgress


@dataclass
class Gateway:
    """Drains for ever; remembers what it was told."""

    quietness: Quietness = Quietness.DRAINING
    resumed: list[str] = field(default_factory=list)

    def suspend(self, _installation: Installation, request: str) -> Suspension:
        return Suspension(self.quietness, f"of {request}", ("1 chat run",))

    def resume(self, _installation: Installation, suspension: str) -> None:
        self.resumed.append(suspension)

    def identify(self, _installation: Installation) -> GatewayIdentity | None:
        return GatewayIdentity(1, "one")

    def interrupt(self, _installation: Installation, _suspension: str, _gateway: GatewayIdentity) -> bool:
        return False


@dataclass
class Clock:
    """Each wait passes at once; `stops` is raised in the first."""

    stops: type[BaseException] | None = None
    passed: float = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return self.passed

    def wait(self, span: timedelta) -> None:
        if self.stops is not None:
            raise self.stops
        self.passed += span.total_seconds()


@pytest.mark.parametrize("limit", list(AtLimit))
@pytest.mark.parametrize(("stops", "raised"), [(None, StillWorking), (KeyboardInterrupt, KeyboardInterrupt)])
def test_work_is_admitted_again_when_the_wait_is_over_or_broken_off(
    limit: AtLimit, stops: type[BaseException] | None, raised: type[BaseException]
) -> None:
    gateway = Gateway()
    quiesce = Quiesce(gateway, Clock(stops), ConsoleProgress(Console(quiet=True)), Patience(timedelta(seconds=5), limit))
    with pytest.raises(raised), quiesce.held(installation(), "move"):
        pytest.fail("nothing is moved")
    assert gateway.resumed == ["of move"]


def test_work_is_admitted_again_when_the_stop_fails() -> None:
    gateway = Gateway(Quietness.READY)
    quiesce = Quiesce(gateway, Clock(), ConsoleProgress(Console(quiet=True)), Patience())
    with pytest.raises(OSError, match="later"), quiesce.held(installation(), "move"):
        raise OSError("later")
    assert gateway.resumed == ["of move"]


def test_a_gateway_that_ended_is_told_with_the_command_that_shows_why() -> None:
    readiness = live_readiness(Machine.here())
    for service, shown in (
        (Service(SupervisorKind.PROCESS), "gateway.log"),
        (Service(SupervisorKind.SYSTEMD_USER, "gateway.service"), "journalctl --user -u gateway.service"),
    ):
        with pytest.raises(StartFailed) as caught:
            gone = ProcessIdentity(2**22 + 1, 0.0)
            readiness.wait(replace(installation(), service=service), Version("2026.9.6"), gone)
        assert shown in caught.value.hint
