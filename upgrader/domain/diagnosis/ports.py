"""The ports of a diagnosis: what gathers the facts around a gateway, each without changing anything."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from upgrader.domain.diagnosis.logins import LoginsSeen
from upgrader.domain.diagnosis.scene import (
    ClientSide,
    ContainerSeen,
    DeviceDates,
    FileSeen,
    LockSeen,
    ManagerSeen,
    Neighbour,
    RunningSeen,
    ServiceSeen,
    SessionsSeen,
    TokenPlace,
)
from upgrader.domain.installation.configuration import Configuration
from upgrader.domain.installation.endpoint import Listener
from upgrader.domain.installation.facts import Installation


class LineReader(Protocol):
    """Reads logs of any size with bounded memory."""

    def lines(self, paths: tuple[Path, ...]) -> Iterator[bytes]:
        """The whole lines of these files, in their order."""


class LineTail(Protocol):
    """What is appended to a log from now on."""

    def more(self) -> tuple[bytes, ...]:
        """The lines completed since the last call."""


class ServiceProbe(Protocol):
    """Looks at service definitions on disk."""

    def service(self, installation: Installation) -> ServiceSeen | None:
        """The installation's own definition, drop-ins and environment files included."""

    def neighbours(self, installation: Installation) -> tuple[Neighbour, ...]:
        """Other units of this user that OpenClaw might call gateway-like."""


class ManagerProbe(Protocol):
    """Asks the service manager; changes nothing."""

    def manager(self, installation: Installation) -> ManagerSeen | None:
        """What it says of the gateway's unit; None where nothing keeps the gateway."""


class MachineProbe(Protocol):
    """Looks at processes, ports, locks and the shell."""

    def listeners(self, port: int) -> tuple[Listener, ...]:
        """Who listens on the port."""

    def locks(self, installation: Installation) -> tuple[LockSeen, ...]:
        """Lock files of this state and whether their owners live."""

    def container(self, installation: Installation) -> ContainerSeen:
        """The container this, or the gateway, runs in."""

    def process_tokens(self, installation: Installation) -> tuple[TokenPlace, ...]:
        """The gateway token in the environment of each running gateway."""

    def client(self, installation: Installation) -> ClientSide:
        """What clients started from this shell go by."""


class RunningProbe(Protocol):
    """Looks at running gateways themselves."""

    def running(self, installation: Installation) -> tuple[RunningSeen, ...]:
        """What each of this state really goes by; where none runs, those of other states on its port."""


class LoginsProbe(Protocol):
    """Looks at agents' logins at model providers."""

    def logins(self, installation: Installation) -> LoginsSeen:
        """As they are, and as the newest snapshot holds them."""


class StateProbe(Protocol):
    """Looks at the files of a state directory beyond its pairing data."""

    def files(self, installation: Installation) -> tuple[FileSeen, ...]:
        """The pairing files there are, and `.migrated` originals."""

    def dates(self, installation: Installation) -> tuple[DeviceDates, ...]:
        """When devices were paired and last seen; empty where that cannot be read."""

    def owners(self, installation: Installation) -> tuple[LockSeen, ...]:
        """Records of ownership in the state database, and whether the processes they name live."""

    def sessions(self, installation: Installation) -> tuple[SessionsSeen, ...]:
        """The session files of each agent, where this era keeps files."""

    def token_in(self, installation: Installation, configuration: Configuration) -> tuple[str, ...]:
        """Files outside the configuration that hold the gateway's token in clear: logs, shell histories."""
