"""Port ManagerProbe: what the user's service manager says of the gateway's unit. It only looks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from upgrader.adapters.supervisors.systemctl import Systemctl
from upgrader.domain.diagnosis.scene import ManagerSeen
from upgrader.domain.installation.facts import Installation, SupervisorKind
from upgrader.domain.installation.supervision import NotManaged
from upgrader.domain.ports import Runner
from upgrader.domain.process import CommandTimedOut

_ANSWER_LIMIT = timedelta(seconds=10)
# loginctl(1): `enable-linger` makes a file of the user's name there (systemd 252).
LINGERING = Path("/var/lib/systemd/linger")


@dataclass(frozen=True)
class UnitManagerProbe:
    """Over `systemctl --user`; `session` reaches the manager of `user`, `lingering` is where lingering users are noted."""

    runner: Runner
    session: Mapping[str, str]
    user: str
    lingering: Path = LINGERING

    def manager(self, installation: Installation) -> ManagerSeen | None:
        """What it says; None where the gateway is kept by nothing."""
        service = installation.service
        if service.kind is not SupervisorKind.SYSTEMD_USER:
            return None
        try:
            seen = Systemctl(self.runner, self.session).status(service.name, _ANSWER_LIMIT)
        except (NotManaged, CommandTimedOut) as error:
            return ManagerSeen(service.name, self.user, silent=error.why or error.message)
        return ManagerSeen(
            unit=service.name,
            user=self.user,
            load=seen.load,
            active=seen.active,
            sub=seen.sub,
            result=seen.result,
            exit_status=seen.exit_status,
            restarts=seen.restarts,
            needs_reload=seen.needs_reload,
            file_state=seen.file_state,
            lingers=self._lingers(),
        )

    def _lingers(self) -> bool | None:
        """None where it cannot be seen."""
        try:
            (self.lingering / self.user).stat()
        except FileNotFoundError:
            return False
        except OSError:
            return None
        return True
