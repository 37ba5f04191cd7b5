"""Who listens where on this machine."""

from dataclasses import dataclass

from upgrader.domain.installation.facts import ProcessIdentity
from upgrader.errors import UpgraderError


@dataclass(frozen=True)
class Listener:
    """One listening TCP socket. `identity` and `name` are unknown (None, empty) where its owner is hidden from us."""

    address: str
    port: int
    identity: ProcessIdentity | None = None
    name: str = ""


class PortTaken(UpgraderError):
    """The port is another program's, or no free one could be found."""

    default_code = "port_taken"
