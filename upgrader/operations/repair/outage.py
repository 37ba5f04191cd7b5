"""A short stop of the gateway with something done in it, and the same gateway started again whatever happens."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from upgrader.domain.diagnosis.repairing import OpenOutage, OutageRecord
from upgrader.domain.installation.facts import Installation
from upgrader.domain.moves.launching import Launch
from upgrader.domain.moves.ports import Files, Holds, Readiness, Supervisor
from upgrader.domain.ports import Snapshots
from upgrader.errors import Blocked

_STOP_LIMIT = timedelta(seconds=345)  # 9.x drains up to 315 s at a managed stop
_ENDED = "a repair that was killed while the gateway was stopped was ended: the gateway runs as before"


def as_before(launch: Launch) -> Launch:
    """The gateway starts as it ran."""
    return launch


@dataclass(frozen=True)
class Outage:
    """Over the supervisor and OpenClaw's own locks. `shield` keeps interrupts until the gateway is back; `record` is what the
    next command needs when this one is killed in between."""

    supervisor: Supervisor
    holds: Holds
    readiness: Readiness
    shield: Callable[[], AbstractContextManager[None]]
    record: OutageRecord
    snapshots: Snapshots
    files: Files

    def during(
        self,
        installation: Installation,
        work: Callable[[], None],
        relaunch: Callable[[Launch], Launch] = as_before,
        changes: tuple[Path, ...] = (),
    ) -> None:
        """Stop, hold the locks, `work`, reload the definition, start as it ran (`relaunch` may change the environment).

        `changes` are the files outside the pairing data that `work` changes: a killed run leaves them to `resume`. The gateway
        is started again also when `work` raises. Raises Blocked, StopFailed, GatewayLeft, StartFailed and what `work` raises.
        """
        objections = self.supervisor.objections(installation)
        if objections:
            raise Blocked(
                "this gateway cannot be stopped by upgrader",
                why="; ".join(objections),
                hint="`upgrader status` shows what keeps it",
                code="supervisor",
            )
        launch = self.supervisor.launch_record(installation) if installation.is_running else None
        with self.shield():
            left = OpenOutage(launch, tuple(self.snapshots.keep_file(path) for path in changes))
            self._stopped(installation, left, work, relaunch)

    def _stopped(
        self, installation: Installation, left: OpenOutage, work: Callable[[], None], relaunch: Callable[[Launch], Launch]
    ) -> None:
        """`left` is durable before the stop and gone after the start."""
        self.record.write(left)
        launch = left.launch
        if installation.is_running:
            self.supervisor.stop(installation, _STOP_LIMIT)
        try:
            with self.holds.held(installation):
                work()
            launch = relaunch(launch) if launch else None
        finally:
            self._start(installation, launch)
            self.record.clear()

    def resume(self, installation: Installation) -> str:
        """End the outage of a run that was killed in it: its files as before, the gateway started. Says what it did."""
        left = self.record.read()
        if left is None:
            return ""
        if left.files and installation.is_running:  # it was started, or somebody did, on the change or half of it
            with self.shield():
                self._stopped(installation, left, lambda: self._put_back(left), as_before)
            return _ENDED
        with self.shield():
            if left.files:
                with self.holds.held(installation):
                    self._put_back(left)
            if left.launch is not None and not installation.is_running:
                self._start(installation, left.launch)
            self.record.clear()
        return _ENDED

    def _put_back(self, left: OpenOutage) -> None:
        for each in left.files:
            if each.digest is None:
                self.files.remove(each.path)
            else:
                self.files.replace(each.path, self.snapshots.file_bytes(each.digest), each.mode)

    def _start(self, installation: Installation, launch: Launch | None) -> None:
        if launch is not None:
            self.supervisor.reload(installation)
            started = self.supervisor.start(replace(installation, gateways=()), launch)
            self.readiness.wait(installation, installation.package.version, started)
