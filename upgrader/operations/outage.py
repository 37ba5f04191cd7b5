"""A short stop of the gateway with something done in it, and the same gateway started again whatever happens."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta

from upgrader.domain.facts import Installation
from upgrader.domain.launching import Launch
from upgrader.domain.ports import Holds, Readiness, Supervisor
from upgrader.errors import Blocked

_STOP_LIMIT = timedelta(seconds=345)  # 9.x drains up to 315 s at a managed stop


@dataclass(frozen=True)
class Outage:
    """Over the supervisor and OpenClaw's own locks. `shield` keeps interrupts until the gateway is back."""

    supervisor: Supervisor
    holds: Holds
    readiness: Readiness
    shield: Callable[[], AbstractContextManager[None]]

    def during(
        self, installation: Installation, work: Callable[[], None], relaunch: Callable[[Launch], Launch] = lambda launch: launch
    ) -> None:
        """Stop, hold the locks, `work`, reload the definition, start as it ran (`relaunch` may change the environment).

        The gateway is started again also when `work` raises. Raises Blocked, StopFailed, GatewayLeft, StartFailed and what
        `work` raises.
        """
        objections = self.supervisor.objections(installation)
        if objections:
            raise Blocked("this gateway cannot be stopped by upgrader", why="; ".join(objections), code="supervisor")
        running = installation.is_running
        launch = self.supervisor.launch_record(installation) if running else None
        with self.shield():
            if running:
                self.supervisor.stop(installation, _STOP_LIMIT)
            try:
                with self.holds.held(installation):
                    work()
                launch = relaunch(launch) if launch else None
            finally:
                if launch is not None:
                    self.supervisor.reload(installation)
                    started = self.supervisor.start(replace(installation, gateways=()), launch)
                    self.readiness.wait(installation, installation.package.version, started)
